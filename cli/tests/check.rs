//! `palisade check`, as a person and as CI see it.

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{Folder, done, fed, palisade};

const GOOD: &str = r#"{"version": 1, "rules": [{
  "name": "payments",
  "scope": {"functions": ["pay-*", "-pay-canary"], "regions": ["eu-*"]},
  "processes": {"effect": "prevent", "main_only": true, "crypto_miners": true},
  "network": {"effect": "prevent",
    "outbound": {"allow": ["10.0.0.0/8:443"], "deny": ["169.254.169.254"]},
    "listen": {"allow": [8080, "9000-9100"]}},
  "dns": {"effect": "alert", "allow": ["*.amazonaws.com"]},
  "filesystem": {"effect": "alert", "deny": ["/proc/*/environ", {"path": "/var/task/**", "access": "write"}]}
}, {"processes": {"effect": "disable"}}]}"#;

const BAD: &str = r#"{
  "version": 1,
  "rules": [{
    "name": "payments",
    "dns": {"effect": "prevent", "allow": ["exa mple.com"]},
    "network": {"effect": "prevent", "outbound": {"alow": [], "deny": ["10.0.0.0/33"]}}
  }]
}"#;

const SUSPECT: &str =
    r#"{"version": 1, "rules": [{"dns": {"effect": "prevent", "deny": ["*amazon.com"]}}]}"#;

#[test]
fn a_valid_policy_is_summed_up_rule_by_rule() {
    let folder = Folder::new();
    let file = folder.file("policy.json", GOOD);
    let result = done(palisade(["check".as_ref(), file.as_os_str()]).current_dir(folder.path()));
    assert_eq!(result.code, Some(0), "{result:?}");
    for line in [
        "rules[0] payments",
        "  for         functions pay-*, -pay-canary; regions eu-*",
        "  processes   prevent any program but the main process's own; crypto miners",
        "  network     prevent destinations other than 10.0.0.0/8:443; destinations 169.254.169.254; listening ports other than 8080, 9000-9100",
        "  dns         alert   names other than *.amazonaws.com",
        "  filesystem  alert   files /proc/*/environ, /var/task/** (write)",
        "rules[1]",
        "  for         every function",
        "  processes   off",
    ] {
        assert!(
            result.out.lines().any(|found| found == line),
            "{line:?} is not in\n{}",
            result.out
        );
    }
}

#[test]
fn the_place_of_a_mistake_is_underlined() {
    let one_line = BAD.replace('\n', "");
    for (policy, expected) in [
        (
            BAD,
            "  at <stdin>:5:44, rules[0].dns.allow[0]
    |
  5 |     \"dns\": {\"effect\": \"prevent\", \"allow\": [\"exa mple.com\"]},
    |                                            ^^^^^^^^^^^^^^
",
        ),
        // A policy in a variable is one long line.
        (
            &one_line,
            "  1 | …t\": \"prevent\", \"outbound\": {\"alow\": [], \"deny\": [\"10.0.0.0/33\"]}}  }]}
    |                                                   ^^^^^^^^^^^^^
",
        ),
        // What is missing stands behind the end.
        (
            r#"{"version": 1, "rules": ["#,
            "  1 | {\"version\": 1, \"rules\": [
    |                          ^
",
        ),
        // Neither width nor bytes mislead it, and nothing out of the policy acts on the terminal.
        (
            "{\"version\": 1, \"rules\": [{\"name\": \"日\\u001b\u{202e}\", \"dns\": 7}]}",
            "  1 | {\"version\": 1, \"rules\": [{\"name\": \"日\\u001b\\u{202e}\", \"dns\": 7}]}
    |                                   ^^^^^^^^^^^^^^^^^^
",
        ),
    ] {
        let result = fed(&mut palisade(["check", "-"]), policy.as_bytes());
        assert!(result.err.contains(expected), "{expected}is not in\n{}", result.err);
    }
}

#[test]
fn every_mistake_is_named_with_its_place_and_what_would_be_right() {
    let folder = Folder::new();
    folder.file("policy.json", BAD);
    let result = done(palisade(["check", "policy.json"]).current_dir(folder.path()));
    assert_eq!(result.code, Some(1));
    assert_eq!(result.out, "");
    for part in [
        "at policy.json:5:44, rules[0].dns.allow[0]\n",
        "\"exa mple.com\": ",
        "at policy.json:6:",
        "rules[0].network.outbound.alow\n",
        "rules[0].network.outbound.deny[0]\n",
        "\"10.0.0.0/33\": ",
        "expected ",
        "policy.json: not valid, 3 errors\n",
    ] {
        assert!(
            result.err.contains(part),
            "{part:?} is not in\n{}",
            result.err
        );
    }
}

