//! `PALISADE_LIBC`: where libc has its functions, as the main process hands it to its children. Whatever stands there, a child is defended,
//! and its calls go where they would go without it.

use palisade_tests::{Run, compile, policy};
use serde_json::json;

const VARIABLE: &str = "PALISADE_LIBC";

/// What a child of a main process under that policy has of ours in its environment.
fn handed(rules: &serde_json::Value) -> Vec<(String, String)> {
    let main = Run::new("/bin/sh")
        .args(["-c", "/usr/bin/env -0; true"])
        .policy(rules)
        .go();
    let entries: Vec<(String, String)> = main
        .text()
        .split('\0')
        .filter_map(|entry| entry.split_once('='))
        .filter(|(name, _)| name.starts_with("PALISADE_") && *name != "PALISADE_AUDIT")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for name in [VARIABLE, "PALISADE_COMPILED", "PALISADE_MAIN_PID"] {
        assert!(
            entries.iter().any(|(known, _)| known == name),
            "{name}: {}",
            main.story()
        );
    }
    entries
}

/// The value as it is handed on, and what it could be instead; `None` for none at all.
fn values(value: &str) -> Vec<(String, Option<String>)> {
    let letters = value.find(':').expect("a length in front") + 1;
    let changed = |place: usize| {
        let mut bytes = value.as_bytes().to_vec();
        bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
        String::from_utf8(bytes).expect("letters")
    };
    let mut all = vec![
        ("as it is".to_owned(), Some(value.to_owned())),
        ("none".to_owned(), None),
        ("empty".to_owned(), Some(String::new())),
        (
            "of another table or libc".to_owned(),
            Some(changed(letters)),
        ),
        ("of yet another".to_owned(), Some(changed(letters + 9))),
        // The functions lie elsewhere there.
        (
            "of a libc that is laid out otherwise".to_owned(),
            Some(format!(
                "{}{}",
                &changed(letters)[..letters + 12],
                value[letters + 12..].chars().rev().collect::<String>()
            )),
        ),
        (
            "without its last letter".to_owned(),
            Some(value[..value.len() - 1].to_owned()),
        ),
        (
            "its first half".to_owned(),
            Some(value[..value.len() / 2].to_owned()),
        ),
        ("twice".to_owned(), Some(format!("{value}{value}"))),
        ("no letters".to_owned(), Some("%;:\u{7f}\u{e9}".to_owned())),
        (
            "a length without letters".to_owned(),
            Some(value[..letters].to_owned()),
        ),
        (
            "a length beyond all memory".to_owned(),
            Some(format!("99999999999999999999:{}", &value[letters..])),
        ),
        ("very long".to_owned(), Some("0".repeat(100_000))),
    ];
    all.dedup();
    all
}

/// Calls of every kind that are allowed, and some that are not.
const CHILD: &str = r#"
    #include <arpa/inet.h>
    #include <dlfcn.h>
    #include <errno.h>
    #include <fcntl.h>
    #include <netdb.h>
    #include <spawn.h>
    #include <stdio.h>
    #include <string.h>
    #include <sys/socket.h>
    #include <sys/stat.h>
    #include <sys/syscall.h>
    #include <sys/wait.h>
    #include <unistd.h>
    #define FAILED(call) ((call) < 0 ? errno : 0)
    extern char **environ;
    int main(void) {
        struct sockaddr_in one = {AF_INET, htons(1), {htonl(INADDR_LOOPBACK)}}; struct addrinfo *found; char *words[] = {"sh", "-c", "echo child; cat secret", NULL};
        pid_t pid; char room[9] = {0}; FILE *stream; int (*opens)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_DEFAULT, "open");
        setvbuf(stdout, NULL, _IOLBF, 0);
        printf("%d", FAILED(open("secret", O_RDONLY))); printf(" %d", FAILED(open("none", O_RDONLY))); printf(" %d", FAILED(opens("secret", O_RDONLY)));
        printf(" %d", fopen("secret", "r") ? 0 : errno); stream = fopen("plain", "r"); printf(" %s", stream ? fgets(room, 9, stream) : "none");
        printf(" %d", FAILED(syscall(SYS_openat, AT_FDCWD, "secret", O_RDONLY))); printf(" %d", FAILED(mkdir("folder", 0700))); printf(" %d", FAILED(rmdir("folder")));
        printf(" %d", FAILED(rename("secret", "other"))); printf(" %d", FAILED(connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&one, sizeof one)));
        printf(" %d", getaddrinfo("127.0.0.1", "1", NULL, &found)); printf(" %d\n", getaddrinfo("denied.test", "1", NULL, &found));
        if (posix_spawn(&pid, "/bin/sh", NULL, NULL, words, environ)) return 2; wait(NULL);
        execlp("echo", "echo", "last", NULL);
        return 1;
    }"#;

