//! What `mode: learn` and `enforce_after` make of a policy, in a process and in all that it starts.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use palisade_audit::Owned;
use palisade_tests::{Run, tool};
use serde_json::{Value, json};

fn learning(program: &str, arguments: &[&str]) -> Run {
    Run::new(tool(program))
        .args(arguments)
        .env("PALISADE_MODE", "learn")
}

/// How often each act was told: its type, and its path, name or port.
fn told(audits: &[Owned]) -> BTreeMap<(String, String), usize> {
    let mut told = BTreeMap::new();
    for audit in audits {
        assert_eq!(audit.effect.as_deref(), Some("learn"), "{audit:?}");
        let path = audit.path.clone().or(audit.domain.clone());
        let target = path.unwrap_or_else(|| audit.port.unwrap_or_default().to_string());
        *told.entry((audit.kind.clone(), target)).or_default() += 1;
    }
    told
}

fn count(told: &BTreeMap<(String, String), usize>, kind: &str, target: &str) -> usize {
    let key = (kind.to_owned(), target.to_owned());
    told.get(&key).copied().unwrap_or_default()
}

#[test]
fn each_act_is_told_once_by_a_whole_process_tree() {
    let script = "cat data; cat data; /bin/sh -c 'cat data; cat -n data'; (cat data) & wait";
    let run = learning("sh", &["-c", script]).file("data", "content");
    let data = run.folder().join("data").display().to_string();
    let done = run.go();
    assert_eq!(
        done.text().matches("content").count(),
        5,
        "{}",
        done.story()
    );
    let told = told(&done.audits());
    assert_eq!(count(&told, "filesystem", &data), 1, "{told:?}");
    let cat = std::fs::canonicalize(tool("cat")).expect("cat");
    // Twice, since `-n` is another kind of arguments.
    assert_eq!(
        count(&told, "process", &cat.display().to_string()),
        2,
        "{told:?}"
    );
}

#[test]
fn a_child_that_forks_tells_nothing_that_its_parent_has_told() {
    let code = "import os\nopen('data').read()\n\
                for n in range(3):\n pid = os.fork()\n if pid == 0:\n  open('data').read(); open('more').read(); os._exit(0)\n os.waitpid(pid, 0)";
    let run = learning("python3", &["-c", code])
        .file("data", "x")
        .file("more", "x");
    let folder = run.folder().to_owned();
    let done = run.go();
    assert_eq!(done.code(), 0, "{}", done.story());
    let told = told(&done.audits());
    for name in ["data", "more"] {
        let path = folder.join(name).display().to_string();
        assert_eq!(count(&told, "filesystem", &path), 1, "{name} {told:?}");
    }
}

#[test]
fn everything_is_allowed_whatever_the_policy_says_and_only_what_it_could_list_is_told() {
    let nothing = json!({"version": 1, "rules": [{
        "processes": {"effect": "prevent", "main_only": true},
        "network": {"effect": "prevent", "outbound": {"deny": ["*"]}, "listen": {"deny": ["1-65535"]}},
        "dns": {"effect": "prevent", "deny": ["*"]},
        "filesystem": {"effect": "prevent", "deny": ["/**"]},
    }]});
    let learn = json!({"version": 1, "mode": "learn", "rules": [{}]});
    let code = "import os, socket\n\
                open('/etc/hosts').read(); open('/dev/null', 'w').write('x'); open('data').read()\n\
                server = socket.create_server(('127.0.0.1', 0)); socket.create_connection(server.getsockname())\n\
                socket.getaddrinfo('localhost', 1); socket.getaddrinfo('127.0.0.1', 1)\n\
                print(os.popen('echo ran').read())";
    for (policy, mode) in [(nothing, "learn"), (learn, "")] {
        let run = Run::new(tool("python3"))
            .args(["-c", code])
            .policy(&policy)
            .env("PALISADE_MODE", mode)
            .file("data", "x");
        let data = run.folder().join("data").display().to_string();
        let done = run.go();
        assert_eq!(
            (done.code(), done.text().trim()),
            (0, "ran"),
            "{}",
            done.story()
        );
        let told = told(&done.audits());
        assert_eq!(count(&told, "filesystem", &data), 1);
        for given in ["/etc/hosts", "/dev/null"] {
            assert_eq!(count(&told, "filesystem", given), 0, "{told:?}");
        }
        assert!(
            !told.keys().any(|(kind, _)| kind == "dns"),
            "no names: {told:?}"
        );
        let connections = done
            .audits()
            .iter()
            .filter(|audit| {
                audit.ip.as_deref() == Some("127.0.0.1") && audit.msg.contains("Outbound")
            })
            .count();
        assert_eq!(connections, 0, "loopback is open to every policy: {told:?}");
    }
}

#[test]
fn enforcing_can_be_asked_of_a_policy_that_learns() {
    let policy = json!({"version": 1, "mode": "learn", "rules": [{"processes": {"effect": "prevent", "main_only": true}}]});
    let done = Run::new(tool("sh"))
        .args(["-c", "cat data; true"])
        .policy(&policy)
        .env("PALISADE_MODE", "enforce")
        .file("data", "content")
        .go();
    assert_eq!(done.text(), "", "{}", done.story());
    assert_eq!(done.audit().effect.as_deref(), Some("prevent"));
}

