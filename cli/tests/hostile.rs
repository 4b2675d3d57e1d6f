//! Whoever can write to a function's log writes to every command that reads it: what none of them may be led to do.

mod common;
#[path = "common/samples.rs"]
mod samples;

use common::{Done, Folder, done, fed, palisade};
use samples::{Speaker, forged, learnt, mixed};
use serde_json::{Value, json};

const PAY: Speaker = Speaker::PAY;

const POLICY: &str = r#"{"version": 1, "rules": [{"name": "payments",
  "processes": {"effect": "prevent", "main_only": true},
  "network": {"effect": "prevent", "outbound": {"allow": ["10.0.0.0/8:443"]}, "listen": {"allow": [8080]}},
  "dns": {"effect": "prevent", "allow": ["*.example.com"]},
  "filesystem": {"effect": "alert", "deny": ["/proc/*/environ"]}}]}"#;

/// Lines that are no audits, and want to be taken for some, or to break what looks.
fn broken() -> Vec<Vec<u8>> {
    let good = PAY.resolve("yahoo.com");
    let deep = format!(
        "{{\"palisade\":1,\"x\":{}{}}}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let objects = format!(
        "{}{}\n",
        "{\"palisade\":".repeat(50_000),
        "}".repeat(50_000)
    );
    let mut bytes = good.clone().into_bytes();
    bytes[40] = 0xff;
    bytes[90] = 0xc0;
    vec![
        deep.into_bytes(),
        objects.into_bytes(),
        bytes,
        good.replace("\"port\"", "\"palisade\":2,\"port\"")
            .replace("\"pid\":17", "\"pid\":17,\"pid\":18")
            .into_bytes(),
        good.replace("\"pid\":17", "\"pid\":99999999999999999999")
            .into_bytes(),
        good.replace("\"pid\":17", "\"pid\":-1").into_bytes(),
        good.replace("\"pid\":17", "\"pid\":1e400").into_bytes(),
        good.replace("\"palisade\":1", "\"palisade\":\"1\"")
            .into_bytes(),
        good.replace("\"palisade\":1", "\"palisade\":4294967295")
            .into_bytes(),
        good.replace("yahoo.com", &"\\ud800".repeat(20))
            .into_bytes(),
        good.replace("yahoo.com", "\\u0000").into_bytes(),
        format!(
            "{{\"message\":\"{}\"}}\n",
            "\\\"palisade\\\":1,".repeat(10_000)
        )
        .into_bytes(),
        [
            b"{\"palisade\":1,\"msg\":\"".to_vec(),
            vec![b'x'; 3 << 20],
            b"\"}\n".to_vec(),
        ]
        .concat(),
        vec![0; 100_000],
        b"palisade\"palisade\"\"palisade\"\":\\\"palisade\\\":\n".repeat(50),
    ]
}

fn log() -> Vec<u8> {
    [
        mixed().into_bytes(),
        learnt(&PAY.alerts().resolve("api.example.com")).into_bytes(),
        forged().concat().into_bytes(),
        forged()
            .iter()
            .map(|line| learnt(&line.replace("prevent", "alert")))
            .collect::<String>()
            .into_bytes(),
        broken().concat(),
        PAY.resolve("last.example").into_bytes(),
    ]
    .concat()
}

/// It has come to its end as documented, and what it wrote acts on nothing.
#[track_caller]
fn harmless(result: &Done, what: &dyn std::fmt::Debug) {
    assert!(
        matches!(result.code, Some(0 | 1 | 2 | 3 | 65 | 66 | 73 | 78)),
        "{what:?} {:?}\n{}",
        result.code,
        result.err
    );
    for text in [&result.out, &result.err] {
        let acting = text
            .chars()
            .find(|c| *c != '\n' && palisade_audit::is_unseen(*c));
        assert_eq!(acting, None, "{what:?} {text:?}");
    }
}

#[test]
fn no_command_is_led_by_what_is_in_a_log() {
    let folder = Folder::new();
    folder.file("log", log());
    folder.file("policy.json", POLICY);
    for (arguments, found) in [
        (&["audits", "log"][..], "last.example"),
        (&["audits", "--no-fold", "log"], "last.example"),
        (&["audits", "--json", "log"], "last.example"),
        (&["audits", "--summary", "log"], "last.example"),
        (&["audits", "--summary", "--json", "log"], "last.example"),
        (
            &[
                "audits",
                "--group-by",
                "target,function,process,attack,command,technique,minute",
                "--top",
                "1000",
                "log",
            ],
            "last.example",
        ),
        (&["audits", "--to", "ocsf", "log"], "last.example"),
        (&["audits", "--to", "ecs", "log"], "last.example"),
        (
            &["audits", "--to", "asff", "--account", "123456789012", "log"],
            "last.example",
        ),
        (
            &[
                "report",
                "log",
                "--policy",
                "policy.json",
                "-o",
                "report.html",
            ],
            "",
        ),
        (&["learn", "-o", "learnt", "log"], ""),
        (
            &["diff", "policy.json", "policy.json", "--replay", "log"],
            "Replay: 0 of",
        ),
        (
            &[
                "diff",
                "policy.json",
                "policy.json",
                "--replay",
                "log",
                "--format",
                "json",
            ],
            "\"changed\": 0",
        ),
    ] {
        let result = done(palisade(arguments).current_dir(folder.path()));
        harmless(&result, &arguments);
        assert_eq!(result.code, Some(0), "{arguments:?} {result:?}");
        assert!(
            result.out.contains(found),
            "{found} is not in the output of {arguments:?}\n{}",
            result.out
        );
    }
    let page = std::fs::read_to_string(folder.path().join("report.html")).expect("a page");
    assert_eq!(
        (
            page.matches("<script").count(),
            page.matches("<img").count()
        ),
        (2, 0)
    );
    assert!(page.contains("last.example"));
    // Files are named after functions, which the log names.
    let names = common::names_in(&folder.path().join("learnt"));
    assert!(
        names.iter().all(|name| name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))),
        "{names:?}"
    );
}

#[test]
fn no_single_line_leads_explain() {
    let folder = Folder::new();
    folder.file("policy.json", POLICY);
    let lines = forged().into_iter().map(String::into_bytes).chain(broken());
    for line in lines {
        for format in ["text", "json"] {
            let words = [
                "explain",
                "--policy",
                "policy.json",
                "--format",
                format,
                "--audit",
                "-",
            ];
            let result = fed(palisade(words).current_dir(folder.path()), &line);
            harmless(
                &result,
                &String::from_utf8_lossy(&line[..line.len().min(300)]),
            );
        }
    }
}

/// A sum that runs over would hide events; the library counts no more than it can have seen.
#[test]
fn counts_that_cannot_be_are_kept_within_bounds() {
    let log: String = (0..4)
        .map(|number| {
            let audit = json!({"palisade": 1, "type": "dns", "effect": "prevent", "domain": "x.example", "count": u64::MAX, "timestamp": format!("2023-11-14T22:13:2{number}Z")});
            format!("{audit}\n")
        })
        .collect();
    let summary = fed(
        &mut palisade(["audits", "--summary", "--json"]),
        log.as_bytes(),
    );
    let summary: Value = serde_json::from_str(&summary.out).expect("JSON");
    assert_eq!(
        (&summary["audits"], &summary["events"]),
        (&json!(4), &json!(4_u64 << 32))
    );
    let text = fed(&mut palisade(["audits"]), log.as_bytes());
    assert!(text.out.contains("×17,179,869,184"), "{text:?}");
}