/// The same run with each value: what it writes and what is on record.
fn the_same_whatever_is_handed(make: impl Fn() -> Run) -> String {
    let rules = policy(json!({
        "processes": { "effect": "prevent", "deny": ["/none/such"] },
        "dns": { "effect": "prevent", "deny": ["denied.test"] },
        "network": { "effect": "prevent", "outbound": { "deny": ["192.0.2.1"] } },
        "filesystem": { "effect": "prevent", "deny": ["/**/secret"] },
    }));
    let handed = handed(&rules);
    let (_, known) = handed
        .iter()
        .find(|(name, _)| name == VARIABLE)
        .expect("it is there");
    let mut first: Option<(String, Vec<String>)> = None;
    for (what, value) in values(known) {
        let mut run = make();
        for (name, kept) in handed.iter().filter(|(name, _)| name != VARIABLE) {
            run = run.env(name, kept);
        }
        if let Some(value) = &value {
            run = run.env(VARIABLE, value);
        }
        let outcome = run.go();
        let attacks: Vec<String> = outcome
            .audits()
            .iter()
            .map(|audit| audit.attack.clone())
            .collect();
        let seen = (
            format!("{}{}{}", outcome.text(), outcome.errors(), outcome.code()),
            attacks,
        );
        match &first {
            None => first = Some(seen),
            Some(first) => assert_eq!(&seen, first, "{what}: {}", outcome.story()),
        }
    }
    let (text, attacks) = first.expect("a run");
    assert_eq!(
        attacks,
        [
            "denied-file",
            "denied-file",
            "denied-file",
            "denied-file",
            "denied-file",
            "denied-domain",
            "denied-file"
        ],
        "{text}"
    );
    text
}

fn child() -> Run {
    Run::new(compile(CHILD, &["-O1"]))
        .file("secret", "secret")
        .file("plain", "plain")
}

#[test]
fn a_child_is_defended_whatever_it_is_told_of_its_libc() {
    let text = the_same_whatever_is_handed(child);
    assert!(
        text.starts_with("13 2 13 13 plain 13 0 0 13 111 0 -4\nchild\n"),
        "{text}"
    );
    assert!(text.contains("\nlast\n"), "{text}");
}

#[test]
fn calls_go_through_another_preload_whatever_a_child_is_told_of_its_libc() {
    let behind = compile(
        r#"
        #include <dlfcn.h>
        #include <stdio.h>
        #include <sys/stat.h>
        #include <unistd.h>
        struct sockaddr;
        static void say(const char *what) { char line[40]; int n = snprintf(line, sizeof line, "<%s>", what); if (write(2, line, n) != n) _exit(9); }
        int mkdir(const char *path, mode_t mode) { say("mkdir"); return ((int (*)(const char *, mode_t))dlsym(RTLD_NEXT, "mkdir"))(path, mode); }
        FILE *fopen(const char *path, const char *mode) { say("fopen"); return ((FILE *(*)(const char *, const char *))dlsym(RTLD_NEXT, "fopen"))(path, mode); }
        int connect(int fd, const struct sockaddr *to, unsigned size) { say("connect"); return ((int (*)(int, const struct sockaddr *, unsigned))dlsym(RTLD_NEXT, "connect"))(fd, to, size); }
        int execvp(const char *file, char *const words[]) { say("execvp"); return ((int (*)(const char *, char *const *))dlsym(RTLD_NEXT, "execvp"))(file, words); }
        int execvpe(const char *file, char *const words[], char *const made[]) { say("execvpe"); return ((int (*)(const char *, char *const *, char *const *))dlsym(RTLD_NEXT, "execvpe"))(file, words, made); }
        "#,
        &["-shared", "-fPIC", "-O1"],
    );
    let text = the_same_whatever_is_handed(|| child().preload_behind(&behind));
    for call in ["<mkdir>", "<fopen>", "<connect>", "<execvpe>"] {
        assert!(text.contains(call), "{call}: {text}");
    }
}