#[test]
fn warnings_are_told_and_fail_only_when_denied() {
    let result = fed(&mut palisade(["check", "-"]), SUSPECT.as_bytes());
    assert_eq!(result.code, Some(0), "{result:?}");
    assert!(result.err.contains("warning["), "{}", result.err);
    assert!(
        result.err.contains("at <stdin>, rules[0].dns.deny[0]"),
        "{}",
        result.err
    );
    assert!(
        result.out.contains("<stdin>: valid, 1 rule, 1 warning\n"),
        "{}",
        result.out
    );

    let denied = fed(
        &mut palisade(["check", "--deny-warnings", "-"]),
        SUSPECT.as_bytes(),
    );
    assert_eq!(denied.code, Some(1));
    let nothing_to_deny = fed(
        &mut palisade(["check", "--deny-warnings", "-"]),
        GOOD.as_bytes(),
    );
    assert_eq!(nothing_to_deny.code, Some(0), "{nothing_to_deny:?}");
}

#[test]
fn json_says_the_same() {
    let bad = fed(
        &mut palisade(["check", "--format", "json", "-"]),
        BAD.as_bytes(),
    );
    assert_eq!((bad.code, bad.err.as_str()), (Some(1), ""));
    let report: serde_json::Value = serde_json::from_str(&bad.out).expect("JSON");
    assert_eq!(report["valid"], false);
    let errors = report["errors"].as_array().expect("an array");
    assert_eq!(errors.len(), 3);
    let dns = errors
        .iter()
        .find(|error| error["place"] == "rules[0].dns.allow[0]")
        .expect("the error of dns");
    assert_eq!(dns["value"], "\"exa mple.com\"");
    assert_eq!((&dns["line"], &dns["column"]), (&5.into(), &44.into()));

    let suspect = fed(
        &mut palisade(["check", "--format=json", "-"]),
        SUSPECT.as_bytes(),
    );
    let report: serde_json::Value = serde_json::from_str(&suspect.out).expect("JSON");
    assert_eq!(report["valid"], true);
    assert_eq!(report["warnings"][0]["place"], "rules[0].dns.deny[0]");
}

#[test]
fn what_the_variable_takes_is_taken_from_a_file_too() {
    let encoded = STANDARD.encode(GOOD);
    let result = fed(&mut palisade(["check", "-"]), encoded.as_bytes());
    assert_eq!(result.code, Some(0), "{result:?}");
    assert!(result.out.contains("rules[0] payments"));
}

#[test]
fn text_that_is_no_json_is_an_error_of_json() {
    for text in [
        "",
        "{",
        "{\"version\": 1,}",
        "[]",
        "null",
        "version: 1\nrules: []\n",
    ] {
        let result = fed(&mut palisade(["check", "-"]), text.as_bytes());
        assert_eq!(result.code, Some(1), "{text:?} {result:?}");
        assert!(!result.err.contains("base64"), "{text:?} {}", result.err);
    }
}

#[test]
fn a_file_that_cannot_be_read_has_its_own_exit_code() {
    let result = done(&mut palisade(["check", "/nowhere/policy.json"]));
    assert_eq!(result.code, Some(66));
    assert!(
        result
            .err
            .starts_with("error: cannot read /nowhere/policy.json: "),
        "{}",
        result.err
    );
}

#[test]
fn wrong_usage_is_told_apart_from_a_wrong_policy() {
    assert_eq!(done(&mut palisade(["check"])).code, Some(2));
    assert_eq!(
        done(&mut palisade(["check", "--nonsense", "x"])).code,
        Some(2)
    );
    assert_eq!(done(&mut palisade(["--help"])).code, Some(0));
    let help = done(&mut palisade(["check", "--help"]));
    assert!(help.out.contains("66  the file cannot be read"));
}

