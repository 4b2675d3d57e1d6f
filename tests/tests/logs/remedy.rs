//! `palisade explain --audit` for every breach that the library can report: the entry, the change, and that the change does what it says.

use std::fs;
use std::path::Path;

use palisade_tests::{compile, policy, tool};
use serde_json::{Value, json};

use crate::{log, palisade, run};

const REFUSED: i32 = 1;

/// One breach.
struct Case {
    attack: &'static str,
    sections: Value,
    /// `{}` is the folder.
    act: Vec<&'static str>,
    /// An act like it that the change must not allow, where it is said to allow exactly the one.
    beside: Vec<&'static str>,
}

fn case(
    attack: &'static str,
    sections: Value,
    act: &[&'static str],
    beside: &[&'static str],
) -> Case {
    Case {
        attack,
        sections,
        act: act.to_vec(),
        beside: beside.to_vec(),
    }
}

fn cases() -> Vec<Case> {
    let processes = |rest: Value| section("processes", rest);
    let outbound = |rest: Value| section("network", json!({"outbound": rest}));
    let listen = |rest: Value| section("network", json!({"listen": rest}));
    let dns = |rest: Value| section("dns", rest);
    let files = |rest: Value| section("filesystem", rest);
    let everything = [
        "/usr/**",
        "/lib/**",
        "/lib64/**",
        "/etc/**",
        "/dev/null",
        "{}/acts",
        "/proc/filesystems",
    ];
    vec![
        case(
            "unexpected-process",
            processes(json!({"main_only": true})),
            &["exec", "/usr/bin/true"],
            &["exec", "/usr/bin/printf", "x"],
        ),
        case(
            "denied-process",
            processes(json!({"deny": ["/usr/bin/tru?", "true"]})),
            &["exec", "/usr/bin/true"],
            &[],
        ),
        case(
            "unlisted-process",
            processes(json!({"allow": ["/usr/bin/false"]})),
            &["exec", "/usr/bin/true"],
            &["exec", "/usr/bin/printf", "x"],
        ),
        case(
            "unlisted-process",
            processes(json!({"allow": ["/usr/bin/false"]})),
            &["exec", "{}/o*d [n]ame"],
            &["exec", "{}/ord name"],
        ),
        // A script is two programs: itself, and its interpreter.
        case(
            "unlisted-process",
            processes(json!({"allow": ["/usr/bin/false"]})),
            &["exec", "{}/script"],
            &[],
        ),
        case(
            "unexpected-process",
            processes(json!({"main_only": true})),
            &["exec", "{}/script"],
            &[],
        ),
        case(
            "crypto-miner",
            processes(json!({"crypto_miners": true})),
            &["exec", "{}/xmrig"],
            &[],
        ),
        case(
            "crypto-miner",
            processes(json!({"crypto_miners": true})),
            &[
                "exec",
                "/usr/bin/true",
                "-o",
                "stratum+tcp://pool.example:3333",
            ],
            &[],
        ),
        case(
            "crypto-miner",
            processes(json!({"crypto_miners": true})),
            &["resolve", "xmr.pool.minergate.com"],
            &[],
        ),
        case(
            "unfollowable-program",
            processes(json!({"deny": ["nothing"]})),
            &["exec", "{}/static"],
            &[],
        ),
        case(
            "unfollowable-program",
            processes(json!({"deny": ["nothing"], "unfollowable": "prevent"})),
            &["exec", "{}/static"],
            &[],
        ),
        case(
            "unlisted-process",
            processes(json!({"allow": ["/usr/bin/false"]})),
            &["exec", "{}/static"],
            &[],
        ),
        case(
            "denied-destination",
            outbound(json!({"deny": ["198.51.100.0/24", "198.51.100.7:80-90"]})),
            &["connect", "198.51.100.7", "80"],
            &[],
        ),
        case(
            "denied-destination",
            outbound(json!({"deny": ["2001:db8::/32"]})),
            &["connect", "2001:db8::7", "80"],
            &[],
        ),
        case(
            "unlisted-destination",
            outbound(json!({"allow": ["10.0.0.0/8:443"]})),
            &["connect", "198.51.100.7", "80"],
            &["connect", "198.51.100.7", "81"],
        ),
        case(
            "unlisted-destination",
            outbound(json!({"allow": ["10.0.0.0/8:443"]})),
            &["connect", "2001:db8::7", "80"],
            &["connect", "2001:db8::8", "80"],
        ),
        case(
            "unlisted-destination",
            outbound(json!({"allow": ["10.0.0.0/8:443"]})),
            &["connect", "::ffff:198.51.100.7", "80"],
            &["connect", "::ffff:198.51.100.7", "81"],
        ),
        case(
            "unlisted-destination",
            outbound(json!({"deny": ["192.0.2.1"], "loopback": false})),
            &["connect", "127.0.0.1", "5432"],
            &["connect", "127.0.0.1", "5433"],
        ),
        case(
            "unlisted-destination",
            outbound(json!({"deny": ["192.0.2.1"], "loopback": false})),
            &["connect", "::1", "5432"],
            &["connect", "::1", "5433"],
        ),
        case(
            "denied-port",
            listen(json!({"deny": ["4000-5000"]})),
            &["listen", "4444"],
            &[],
        ),
        case(
            "unlisted-port",
            listen(json!({"allow": [8080]})),
            &["listen", "4444"],
            &["listen", "4445"],
        ),
        case(
            "denied-domain",
            dns(json!({"deny": ["*.example.com"]})),
            &["resolve", "evil.example.com"],
            &[],
        ),
        case(
            "unlisted-domain",
            dns(json!({"allow": ["good.example.com"]})),
            &["resolve", "Evil.example.com."],
            &["resolve", "a.evil.example.com"],
        ),
        case(
            "denied-file",
            files(json!({"deny": [{"path": "{}/secret", "access": "read"}]})),
            &["read", "{}/secret"],
            &[],
        ),
        case(
            "denied-file",
            files(json!({"deny": ["{}/**"]})),
            &["change", "{}/secret"],
            &[],
        ),
        case(
            "unlisted-file",
            files(json!({"allow": everything})),
            &["read", "{}/secret"],
            &["write", "{}/secret"],
        ),
        case(
            "unlisted-file",
            files(json!({"allow": everything})),
            &["write", "{}/secret"],
            &["read", "{}/secret"],
        ),
        case(
            "unlisted-file",
            files(json!({"allow": everything})),
            &["change", "{}/secret"],
            &["change", "{}/secret2"],
        ),
        case(
            "unlisted-file",
            files(json!({"allow": everything})),
            &["read", "{}/we{i,r}d [!n]ame?*\\ \"ünd\"\n"],
            &["read", "{}/weid"],
        ),
        // By the number of the process, which is another the next time.
        case(
            "unlisted-file",
            files(json!({"allow": everything})),
            &["read", "/proc/self/environ"],
            &["read", "/proc/1/environ"],
        ),
    ]
}

fn section(name: &str, mut rest: Value) -> Value {
    rest["effect"] = "prevent".into();
    json!({ name: rest })
}

/// A folder with the files that the acts are about.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    for name in ["xmrig", "o*d [n]ame", "ord name"] {
        fs::copy(tool("true"), place.join(name)).expect("a program");
    }
    fs::write(place.join("script"), "#!/bin/sh\nexit 0\n").expect("a script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(place.join("script"), mode).expect("a script");
    for name in [
        "secret",
        "secret2",
        "we{i,r}d [!n]ame?*\\ \"ünd\"\n",
        "weid",
    ] {
        fs::write(place.join(name), "x").expect("a file");
    }
    let still = compile("int main(void) { return 0; }", &["-O1", "-static"]);
    fs::copy(still, place.join("static")).expect("a program");
    folder
}

fn placed(text: &str, folder: &Path) -> String {
    text.replace("{}", &folder.display().to_string())
}

fn words(act: &[String]) -> Vec<&str> {
    act.iter().map(String::as_str).collect()
}

/// What `explain --audit` says to the first line of the log.
fn explained(folder: &Path) -> Value {
    let line = log(folder)
        .lines()
        .next()
        .map(str::to_owned)
        .expect("an audit");
    let arguments = [
        "explain",
        "--policy",
        "policy.json",
        "--format",
        "json",
        "--audit",
        "-",
    ];
    let said = palisade(folder, &arguments, line.as_bytes());
    assert_eq!(said.code, Some(0), "{line}\n{said:?}");
    serde_json::from_str(&said.out).expect("JSON")
}

#[test]
fn the_change_that_is_proposed_allows_the_act_and_where_it_says_so_no_other() {
    for Case {
        attack,
        sections,
        act,
        beside,
    } in cases()
    {
        let folder = folder();
        let place = folder.path().canonicalize().expect("a path");
        let rules: Value =
            serde_json::from_str(&placed(&policy(sections).to_string(), &place)).expect("JSON");
        let act: Vec<String> = act.iter().map(|word| placed(word, &place)).collect();
        let beside: Vec<String> = beside.iter().map(|word| placed(word, &place)).collect();

        let refused = run(&place, &rules, &words(&act));
        assert_eq!(
            refused.code(),
            REFUSED,
            "{rules} {act:?}\n{}",
            refused.story()
        );
        let answer = explained(&place);
        let story = format!("{rules} {act:?}\n{}\n{answer:#}", log(&place));
        assert_eq!(answer["audit"]["attack"], attack, "{story}");
        assert_eq!(answer["verdict"], "prevent", "{story}");
        assert!(
            answer["place"]
                .as_str()
                .is_some_and(|place| place.starts_with("rules[0].")),
            "{story}"
        );
        // That a script needs another program, or that a program is static, a person should know; of the rest there is nothing to say.
        let is_more = act.last().is_some_and(|word| {
            word.ends_with("/script") || word.ends_with("/static") && attack == "unlisted-process"
        });
        assert_eq!(answer["notes"] == json!([]), !is_more, "{story}");
        assert_eq!(answer["remedy"]["works"], true, "{story}");
        assert_eq!(answer["remedy"]["exact"], !beside.is_empty(), "{story}");

        let mut patched = rules.clone();
        apply(&mut patched, &answer["remedy"]["patch"]);
        let allowed = run(&place, &patched, &words(&act));
        assert_eq!(allowed.code(), 0, "{story}\n{patched}\n{}", allowed.story());
        assert_eq!(log(&place), "", "{story}\n{patched}");
        if !beside.is_empty() {
            let still = run(&place, &patched, &words(&beside));
            assert_eq!(
                still.code(),
                REFUSED,
                "{beside:?}\n{story}\n{patched}\n{}",
                still.story()
            );
        }
    }
}

/// Where no entry could allow it, that is what it says, and what decides.
#[test]
fn what_no_entry_can_allow_is_told_as_such() {
    let all = |effect: &str| {
        json!({
            "processes": {"effect": effect, "deny": ["nothing"]},
            "dns": {"effect": effect, "deny": ["nothing.example"]},
            "filesystem": {"effect": effect, "deny": ["/nothing"]},
        })
    };
    for (attack, act, decides) in [
        (
            "fileless-program",
            &["memory", "/usr/bin/true"][..],
            "rules[0].processes.effect",
        ),
        ("process-memory-write", &["change", "/proc/self/mem"], ""),
        ("unfollowable-library", &["namespace"], ""),
        ("malformed-question", &["nonsense"], "rules[0].dns.effect"),
    ] {
        let folder = folder();
        let place = folder.path();
        let refused = run(place, &policy(all("prevent")), act);
        assert_eq!(refused.code(), REFUSED, "{act:?}\n{}", refused.story());
        let answer = explained(place);
        let story = format!("{}\n{answer:#}", log(place));
        assert_eq!(answer["audit"]["attack"], attack, "{story}");
        assert_eq!(answer["verdict"], "prevent", "{story}");
        assert_eq!(
            answer["place"].as_str().unwrap_or_default(),
            decides,
            "{story}"
        );
        assert_eq!(answer["remedy"]["works"], false, "{story}");
        assert_eq!(answer["remedy"]["patch"], json!([]), "{story}");
        assert!(
            answer["why"].as_str().is_some_and(|why| why.len() > 40),
            "{story}"
        );
        let text = palisade(
            place,
            &["explain", "--policy", "policy.json", "--audit", "-"],
            log(place).as_bytes(),
        );
        assert!(
            text.out.contains("No entry of the policy could allow it"),
            "{text:?}"
        );
        // What it says instead: with `alert` it goes on.
        let passed = run(place, &policy(all("alert")), act);
        assert_eq!(passed.code(), 0, "{act:?}\n{}", passed.story());
    }
}

/// JSON Patch (RFC 6902), as much of it as is proposed.
fn apply(policy: &mut Value, patch: &Value) {
    for step in patch.as_array().expect("steps") {
        let (parent, last) = step["path"]
            .as_str()
            .and_then(|path| path.rsplit_once('/'))
            .expect("a path");
        let target = policy
            .pointer_mut(parent)
            .unwrap_or_else(|| panic!("{step}"));
        match (step["op"].as_str(), target) {
            (Some("add"), Value::Array(items)) if last == "-" => items.push(step["value"].clone()),
            (Some("add"), Value::Object(members)) => {
                members.insert(last.to_owned(), step["value"].clone());
            }
            (Some("remove"), Value::Array(items)) => {
                items.remove(last.parse().expect("a number"));
            }
            (Some("remove"), Value::Object(members)) => {
                members.remove(last);
            }
            other => panic!("{other:?}"),
        }
    }
}
