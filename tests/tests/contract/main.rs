//! What users are promised, of a program that runs under the built library, where no other folder asks for it. docs/contract.md says which
//! test is whose.

mod table;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use palisade_audit::Owned;
use palisade_tests::{Log, Outcome, Run, compile, policy, records};
use serde_json::{Value, json};

/// `code` as the body of main().
fn program(code: &str) -> PathBuf {
    let source = r#"
        #include <arpa/inet.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <netdb.h>
        #include <signal.h>
        #include <spawn.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/resource.h>
        #include <sys/socket.h>
        #include <sys/wait.h>
        #include <unistd.h>
        #include "raw.h"
        extern char **environ;
        int main(int count, char **words) { (void)count, (void)words; CODE; return 0; }"#;
    compile(&source.replace("CODE", code), &["-O1"])
}

/// Starts what its arguments say, and says what came of it.
const SPAWN: &str = r#"pid_t pid; int error = posix_spawn(&pid, words[1], NULL, NULL, words + 1, environ); if (error == 0) waitpid(pid, NULL, 0); printf("%d\n", error)"#;

fn miners(effect: &str) -> Value {
    policy(json!({ "processes": { "effect": effect, "crypto_miners": true } }))
}

/// One line, about a miner.
fn is_of_a_miner(outcome: &Outcome, kind: &str, effect: &str) -> Owned {
    let audit = outcome.audit();
    assert_eq!(
        (&*audit.kind, &*audit.attack, audit.effect.as_deref()),
        (kind, "crypto-miner", Some(effect)),
        "{}",
        outcome.story()
    );
    assert_eq!(audit.techniques, ["T1496"], "{}", outcome.story());
    audit
}

#[test]
fn a_miner_is_known_by_its_name_and_by_its_arguments() {
    let acts: &[&[&str]] = &[
        &["./xmrig"],
        &["./XMRig-6.21.0", "--help"],
        &["/bin/echo", "-o", "stratum+tcp://pool.example:3333"],
        &["/bin/echo", "--url=STRATUM+SSL://pool.example:443"],
    ];
    for words in acts {
        for (effect, said) in [("prevent", "13\n"), ("alert", "0\n")] {
            let run = Run::new(program(SPAWN)).args(*words);
            for name in ["xmrig", "XMRig-6.21.0"] {
                fs::copy("/bin/true", run.folder().join(name)).expect("a program");
            }
            let outcome = run.policy(&miners(effect)).go();
            assert!(outcome.text().ends_with(said), "{}", outcome.story());
            is_of_a_miner(&outcome, "process", effect);
        }
    }
    // What anybody runs is none, and without the setting nothing is.
    for (words, rules) in [
        (
            &["/bin/echo", "https://stratum.example/tcp"][..],
            miners("prevent"),
        ),
        (
            acts[2],
            policy(json!({ "processes": { "effect": "prevent", "deny": ["/none"] } })),
        ),
    ] {
        let outcome = Run::new(program(SPAWN)).args(words).policy(&rules).go();
        assert!(outcome.text().ends_with("0\n"), "{}", outcome.story());
        assert_eq!(outcome.audits().len(), 0, "{}", outcome.story());
    }
}

#[test]
fn a_mining_pool_is_known_by_its_name_also_to_a_resolver_of_the_programs_own() {
    let asked = r#"struct addrinfo *found; int error = getaddrinfo("xmr.c3pool.com", NULL, NULL, &found); printf("%d\n", error == EAI_FAIL)"#;
    let sent = r#"static const char q[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\3xmr\6c3pool\3com\0\0\1\0\1"; struct sockaddr_in to = {AF_INET, htons(53), {htonl(INADDR_LOOPBACK)}};
        int s = socket(AF_INET, SOCK_DGRAM, 0); sendto(s, q, sizeof q - 1, 0, (void *)&to, sizeof to); printf("%d\n", errno == EACCES)"#;
    for code in [asked, sent] {
        for effect in ["prevent", "alert"] {
            let run = Run::new(program(code)).under(["unshare", "--net"]);
            let outcome = run.policy(&miners(effect)).go();
            let audit = is_of_a_miner(&outcome, "dns", effect);
            assert_eq!(audit.domain.as_deref(), Some("xmr.c3pool.com"));
            let is_refused = if effect == "prevent" { "1\n" } else { "0\n" };
            assert_eq!(outcome.text(), is_refused, "{}", outcome.story());
        }
    }
}

