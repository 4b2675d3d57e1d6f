//! Is every child defended, whatever environment it is given, and is that environment otherwise what its parent gave it?

mod exempt;
mod libc;
mod musl;

use std::fs;
use std::path::PathBuf;

use palisade_tests::{Outcome, Run, both, compile, policy};
use serde_json::json;

/// A sentence, and statements in C that start the child with some environment.
type Way = (&'static str, &'static str);

#[rustfmt::skip]
const WAYS: &[Way] = &[
    ("no environment at all", "execve(self, words, NULL)"),
    ("an empty environment", "made[0] = NULL; execve(self, words, made)"),
    ("an empty environment through posix_spawn", "made[0] = NULL; posix_spawn(&pid, self, NULL, NULL, words, made)"),
    ("no environment through posix_spawnp", "posix_spawnp(&pid, self, NULL, NULL, words, NULL)"),
    ("an empty environment through execle", r#"made[0] = NULL; execle(self, self, "child", secret, NULL, made)"#),
    ("an empty environment through execvpe", "made[0] = NULL; execvpe(self, words, made)"),
    ("an empty environment through fexecve", "made[0] = NULL; fexecve(open(self, O_RDONLY), words, made)"),
    ("an empty environment through execveat", "execveat(AT_FDCWD, self, words, NULL, 0)"),
    ("clearenv and execv", "clearenv(); execv(self, words)"),
    ("clearenv and execl", r#"clearenv(); execl(self, self, "child", secret, NULL)"#),
    ("clearenv and execlp", r#"clearenv(); execlp(self, self, "child", secret, NULL)"#),
    ("clearenv and system", "clearenv(); if (system(command)) abort()"),
    ("clearenv and popen", r#"clearenv(); int c; FILE *f = popen(command, "r"); while ((c = getc(f)) != EOF) putchar(c); pclose(f)"#),
    ("environ = NULL and system", "environ = NULL; if (system(command)) abort()"),
    ("environ = NULL and execvp", "environ = NULL; execvp(self, words)"),
    ("a vfork child with an empty environment", "made[0] = NULL; if (vfork() == 0) { execve(self, words, made); _exit(1); }"),
    ("unsetenv and execv", r#"unsetenv("LD_PRELOAD"); execv(self, words)"#),
    ("unsetenv and system", r#"unsetenv("LD_PRELOAD"); if (system(command)) abort()"#),
    ("a preload of its own", r#"made[n++] = "A=1"; made[n++] = "LD_PRELOAD=libm.so.6"; made[n++] = "B=2"; made[n] = NULL; execve(self, words, made)"#),
    ("an empty preload", r#"made[n++] = "LD_PRELOAD="; made[n] = NULL; execve(self, words, made)"#),
    ("two preloads", r#"made[n++] = "LD_PRELOAD=libm.so.6"; made[n++] = "LD_PRELOAD=libdl.so.2"; made[n] = NULL; execve(self, words, made)"#),
    ("setenv of a preload and system", r#"setenv("LD_PRELOAD", "libm.so.6", 1); if (system(command)) abort()"#),
    ("env -i", r#"execl("/usr/bin/env", "env", "-i", self, "child", secret, NULL)"#),
    ("env -u", r#"execl("/usr/bin/env", "env", "-u", "LD_PRELOAD", self, "child", secret, NULL)"#),
    ("a shell that unsets", r#"char more[6000]; snprintf(more, sizeof more, "unset LD_PRELOAD PALISADE_POLICY; %s", command); if (system(more)) abort()"#),
    ("5,000 variables", r#"for (; n < 5000; n++) if (asprintf(&made[n], "VARIABLE_%d=%d", n, n) < 0) abort(); made[n] = NULL; execve(self, words, made)"#),
    ("5,000 variables in a vfork child", r#"for (; n < 5000; n++) if (asprintf(&made[n], "VARIABLE_%d=%d", n, n) < 0) abort(); made[n] = NULL; if (vfork() == 0) { execve(self, words, made); _exit(1); }"#),
    ("60,000 variables", r#"for (; n < 60000; n++) if (asprintf(&made[n], "V%d=%d", n, n) < 0) abort(); made[n] = NULL; execve(self, words, made)"#),
    ("one and a half MiB", r#"for (; n < 12; n++) { char *v = made[n] = malloc(130001); memset(v, 'x', 130000); v[0] = 'A' + n; v[1] = '='; v[130000] = 0; } made[n] = NULL; execve(self, words, made)"#),
    ("bytes that are no text", r#"made[n++] = "X=\xff\xfe\n\x1b[0m"; made[n++] = "\x80=\x01"; made[n++] = "no equals sign"; made[n++] = "=empty"; made[n++] = ""; made[n] = NULL; execve(self, words, made)"#),
    ("duplicates", r#"made[n++] = "A=1"; made[n++] = "A=2"; made[n++] = "A=1"; made[n] = NULL; execve(self, words, made)"#),
    ("duplicates through posix_spawn", r#"made[n++] = "A=1"; made[n++] = "A=2"; made[n++] = "A=1"; made[n] = NULL; posix_spawn(&pid, self, NULL, NULL, words, made)"#),
    ("a policy of its own", r#"made[n++] = "PALISADE_POLICY={\"version\":1,\"rules\":[{}]}"; made[n++] = "A=1"; made[n] = NULL; execve(self, words, made)"#),
    ("a policy of its own in front of ours", r#"made[n++] = "PALISADE_POLICY={\"version\":1,\"rules\":[{}]}"; for (char **e = environ; *e; e++) made[n++] = *e; made[n] = NULL; execve(self, words, made)"#),
    ("a policy file of its own", r#"made[n++] = "PALISADE_POLICY_FILE=/none/such"; made[n++] = "PALISADE_ON_ERROR=open"; made[n] = NULL; execve(self, words, made)"#),
    ("setenv of a policy and system", r#"setenv("PALISADE_POLICY", "{\"version\":1,\"rules\":[{}]}", 1); if (system(command)) abort()"#),
    ("setenv of a policy and popen", r#"setenv("PALISADE_POLICY", "{\"version\":1,\"rules\":[{}]}", 1); int c; FILE *f = popen(command, "r"); while ((c = getc(f)) != EOF) putchar(c); pclose(f)"#),
    ("putenv of a wrapper at work and system", r#"putenv("PALISADE_MAIN_PROGRAM=/x"); if (system(command)) abort()"#),
    ("putenv of a mistake that is forgiven and system", r#"putenv("PALISADE_POLICY_FILE=/none/such"); putenv("PALISADE_ON_ERROR=open"); if (system(command)) abort()"#),
    ("putenv of a probe and system", r#"putenv("PALISADE_PROBE=1"); if (system(command)) abort()"#),
    ("settings said over and over", r#"for (char **e = environ; *e; e++) if (!strncmp(*e, "LD_PRELOAD=", 11)) made[n++] = *e; else if (!strncmp(*e, "PALISADE_AUDIT=", 15)) for (int i = 0; i < 5; i++) made[n++] = *e; made[n] = NULL; if (n == 6) execve(self, words, made); made[0] = NULL; execve(self, words, made)"#),
    ("settings said over and over, once more", r#"int ours = 0; for (char **e = environ; *e; e++) { if (!strncmp(*e, "LD_PRELOAD=", 11)) made[n++] = *e; ours += !strncmp(*e, "PALISADE_", 9); } for (char **e = environ; *e; e++) if (!strncmp(*e, "PALISADE_AUDIT=", 15)) while (n < ours + 4) made[n++] = *e; made[n] = NULL; execve(self, words, made)"#),
    ("settings said over and over in the live environment", r#"int ours = 0; for (char **e = environ; *e; e++) { if (!strncmp(*e, "LD_PRELOAD=", 11)) made[n++] = *e; ours += !strncmp(*e, "PALISADE_", 9); } for (char **e = environ; *e; e++) if (!strncmp(*e, "PALISADE_AUDIT=", 15)) while (n < ours + 4) made[n++] = *e; made[n] = NULL; environ = made; if (system(command)) abort()"#),
    ("a grandchild of an empty environment", r#"made[0] = NULL; char *through[] = {"sh", "-c", command, NULL}; execve("/bin/sh", through, made)"#),
];

fn program() -> PathBuf {
    let cases: String = WAYS
        .iter()
        .enumerate()
        .map(|(index, (_, code))| format!("    case {index}: {{ {code}; break; }}\n"))
        .collect();
    compile(&include_str!("frame.c").replace("CASES", &cases), &["-O1"])
}

/// The child's first word, and the entries of its environment that are not ours.
fn told(outcome: &Outcome) -> (String, Vec<Vec<u8>>) {
    let mut entries = outcome.stdout.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let verdict = String::from_utf8_lossy(&entries.next().unwrap_or_default()).into_owned();
    let mut entries: Vec<_> = entries.collect();
    assert_eq!(
        entries.pop().as_deref(),
        Some(&b""[..]),
        "{}",
        outcome.story()
    );
    // Ours, and what a shell writes down by itself (the folder of this run).
    const OWN: [&[u8]; 3] = [b"LD_PRELOAD=", b"PALISADE_", b"PWD="];
    entries.retain(|entry| !OWN.iter().any(|own| entry.starts_with(own)));
    (verdict, entries)
}

fn with_policy_in(file: bool) {
    let mut failures = String::new();
    for (index, (way, _)) in WAYS.iter().enumerate() {
        let make = || {
            let run = Run::new(program())
                .arg(index.to_string())
                .file("secret", "secret")
                .env("KEPT", "as it was");
            let secret = fs::canonicalize(run.folder().join("secret")).expect("secret");
            let rules = policy(json!({ "filesystem": { "effect": "prevent", "deny": [secret] } }));
            let run = run.arg(&secret);
            if file {
                let run = run.file("policy.json", rules.to_string());
                let path = run.folder().join("policy.json");
                run.env("PALISADE_POLICY_FILE", path)
            } else {
                run.policy(&rules)
            }
        };
        let (with, without) = both(make);
        if with.stdout.is_empty() || without.stdout.is_empty() {
            failures.push_str(&format!(
                "{way}: no child\n{}\n{}\n",
                with.story(),
                without.story()
            ));
            continue;
        }
        let (verdict, entries) = told(&with);
        let (control, natural) = told(&without);
        assert_eq!(control, "undefended", "{way}: the control");
        if verdict != "refused" {
            failures.push_str(&format!("{way}: the child is {verdict}\n"));
        }
        if entries != natural {
            let lossy = |entries: &[Vec<u8>]| -> Vec<String> {
                entries
                    .iter()
                    .take(20)
                    .map(|e| String::from_utf8_lossy(e).chars().take(80).collect())
                    .collect()
            };
            failures.push_str(&format!(
                "{way}: {} entries, {} without\n  {:?}\n  {:?}\n",
                entries.len(),
                natural.len(),
                lossy(&entries),
                lossy(&natural)
            ));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_child_is_defended_and_its_environment_otherwise_as_it_was_given() {
    with_policy_in(false);
}

#[test]
fn a_policy_in_a_file_defends_every_child_too() {
    with_policy_in(true);
}

#[test]
fn every_library_that_a_child_preloads_is_loaded_behind_ours() {
    let source = r#"
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        int main(int count, char **arguments) {
            if (count == 1) {
                char *words[] = {arguments[0], "child", NULL}, *made[] = {"LD_PRELOAD=libm.so.6 libresolv.so.2", NULL};
                execve(arguments[0], words, made);
            }
            puts(getenv("LD_PRELOAD"));
            char line[5000];
            for (FILE *maps = fopen("/proc/self/maps", "r"); fgets(line, sizeof line, maps);)
                for (const char **name = (const char *[]){"libpalisade", "libm.so", "libresolv", NULL}; *name; name++)
                    if (strstr(line, *name) && strstr(line, "r-xp")) printf("%s is loaded\n", *name);
        }"#;
    // Under a policy without a section no child loads ours.
    let rules = policy(json!({ "dns": { "effect": "prevent", "deny": ["x.example"] } }));
    let (with, without) = both(|| Run::new(compile(source, &[])).policy(&rules));
    let library = palisade_tests::library();
    let text = with.text();
    assert_eq!(
        text.lines().next(),
        Some(&*format!("{}:libm.so.6 libresolv.so.2", library.display())),
        "{text}"
    );
    for name in ["libpalisade", "libm.so", "libresolv"] {
        assert!(text.contains(&format!("{name} is loaded")), "{text}");
    }
    assert!(!without.text().contains("libpalisade"), "the control");
}
