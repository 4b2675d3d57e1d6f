//! Does a section that is off cost no system call?

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::thread;

use palisade_tests::{Run, compile, policy, tool};
use serde_json::{Value, json};

/// The section that a call belongs to, and the call. What it asks for is allowed, or fails by itself.
#[rustfmt::skip]
const ROWS: &[(&str, &str)] = &[
    ("processes", r#"execve("/none/such", words, environ)"#),
    ("processes", r#"execv("/none/such", words)"#),
    ("processes", r#"execvp("none-such", words)"#),
    ("processes", r#"execvpe("/none/such", words, environ)"#),
    ("processes", r#"execl("/none/such", "such", NULL)"#),
    ("processes", r#"execlp("/none/such", "such", NULL)"#),
    ("processes", r#"execle("/none/such", "such", NULL, environ)"#),
    ("processes", r#"execveat(AT_FDCWD, "/none/such", words, environ, 0)"#),
    ("processes", r#"fexecve(tcp, words, environ)"#),
    ("processes", r#"syscall(SYS_execve, "/none/such", words, environ)"#),
    ("processes", r#"wait_for(posix_spawn(&pid, "/none/such", NULL, NULL, words, environ))"#),
    ("processes", r#"wait_for(posix_spawnp(&pid, "/none/such", NULL, NULL, words, environ))"#),
    ("processes", r#"wait_for(posix_spawn(&pid, "/bin/true", NULL, NULL, words, environ))"#),
    ("outbound", r#"connect(tcp, (void *)&closed, sizeof closed)"#),
    ("outbound", r#"connect(udp, (void *)&closed, sizeof closed)"#),
    ("outbound", r#"sendto(udp, "x", 1, MSG_DONTWAIT, (void *)&closed, sizeof closed)"#),
    ("outbound", r#"sendmsg(udp, &message, MSG_DONTWAIT)"#),
    ("outbound", r#"sendmmsg(udp, messages, 1, MSG_DONTWAIT)"#),
    ("outbound", r#"send(udp, "x", 1, MSG_DONTWAIT)"#),
    ("outbound", r#"syscall(SYS_connect, tcp, &closed, sizeof closed)"#),
    ("listen", r#"bind(tcp, (void *)&any, sizeof any)"#),
    ("listen", r#"listen(tcp, 1)"#),
    ("dns", r#"if (!getaddrinfo("127.0.0.1", NULL, &numeric, &found)) freeaddrinfo(found)"#),
    ("dns", r#"if (!getaddrinfo("localhost", "1", NULL, &found)) freeaddrinfo(found)"#),
    ("dns", r#"gethostbyname("127.0.0.1")"#),
    ("dns", r#"gethostbyname("localhost")"#),
    ("dns", r#"gethostbyname2("localhost", AF_INET)"#),
    ("filesystem", r#"close(open("file", O_RDONLY))"#),
    ("filesystem", r#"close(open("link", O_RDONLY))"#),
    ("filesystem", r#"close(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600))"#),
    ("filesystem", r#"close(open64("/etc/../etc/passwd", O_RDONLY))"#),
    ("filesystem", r#"close(openat(AT_FDCWD, "file", O_RDONLY))"#),
    ("filesystem", r#"close(syscall(SYS_openat, AT_FDCWD, "file", O_RDONLY))"#),
    ("filesystem", r#"open("/none/such", O_RDONLY)"#),
    ("filesystem", r#"close(creat("file", 0600))"#),
    ("filesystem", r#"fclose(fopen("file", "r"))"#),
    ("filesystem", r#"fclose(fopen64("link", "r+"))"#),
    ("filesystem", r#"closedir(opendir("here"))"#),
    ("filesystem", r#"truncate("file", 0)"#),
    ("filesystem", r#"rename("file", "file")"#),
    ("filesystem", r#"unlink("/none/such")"#),
    ("filesystem", r#"mkdir("here", 0700)"#),
    ("filesystem", r#"rmdir("/none/such")"#),
    ("filesystem", r#"symlink("file", "link")"#),
    ("filesystem", r#"link("file", "link")"#),
    ("filesystem", r#"chmod("file", 0600)"#),
    ("filesystem", r#"if (readlink("link", room, sizeof room) < 0) abort()"#),
];

/// How often each call is made at least.
const FEW: u64 = 10;

/// How often more: what starts a program takes its time.
fn more(row: usize) -> u64 {
    if ROWS[row].1.contains("/bin/true") {
        90
    } else {
        990
    }
}

fn program() -> PathBuf {
    let rows: String = ROWS
        .iter()
        .enumerate()
        .map(|(index, (_, code))| format!("        case {index}: {code}; break;\n"))
        .collect();
    compile(
        &include_str!("frame.c").replace("ROWS", &rows),
        &["-O1", "-Wno-unused-result"],
    )
}

/// Every section prevents something that nobody asks for, but for one, which is off.
fn all_but(section: &str) -> Value {
    let rule = |effect: &str| json!({ "effect": effect, "deny": ["/none/other"] });
    let mut network = json!({ "effect": "prevent" });
    if section != "outbound" {
        network["outbound"] = json!({ "deny": ["203.0.113.9"] });
    }
    if section != "listen" {
        network["listen"] = json!({ "deny": [9] });
    }
    let mut sections = json!({
        "processes": rule("prevent"),
        "network": network,
        "dns": { "effect": "prevent", "deny": ["denied.test"] },
        "filesystem": rule("prevent"),
    });
    if let Some(sections) = sections.as_object_mut() {
        sections.remove(section);
    }
    policy(sections)
}

/// The same, and that section is there and disabled.
fn disabled(section: &str) -> Value {
    let mut policy = all_but(section);
    if section != "outbound" && section != "listen" {
        policy["rules"][0][section] = json!({ "effect": "disable" });
    }
    policy
}

/// Calls of each system call of the first process.
type Counts = BTreeMap<String, i64>;

/// Acts that the frame and one row make at most: the frame's own files, and each program in `PATH` that there might be.
const TOLD: usize = 32;

/// How a program is run.
#[derive(Clone, Copy)]
enum Mode<'p> {
    Without,
    Under(&'p Value),
    Learning,
}

/// Where musl's loader is, a program is looked at although programs are off: musl cannot load the library. Most systems have none.
const WITHOUT_MUSL: [&str; 5] = [
    "unshare",
    "--mount",
    "sh",
    "-c",
    r#"for loader in /lib/ld-musl-*; do [ ! -f "$loader" ] || mount --bind /dev/null "$loader"; done; exec "$0" "$@""#,
];

/// What `strace -c` counts in one run.
fn count(row: usize, times: u64, mode: Mode<'_>) -> Counts {
    let run = Run::new(program())
        .arg(row.to_string())
        .arg(times.to_string());
    let table = run.folder().join("table");
    let strace = [
        tool("strace").into_os_string(),
        "-c".into(),
        "-o".into(),
        table.into(),
    ];
    let run = run.under(WITHOUT_MUSL.map(OsString::from).into_iter().chain(strace));
    let run = match mode {
        Mode::Under(policy) => run.policy(policy),
        Mode::Learning => run.env("PALISADE_MODE", "learn"),
        Mode::Without => run.without_library(),
    };
    let outcome = run.go();
    assert_eq!(outcome.code(), 0, "{}\n{}", ROWS[row].1, outcome.story());
    let audits = outcome.audits().len();
    assert!(
        // What is told is told once, whatever the number of the calls.
        matches!(mode, Mode::Learning) && audits <= TOLD || audits == 0,
        "{}\n{}",
        ROWS[row].1,
        outcome.story()
    );
    // % time, seconds, usecs/call, calls, errors or nothing, name.
    fs::read_to_string(outcome.folder.path().join("table"))
        .expect("table")
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let calls = words.get(3)?.parse().ok()?;
            (words.len() >= 5 && words.last() != Some(&"total"))
                .then(|| (words[words.len() - 1].to_owned(), calls))
        })
        .collect()
}

/// What [`more`] of the calls cost, by system call; none that is not called more often.
fn cost(row: usize, mode: Mode<'_>) -> Counts {
    let mut counts = count(row, FEW + more(row), mode);
    for (name, calls) in count(row, FEW, mode) {
        *counts.entry(name).or_default() -= calls;
    }
    // What the loader, the allocator and the start do, once or so.
    counts.retain(|_, calls| calls.unsigned_abs() > more(row) / 10);
    counts
}

/// Each call of the section costs the same with and without the library.
fn costs_nothing(section: &str) {
    let rows: Vec<usize> = (0..ROWS.len())
        .filter(|row| ROWS[*row].0 == section)
        .collect();
    assert!(!rows.is_empty());
    let policies = [
        ("everything is off", policy(json!({}))),
        ("it is left out", all_but(section)),
        ("it is disabled", disabled(section)),
    ];
    let check = |row: &usize| {
        let mut failures = String::new();
        let natural = cost(*row, Mode::Without);
        // The control: the loop is seen at all, and to the call.
        let calls: i64 = natural.values().sum();
        if !ROWS[*row].1.contains("127.0.0.1\"") && calls < more(*row).cast_signed() {
            failures.push_str(&format!(
                "{}: the control counts {natural:?}\n",
                ROWS[*row].1
            ));
        }
        for (what, policy) in &policies {
            let ours = cost(*row, Mode::Under(policy));
            if ours != natural {
                failures.push_str(&format!(
                    "{}, where {what}:\n  {ours:?}\n  {natural:?} without\n",
                    ROWS[*row].1
                ));
            }
        }
        failures
    };
    let failures: String = thread::scope(|scope| {
        let halves = rows.split_at(rows.len() / 2);
        let threads = [halves.0, halves.1]
            .map(|rows| scope.spawn(move || rows.iter().map(check).collect::<String>()));
        threads
            .into_iter()
            .map(|thread| thread.join().expect("thread"))
            .collect()
    });
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn processes_that_are_off_cost_no_system_call() {
    costs_nothing("processes");
}

#[test]
fn connections_that_are_off_cost_no_system_call() {
    costs_nothing("outbound");
}

#[test]
fn listening_that_is_off_costs_no_system_call() {
    costs_nothing("listen");
}

#[test]
fn names_that_are_off_cost_no_system_call() {
    costs_nothing("dns");
}

#[test]
fn files_that_are_off_cost_no_system_call() {
    costs_nothing("filesystem");
}

#[test]
fn a_section_that_is_on_is_seen_to_cost_something() {
    // The control of all the others: a link is followed by hand where it could lead to a denied file.
    let row = ROWS
        .iter()
        .position(|(_, code)| code.contains(r#"open("link""#))
        .expect("row");
    assert_ne!(
        cost(row, Mode::Under(&all_but("dns"))),
        cost(row, Mode::Without)
    );
}

/// Calls that the start makes now and then.
const SLACK: i64 = 90;

/// What a repeated act costs more under mode `learn`, in system calls of the kinds that are documented (docs/performance.md, Learning).
fn repeats_cost_at_most(section: &str, documented: &[&str], most: i64) {
    let mut failures = String::new();
    for row in (0..ROWS.len()).filter(|row| ROWS[*row].0 == section) {
        let code = ROWS[row].1;
        let mut ours = cost(row, Mode::Learning);
        for (name, calls) in cost(row, Mode::Without) {
            *ours.entry(name).or_default() -= calls;
        }
        // The loader and the allocator, as above.
        ours.retain(|_, calls| calls.unsigned_abs() > more(row) / 10);
        let total: i64 = ours.values().sum();
        // What names two files is judged by both.
        let names = if code.starts_with("rename") || code.starts_with("link") {
            2
        } else {
            1
        };
        let is_documented = |name: &String| documented.contains(&name.as_str());
        if !ours.keys().all(is_documented)
            || total > (most * names) * more(row).cast_signed() + SLACK
        {
            failures.push_str(&format!("{code}: {ours:?}\n"));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// Nothing in these is a `write`: an act is told the first time.
const LOOKS: [&str; 9] = [
    "close",
    "creat",
    "fcntl",
    "fstatfs",
    "getpid",
    "newfstatat",
    "openat",
    "openat2",
    "readlinkat",
];

/// What else is asked about a program: may it be executed, by whom, and what its first bytes are.
const LOOKS_AT_PROGRAMS: [&str; 4] = ["faccessat2", "getegid", "geteuid", "pread64"];

#[test]
fn connections_and_names_that_are_learnt_cost_no_system_call_when_they_come_again() {
    repeats_cost_at_most("outbound", &[], 0);
    repeats_cost_at_most("dns", &[], 0);
}

#[test]
fn ports_that_are_learnt_cost_a_look_at_the_socket_when_they_come_again() {
    repeats_cost_at_most("listen", &["getsockname"], 1);
}

#[test]
fn programs_that_are_learnt_cost_a_look_at_the_file_and_no_write_when_they_come_again() {
    repeats_cost_at_most("processes", &[&LOOKS[..], &LOOKS_AT_PROGRAMS].concat(), 12);
}

#[test]
fn files_that_are_learnt_cost_looks_at_their_names_and_no_write_when_they_come_again() {
    repeats_cost_at_most("filesystem", &LOOKS, 8);
}

/// How often the first process names something in /proc while it starts so many programs, one of which is a link, and both behind one.
fn looks_into_proc(times: u64, effect: &str) -> usize {
    let program = compile(
        r#"
        #include <spawn.h>
        #include <stdlib.h>
        #include <sys/wait.h>
        extern char **environ;
        int main(int count, char **arguments) {
            char *words[] = {"sh", "-c", ":", NULL}, *programs[] = {"/bin/sh", "/bin/true"};
            for (int i = 0; i < 2 * atoi(arguments[1]); i++) {
                pid_t pid; int status;
                if (posix_spawn(&pid, programs[i % 2], NULL, NULL, words, environ) || waitpid(pid, &status, 0) != pid || status) return 1;
            }
        }"#,
        &["-O1"],
    );
    let run = Run::new(program).arg(times.to_string());
    let trace = run.folder().join("trace");
    let outcome = run
        .under([tool("strace").as_os_str(), "-o".as_ref(), trace.as_os_str()])
        .policy(&policy(json!({
            "processes": { "effect": effect, "deny": ["/none/other"] },
            "filesystem": { "effect": effect, "deny": ["/none/other"] },
        })))
        .go();
    assert_eq!(outcome.code(), 0, "{}", outcome.story());
    let calls = fs::read_to_string(outcome.folder.path().join("trace")).expect("trace");
    let starts = calls.lines().filter(|line| line.contains("CLONE_VFORK"));
    assert_eq!(starts.count() as u64, 2 * times, "{calls}");
    calls
        .lines()
        .filter(|line| line.contains("\"/proc/thread-self/fd/"))
        .count()
}

#[test]
fn a_program_that_is_started_is_named_without_a_look_into_proc() {
    for effect in ["prevent", "alert"] {
        assert_eq!(
            looks_into_proc(20, effect),
            looks_into_proc(2, effect),
            "{effect}"
        );
    }
}