/// A run in a folder with a file `secret`, which is denied.
fn secret(code: &str) -> Run {
    let run = Run::new(program(code)).file("secret", "secret");
    let path = fs::canonicalize(run.folder().join("secret")).expect("secret");
    let rules = policy(json!({ "filesystem": { "effect": "prevent", "deny": [path] } }));
    run.policy(&rules)
}

#[test]
fn what_is_refused_is_on_record_before_the_program_knows() {
    // It ends at once, by a system call that nobody sees.
    let end = "open(\"secret\", O_RDONLY), raw(SYS_kill, getpid(), SIGKILL)";
    let outcome = secret(end).go();
    assert_eq!(
        (outcome.code(), outcome.audits().len()),
        (-9, 1),
        "{}",
        outcome.story()
    );
    for how in ["fork", "vfork"] {
        let child = format!("if ({how}() == 0) {{ {end}; }} wait(NULL)");
        let outcome = secret(&child).go();
        assert_eq!(
            (outcome.code(), outcome.audits().len()),
            (0, 1),
            "{}",
            outcome.story()
        );
    }
}

#[test]
fn endpoints_that_the_environment_names_can_be_reached_with_loopback_closed() {
    let peer = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = peer.local_addr().expect("an address").port();
    let code = format!(
        r#"struct sockaddr_in to = {{AF_INET, htons({port}), {{htonl(INADDR_LOOPBACK)}}}}; printf("%d\n", connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&to, sizeof to))"#
    );
    let rules = policy(
        json!({ "network": { "effect": "prevent", "outbound": { "allow": ["192.0.2.1"], "deny": ["127.0.0.0/8"], "loopback": false } } }),
    );
    let run = || Run::new(program(&code)).policy(&rules);
    let address = format!("127.0.0.1:{port}");
    for name in ["AWS_LAMBDA_RUNTIME_API", "AWS_XRAY_DAEMON_ADDRESS"] {
        let outcome = run().env(name, &address).go();
        assert_eq!(
            (outcome.text(), outcome.audits().len()),
            ("0\n".into(), 0),
            "{name}: {}",
            outcome.story()
        );
    }
    let outcome = run().go();
    assert_eq!(
        (outcome.text(), outcome.audits().len()),
        ("-1\n".into(), 1),
        "{}",
        outcome.story()
    );
}

#[test]
fn a_rule_holds_for_the_functions_of_its_scope_and_a_start_without_a_rule_says_so() {
    let is_defended = |function: &str, region: &str, account: &str| {
        let run = Run::new(program(
            r#"printf("%d\n", open("secret", O_RDONLY) < 0 ? errno : 0)"#,
        ))
        .file("secret", "secret");
        let path = fs::canonicalize(run.folder().join("secret")).expect("secret");
        let rules = json!({ "version": 1, "rules": [{
            "name": "pay",
            "scope": { "functions": ["pay-*", "-pay-canary"], "regions": ["eu-*"], "accounts": ["1234*"] },
            "filesystem": { "effect": "prevent", "deny": [path] },
        }] });
        let outcome = run
            .policy(&rules)
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_REGION", region)
            .env("PALISADE_ACCOUNT", account)
            .go();
        let audit = outcome.audit();
        let story = outcome.story();
        assert_eq!(audit.function, function, "{story}");
        assert_eq!(audit.region, region, "{story}");
        if audit.kind == "policy" {
            assert_eq!(
                (audit.level.as_str(), &*outcome.text()),
                ("WARN", "0\n"),
                "{story}"
            );
            return false;
        }
        assert_eq!(
            (&*audit.attack, audit.rule.as_deref(), &*outcome.text()),
            ("denied-file", Some("pay"), "13\n"),
            "{story}"
        );
        true
    };
    assert!(is_defended("pay-invoice", "eu-west-1", "123456789012"));
    assert!(is_defended("PAY-Invoice", "EU-west-1", "123456789012"));
    assert!(!is_defended("pay-canary", "eu-west-1", "123456789012"));
    assert!(!is_defended("report", "eu-west-1", "123456789012"));
    assert!(!is_defended("pay-invoice", "us-east-1", "123456789012"));
    assert!(!is_defended("pay-invoice", "eu-west-1", "999999999999"));
}

