//! Which programs may be started.

use crate::common::{rule, rule_on, run, short, start};
use palisade_policy::{Outcome, Platform, Process, Reason, Start};

use Outcome::{Alert, Allow, Prevent};

#[test]
fn main_only_lets_the_main_process_load_and_run_itself_and_nobody_anything_else() {
    let compiled = rule(r#""processes":{"effect":"prevent","main_only":true}"#);
    for (main, same_program, how, expected) in [
        (true, true, Start::Exec, (Allow, Reason::MainProgram)),
        (
            true,
            true,
            Start::Spawn,
            (Prevent, Reason::UnexpectedProcess),
        ),
        (
            true,
            false,
            Start::Exec,
            (Prevent, Reason::UnexpectedProcess),
        ),
        (
            true,
            false,
            Start::Spawn,
            (Prevent, Reason::UnexpectedProcess),
        ),
        (
            false,
            true,
            Start::Exec,
            (Prevent, Reason::UnexpectedProcess),
        ),
        (
            false,
            false,
            Start::Exec,
            (Prevent, Reason::UnexpectedProcess),
        ),
    ] {
        let event = Process {
            path: b"/usr/bin/java",
            given: b"java",
            start: how,
            main,
            same_program,
        };
        let verdict = compiled.decider().process(&event);
        assert_eq!(short(verdict), expected, "{event:?}");
        assert_eq!(verdict.place(), Some("rules[0].processes.main_only"));
        assert_eq!(verdict.pattern(), None);
    }
}

#[test]
fn an_allow_list_does_not_keep_the_main_process_from_running_itself() {
    let compiled = rule(r#""processes":{"effect":"prevent","allow":["git"]}"#);
    let mut event = start("/usr/bin/java", "java");
    event.same_program = true;
    assert_eq!(
        short(compiled.decider().process(&event)),
        (Allow, Reason::MainProgram)
    );
    event.main = false;
    assert_eq!(
        short(compiled.decider().process(&event)),
        (Prevent, Reason::Unlisted)
    );
}

#[test]
fn a_program_is_matched_by_its_resolved_path_or_base_name_and_deny_looks_at_the_given_name_too() {
    let compiled =
        rule(r#""processes":{"effect":"prevent","deny":["nc","/opt/tools/*","python3*"]}"#);
    for (path, given, expected) in [
        ("/usr/bin/nc", "/usr/bin/nc", Prevent),
        ("/usr/bin/ncat", "nc", Prevent),
        ("/usr/bin/nc.openbsd", "/usr/bin/nc", Prevent),
        ("/usr/bin/ncat", "ncat", Allow),
        ("/usr/bin/x", "/opt/tools/y", Prevent),
        ("/opt/tools/y", "/usr/bin/x", Prevent),
        ("/opt/tools/a/y", "y", Allow),
        ("/usr/bin/python3.11", "py", Prevent),
    ] {
        assert_eq!(
            compiled.decider().process(&start(path, given)).outcome,
            expected,
            "{path} {given}"
        );
    }
    let compiled = rule(r#""processes":{"effect":"prevent","allow":["python3","/usr/bin/git"]}"#);
    for (path, given, expected) in [
        ("/usr/bin/python3", "x", Allow),
        ("/usr/bin/python3.11", "/usr/bin/python3", Prevent),
        ("/tmp/evil", "python3", Prevent),
        ("/tmp/evil", "/usr/bin/git", Prevent),
        ("/usr/bin/git", "git", Allow),
    ] {
        assert_eq!(
            compiled.decider().process(&start(path, given)).outcome,
            expected,
            "{path} {given}"
        );
    }
}

#[test]
fn a_pattern_also_names_the_file_that_a_link_in_it_leads_to() {
    let resolve = |path: &[u8]| -> Option<Vec<u8>> {
        match path {
            b"/bin" => Some(b"/usr/bin".to_vec()),
            b"/bin/sh" => Some(b"/usr/bin/dash".to_vec()),
            b"/usr" | b"/usr/bin" | b"/" => Some(path.to_vec()),
            _ => None,
        }
    };
    let compiled = rule_on(
        r#""processes":{"effect":"prevent","deny":["/bin/sh"]}"#,
        &Platform::default(),
        &resolve,
    );
    assert_eq!(run(compiled.decider(), "/usr/bin/dash"), Prevent);
    assert_eq!(run(compiled.decider(), "/usr/bin/sh"), Prevent);
    assert_eq!(run(compiled.decider(), "/usr/bin/bash"), Allow);
    let verdict = compiled
        .decider()
        .process(&start("/usr/bin/dash", "/usr/bin/dash"));
    assert_eq!(
        verdict.pattern(),
        Some("/bin/sh"),
        "the entry is named as it stands in the policy"
    );
    let compiled = rule_on(
        r#""processes":{"effect":"prevent","allow":["/bin/*"]}"#,
        &Platform::default(),
        &resolve,
    );
    assert_eq!(run(compiled.decider(), "/usr/bin/git"), Allow);
    assert_eq!(run(compiled.decider(), "/usr/local/bin/git"), Prevent);
}

#[test]
fn crypto_miners_are_known_by_program_and_by_argument_before_anything_else() {
    let compiled = rule(
        r#""processes":{"effect":"prevent","crypto_miners":true,"allow":["xmrig","git"],"deny":["xmrig"]}"#,
    );
    let decider = compiled.decider();
    assert!(decider.judges_arguments());
    for name in [
        "/tmp/xmrig",
        "/tmp/XMRig",
        "/tmp/xmrig-6.21",
        "/x/minerd",
        "/x/lolMiner",
        "/x/t-rex",
        "/x/cpuminer-avx2",
    ] {
        let verdict = decider.process(&start(name, "x"));
        assert_eq!(short(verdict), (Prevent, Reason::CryptoMiner), "{name}");
        assert_eq!(verdict.place(), Some("rules[0].processes.crypto_miners"));
        assert!(verdict.pattern().is_some());
    }
    assert_eq!(
        decider.process(&start("/tmp/x", "/tmp/xmrig")).reason,
        Reason::CryptoMiner
    );
    for (argument, outcome) in [
        ("stratum+tcp://pool:3333", Prevent),
        ("-ostratum+SSL://pool", Prevent),
        ("x --donate-level=1", Prevent),
        ("http://pool", Allow),
        ("", Allow),
        ("stratum", Allow),
    ] {
        assert_eq!(
            decider.argument(argument.as_bytes()).outcome,
            outcome,
            "{argument}"
        );
    }
    assert_eq!(
        decider.argument(b"stratum+tcp://x").pattern(),
        Some("stratum+tcp://")
    );
    assert!(
        !rule(r#""processes":{"effect":"prevent","deny":["x"]}"#)
            .decider()
            .judges_arguments()
    );
    let main = rule(r#""processes":{"effect":"alert","crypto_miners":true,"main_only":true}"#);
    assert_eq!(
        short(main.decider().process(&start("/x/xmrig", "x"))),
        (Alert, Reason::CryptoMiner)
    );
}