#[test]
fn a_script_is_an_act_and_so_is_its_interpreter() {
    let run = learning(
        "python3",
        &[
            "-c",
            "import subprocess; subprocess.run(['./tool'], check=True)",
        ],
    )
    .file("tool", "#!/bin/sh\nexit 0\n");
    let path = run.folder().join("tool");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("a mode");
    let done = run.go();
    assert_eq!(done.code(), 0, "{}", done.story());
    let told = told(&done.audits());
    let shell = std::fs::canonicalize("/bin/sh")
        .expect("a shell")
        .display()
        .to_string();
    for program in [path.display().to_string(), shell] {
        assert_eq!(count(&told, "process", &program), 1, "{program} {told:?}");
    }
}

#[test]
fn more_acts_than_are_remembered_are_told_and_said_to_be() {
    let code =
        "import os\nfor n in range(12000):\n os.close(os.open(f'f{n}', os.O_CREAT | os.O_WRONLY))";
    let done = learning("python3", &["-c", code]).go();
    assert_eq!(done.code(), 0, "{}", done.story());
    let (notices, acts): (Vec<Owned>, Vec<Owned>) = done
        .audits()
        .into_iter()
        .partition(|audit| audit.kind == "policy");
    let told: BTreeMap<_, _> = told(&acts);
    let files = told.keys().filter(|(_, path)| path.contains("/f")).count();
    assert!(files >= 12_000, "{files}");
    let attacks: Vec<&str> = notices
        .iter()
        .map(|notice| notice.attack.as_str())
        .collect();
    assert_eq!(attacks, ["learning-overflows"]);
}

/// RFC 3339 of so many seconds from now, by date(1).
fn in_seconds(seconds: u64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_secs();
    let done = Run::new(tool("date"))
        .args([
            "-u",
            "-d",
            &format!("@{}", now + seconds),
            "+%Y-%m-%dT%H:%M:%SZ",
        ])
        .without_library()
        .go();
    done.text().trim().to_owned()
}

fn staged(time: &str) -> Value {
    json!({"version": 1, "rules": [{"name": "staged", "enforce_after": time,
        "filesystem": {"effect": "prevent", "deny": ["/**/data"]}, "processes": {"effect": "alert", "deny": ["true"]}}]})
}

#[test]
fn what_will_be_refused_is_an_alert_that_says_so_until_then_and_is_refused_from_then_on() {
    // The same process, and one that it starts before and after; a thing that was started long ago begins like any other.
    let code = "import subprocess, time\n\
                def read():\n try: return open('data').read()\n except PermissionError: return ''\n\
                first = read() + subprocess.run(['cat', 'data'], capture_output=True, text=True).stdout\n\
                print(first); subprocess.run(['true'])\n\
                while read(): time.sleep(0.05)\n\
                print(subprocess.run(['cat', 'data'], capture_output=True, text=True).stdout or 'refused')\n\
                subprocess.run(['true'])";
    // A machine that is busy may take longer to start a process than the time that is left.
    for seconds in [4, 10, 30] {
        let time = in_seconds(seconds);
        let done = Run::new(tool("python3"))
            .args(["-c", code])
            .policy(&staged(&time))
            .file("data", "open ")
            .go();
        assert_eq!(done.code(), 0, "{}", done.story());
        let audits = done.audits();
        if done.text() != "open open \nrefused\n" {
            continue;
        }
        assert_eq!(
            audits.first().map(|audit| audit.attack.as_str()),
            Some("not-enforced-yet")
        );
        let files = audits.iter().filter(|audit| audit.kind == "filesystem");
        for audit in files {
            let delayed = audit.effect.as_deref() == Some("alert");
            let expected = if delayed {
                ("WARN", Some(&time))
            } else {
                ("ERROR", None)
            };
            assert_eq!(
                (audit.level.as_str(), audit.enforce_after.as_ref()),
                expected,
                "{audit:?}"
            );
        }
        let effects = |kind: &str| -> Vec<&str> {
            audits
                .iter()
                .filter(|audit| audit.kind == kind)
                .filter_map(|audit| audit.effect.as_deref())
                .collect()
        };
        let refusals = effects("filesystem")
            .iter()
            .filter(|effect| **effect == "prevent")
            .count();
        assert_eq!(refusals, 2, "{}", done.story());
        // What says `alert` by itself is nothing that waits.
        assert_eq!(effects("process"), ["alert", "alert"]);
        assert!(
            audits
                .iter()
                .all(|audit| audit.kind != "process" || audit.enforce_after.is_none())
        );
        return;
    }
    panic!("no start was quick enough");
}

#[test]
fn a_time_that_has_passed_delays_nothing() {
    let done = Run::new(tool("cat"))
        .arg("data")
        .policy(&staged("2020-01-01T00:00:00Z"))
        .file("data", "content")
        .go();
    assert_eq!(
        (done.text(), done.audit().effect.as_deref()),
        (String::new(), Some("prevent")),
        "{}",
        done.story()
    );
}