#[test]
fn nothing_is_written_to_the_descriptor_of_the_runtimes_own_log() {
    let code = r#"open("secret", O_RDONLY); if (fork() == 0) { open("secret", O_RDONLY); _exit(0); } wait(NULL);
        close(1); open("secret", O_RDONLY); close(2); open("secret", O_RDONLY)"#;
    let script = "exec \"$@\" 3>framed";
    let outcome = secret(code)
        .under(["sh", "-c", script, "sh"])
        .env("_LAMBDA_TELEMETRY_LOG_FD", "3")
        .env("AWS_LAMBDA_FUNCTION_NAME", "pay")
        .log(Log::Unset)
        .go();
    let framed = fs::read(outcome.folder.path().join("framed")).expect("framed");
    assert_eq!(framed, b"", "{}", outcome.story());
    // The third went to the other stream, and the last nowhere.
    let counts = [&outcome.stdout, &outcome.stderr].map(|stream| records(stream).len());
    assert_eq!(counts, [2, 1], "{}", outcome.story());
}

#[test]
fn a_line_is_one_write_however_much_it_could_say() {
    // Standard error is a pipe in packet mode (pipe(2), O_DIRECT): what is written at once is read at once.
    let launcher = program(
        r#"int two[2]; if (pipe2(two, O_DIRECT)) abort(); pid_t child = fork();
        if (child == 0) { dup2(two[1], 2), close(two[0]), close(two[1]); execv(words[1], words + 1); _exit(1); }
        close(two[1]); static char packet[65536]; ssize_t n;
        while ((n = read(two[0], packet, sizeof packet)) > 0) {
            int lines = 0; for (char *c = packet; c < packet + n; c++) lines += *c == '\n';
            printf("%d %d %d\n", packet[0] == '{' && packet[n - 1] == '\n', n <= 4096, lines);
        }
        wait(NULL)"#,
    );
    let code = r#"static char long_one[100000]; memset(long_one, 'x', sizeof long_one - 1); char *argv[] = {"true", long_one, NULL}; pid_t pid;
        posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ); argv[1] = NULL; posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ);
        if (fork() == 0) { execv("/bin/true", argv); _exit(0); } while (wait(NULL) > 0)"#;
    for effect in ["prevent", "alert"] {
        let run = Run::new(program(code)).under([launcher.as_os_str()]);
        let rules = policy(
            json!({ "processes": { "effect": effect, "deny": ["/bin/true", "/usr/bin/true"] } }),
        );
        let outcome = run.log(Log::Unset).policy(&rules).go();
        let text = outcome.text();
        let mut lines = 0;
        for packet in text.lines() {
            let count = packet
                .strip_prefix("1 1 ")
                .and_then(|count| count.parse::<u32>().ok());
            // Alerts that wait together go out together, whole.
            assert!(
                count == Some(1) || effect == "alert" && count > Some(1),
                "{effect}: {}",
                outcome.story()
            );
            lines += count.unwrap_or(0);
        }
        assert_eq!(lines, 3, "{effect}: {}", outcome.story());
    }
}

#[test]
fn a_limit_of_file_sizes_costs_lines_that_are_counted_and_never_the_program() {
    let code = r#"struct rlimit limit, none; getrlimit(RLIMIT_FSIZE, &limit); none = limit, none.rlim_cur = 0; setrlimit(RLIMIT_FSIZE, &none);
        for (int i = 0; i < 2; i++) printf("%d ", open("secret", O_RDONLY) < 0 ? errno : 0); setrlimit(RLIMIT_FSIZE, &limit); printf("%d\n", open("secret", O_RDONLY) < 0 ? errno : 0)"#;
    let outcome = secret(code).go();
    assert_eq!(
        (outcome.code(), &*outcome.text()),
        (0, "13 13 13\n"),
        "{}",
        outcome.story()
    );
    let told: Vec<(String, Option<u64>)> = outcome
        .audits()
        .into_iter()
        .map(|audit| (audit.attack, audit.count))
        .collect();
    assert_eq!(told.len(), 2, "{}", outcome.story());
    assert_eq!(told[0].0, "denied-file");
    assert_eq!(told[1], ("audit-lost".into(), Some(2)));
}