#[test]
fn nothing_in_a_policy_reaches_the_terminal_as_an_escape_sequence() {
    let hostile = r#"{"version": 1, "rules": [{
        "name": "\u001b[31mred\u202e\u0007",
        "processes": {"effect": "prevent", "deny": ["/\u001b]0;title\u0007/*"]},
        "dns": {"effect": "prevent", "allow": ["\u001b[2J\nx"]},
        "\u001b[2J": 1
    }]}"#;
    let raw = b"{\"version\": 1, \x1b[2J \xff\xfe \xe2\x80\xae";
    let valid = r#"{"version": 1, "rules": [{"name": "a\u202eb", "processes": {"effect": "prevent", "deny": ["/\u001b[2J\u009b/*"]}}]}"#;
    for text in [hostile.as_bytes(), raw, valid.as_bytes()] {
        for format in ["text", "json"] {
            let result = fed(&mut palisade(["check", "--format", format, "-"]), text);
            for stream in [&result.out, &result.err] {
                let acting = stream.chars().find(|c| {
                    *c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}'))
                });
                assert_eq!(acting, None, "{stream:?}");
            }
        }
    }
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let plain = fed(&mut palisade(["check", "-"]), GOOD.as_bytes());
    assert!(!plain.out.contains('\x1b'));
    let forced = fed(
        palisade(["check", "-"]).env("CLICOLOR_FORCE", "1"),
        GOOD.as_bytes(),
    );
    assert!(forced.out.contains('\x1b'));
    let refused = fed(
        palisade(["check", "-"])
            .env("NO_COLOR", "1")
            .env("CLICOLOR_FORCE", "0"),
        GOOD.as_bytes(),
    );
    assert!(!refused.out.contains('\x1b'));
}

/// A policy that says the same of so many programs: longer than an environment takes, and easily packed, unless it is of names that share
/// nothing.
fn long(programs: u32, name: impl Fn(u32) -> String) -> String {
    let deny: Vec<String> = (0..programs).map(name).collect();
    let policy = serde_json::json!({ "version": 1, "rules": [{ "name": "long", "processes": { "effect": "prevent", "deny": deny } }] });
    policy.to_string()
}

#[test]
fn a_policy_that_fits_into_no_environment_is_told_what_to_do() {
    let alike = long(300, |number| format!("/usr/bin/program-{number}"));
    let folder = Folder::new();
    let file = folder.file("policy.json", &alike);
    let arguments = ["check", "--deny-warnings"];
    let result = done(palisade(arguments).arg(&file));
    assert_eq!(result.code, Some(0), "no warning: {result:?}");
    for part in [
        "note: too long for the variable PALISADE_POLICY: ",
        " bytes, and Lambda takes 4,096 for all variables together.",
        "/var/task/palisade.json",
        "/opt/palisade/policy.json",
        "`gzip -9c FILE | base64 -w0`",
    ] {
        assert!(result.err.contains(part), "{part:?} is not in {result:?}");
    }
    let json = done(palisade(["check", "--format", "json"]).arg(&file));
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json["valid"], true);
    assert_eq!(json["warnings"], serde_json::json!([]));
    assert_eq!(json["notes"][0]["code"], "environment-size");

    // What it says is true: so packed it is a policy of the length that was told, and there is nothing more to say.
    let gzip = std::process::Command::new("sh")
        .args(["-c", "gzip -9nc \"$1\" | base64 -w0", "sh"])
        .arg(&file)
        .output()
        .expect("gzip");
    let told: usize = result
        .err
        .split_once("about ")
        .and_then(|(_, rest)| rest.split_once(" bytes"))
        .map(|(number, _)| number.replace(',', "").parse().expect("a number"))
        .expect("a length");
    let real = gzip.stdout.len();
    assert!(real.abs_diff(told) <= real / 20, "{told}, and it is {real}");
    let packed = fed(&mut palisade(["check", "-"]), &gzip.stdout);
    assert_eq!((packed.code, &*packed.err), (Some(0), ""), "{packed:?}");
}

#[test]
fn a_policy_that_fits_into_no_environment_however_it_is_packed_is_told_so() {
    use sha2::Digest;
    let unlike = long(300, |number| {
        let digest = sha2::Sha256::digest(number.to_le_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("/usr/bin/{hex}")
    });
    let result = fed(&mut palisade(["check", "-"]), unlike.as_bytes());
    assert_eq!(result.code, Some(0), "{result:?}");
    assert!(
        result.err.contains("which is too long as well"),
        "{result:?}"
    );
    assert!(!result.err.contains("gzip -9c"), "{result:?}");
}

#[test]
fn a_policy_that_fits_is_told_nothing_about_its_length() {
    let result = fed(&mut palisade(["check", "-"]), GOOD.as_bytes());
    assert_eq!((result.code, &*result.err), (Some(0), ""), "{result:?}");
}
