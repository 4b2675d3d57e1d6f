//! Calls that mean more than they seem to, each tried with the policy that they try to pass by.

use std::fs;

use palisade_tests::{Outcome, Run, compile, policy};
use serde_json::{Value, json};

/// Runs `code` as the body of main(), in a folder with a file `secret`; `PATH` in the policy's text stands for that file.
fn run(code: &str, sections: impl Fn(&str) -> Value) -> (Outcome, Outcome) {
    let program = compile(&include_str!("trick.c").replace("CODE", code), &["-O1"]);
    let make = || Run::new(&program).file("secret", "secret");
    let natural = make().without_library().go();
    let with = make();
    let secret = fs::canonicalize(with.folder().join("secret")).expect("secret");
    let with = with
        .policy(&policy(sections(secret.to_str().expect("UTF-8"))))
        .go();
    (with, natural)
}

fn files(access: &'static str) -> impl Fn(&str) -> Value {
    move |secret| json!({ "filesystem": { "effect": "prevent", "deny": [{ "path": secret, "access": access }] } })
}

fn refused(code: &str, sections: impl Fn(&str) -> Value) {
    let (with, natural) = run(code, sections);
    assert!(
        natural.text().ends_with("done\n"),
        "the control: {}",
        natural.story()
    );
    assert!(with.text().ends_with("refused 13\n"), "{}", with.story());
    assert_eq!(with.audits().len(), 1, "{}", with.story());
}

#[test]
#[ignore = "passes the policy by"]
fn a_plus_behind_a_comma_opens_a_stream_for_writing() {
    // glibc looks at six characters of the mode and takes the comma for one that it does not know.
    refused(r#"say(fopen("secret", "r,+") != NULL)"#, files("write"));
    refused(r#"say(fopen("secret", "r,ccs+") != NULL)"#, files("write"));
}

#[test]
#[ignore = "passes the policy by"]
fn a_spawned_program_is_looked_for_where_its_file_actions_lead() {
    let echo = |_: &str| json!({ "processes": { "effect": "prevent", "deny": ["echo"] } });
    refused(
        r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions);
           posix_spawn_file_actions_addchdir_np(&actions, "/usr/bin");
           char *words[] = {"echo", "ran", NULL}; errno = posix_spawn(&pid, "./echo", &actions, NULL, words, environ);
           if (errno == 0) waitpid(pid, NULL, 0); say(errno == 0)"#,
        echo,
    );
    refused(
        r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions);
           posix_spawn_file_actions_addfchdir_np(&actions, open("/usr/bin", O_PATH));
           char *words[] = {"echo", "ran", NULL}; errno = posix_spawn(&pid, "echo", &actions, NULL, words, environ);
           if (errno == 0) waitpid(pid, NULL, 0); say(errno == 0)"#,
        echo,
    );
}

#[test]
#[ignore = "passes the policy by"]
fn a_file_action_of_a_spawned_program_opens_no_denied_file() {
    refused(
        r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions);
           posix_spawn_file_actions_addopen(&actions, 0, "secret", O_RDONLY, 0);
           char *words[] = {"cat", NULL}; errno = posix_spawn(&pid, "/bin/cat", &actions, NULL, words, environ);
           if (errno == 0) waitpid(pid, NULL, 0); say(errno == 0)"#,
        files("any"),
    );
}

#[test]
#[ignore = "passes the policy by"]
fn a_refused_port_stays_refused_on_a_socket_that_is_bound_in_another_way() {
    let ports = |_: &str| json!({ "network": { "effect": "prevent", "listen": { "allow": [1] } } });
    let (with, natural) = run(
        r#"struct sockaddr_in port = {AF_INET, 0}; int first = socket(AF_INET, SOCK_STREAM, 0), second = socket(AF_INET, SOCK_STREAM, 0);
           // A port that is free, then asked for by number.
           bind(first, (void *)&port, sizeof port); socklen_t size = sizeof port; getsockname(first, (void *)&port, &size); close(first);
           first = socket(AF_INET, SOCK_STREAM, 0);
           bind(first, (void *)&port, sizeof port); close(first); first = socket(AF_INET, SOCK_STREAM, 0);
           // Linux takes AF_UNSPEC for AF_INET if the address is any (inet_bind).
           port.sin_family = AF_UNSPEC; bind(second, (void *)&port, sizeof port);
           dup2(second, first); errno = 0; say(listen(first, 5) == 0)"#,
        ports,
    );
    assert!(natural.text().ends_with("done\n"), "{}", natural.story());
    assert!(with.text().ends_with("refused 13\n"), "{}", with.story());
}

#[test]
#[ignore = "passes the policy by"]
fn an_address_without_a_family_is_a_port_all_the_same() {
    refused(
        r#"struct sockaddr_in port = {AF_UNSPEC, htons(9)}; say(bind(socket(AF_INET, SOCK_DGRAM, 0), (void *)&port, sizeof port) == 0)"#,
        |_| json!({ "network": { "effect": "prevent", "listen": { "allow": [1] } } }),
    );
}

#[test]
#[ignore = "passes the policy by"]
fn a_call_that_could_not_have_happened_is_no_attack() {
    let (with, natural) = run(
        r#"say(popen("echo ran", "q") != NULL)"#,
        |_| json!({ "processes": { "effect": "prevent", "deny": ["sh", "dash", "bash"] } }),
    );
    assert_eq!(with.text(), natural.text());
    assert_eq!(with.audits().len(), 0, "{}", with.story());
}

#[test]
#[ignore = "passes the policy by"]
fn a_file_is_denied_where_proc_is_not_mounted() {
    let code = r#"if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || umount2("/proc", MNT_DETACH)) abort();
        say(open("secret", O_RDWR | O_CREAT, 0600) >= 0)"#;
    refused(code, files("any"));
}
