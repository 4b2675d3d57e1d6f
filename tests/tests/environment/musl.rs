//! A program linked to another C library, whose loader would end it over ours: where the policy lets it pass it runs, in the environment that it
//! would have without us.

use palisade_tests::{Outcome, Run, both, compile, compile_with_musl, policy};
use serde_json::{Value, json};

use crate::exempt::behind_one_that_mends;

/// A sentence, and statements in C that start `musl` with some environment.
type Way = (&'static str, &'static str);

#[rustfmt::skip]
const WAYS: &[Way] = &[
    ("execve", "execve(musl, words, environ)"),
    ("execv", "execv(musl, words)"),
    ("execl", r#"execl(musl, musl, "child", NULL)"#),
    ("execvp", "execvp(name, words)"),
    ("execvpe", "execvpe(name, words, environ)"),
    ("execlp, behind a very long directory", r#"char path[700]; snprintf(path, sizeof path, "/%0200d/%0200d:%s", 0, 0, getenv("PATH")); setenv("PATH", path, 1); execlp(name, name, "child", NULL)"#),
    ("execveat", "execveat(AT_FDCWD, musl, words, environ, 0)"),
    ("fexecve", "fexecve(open(musl, O_RDONLY), words, environ)"),
    ("syscall(2)", "syscall(SYS_execve, musl, words, environ)"),
    ("vfork and execve", "if (vfork() == 0) { execve(musl, words, environ); _exit(1); }"),
    ("posix_spawn", "posix_spawn(&pid, musl, NULL, NULL, words, environ)"),
    ("posix_spawnp", "posix_spawnp(&pid, name, NULL, NULL, words, environ)"),
    ("posix_spawn in another directory", r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions); posix_spawn_file_actions_addchdir_np(&actions, folder); posix_spawn(&pid, name, &actions, NULL, words, environ)"#),
    ("posix_spawn of an open file by its number in the child", r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions); posix_spawn_file_actions_addopen(&actions, 9, musl, O_RDONLY, 0); posix_spawn(&pid, "/proc/self/fd/9", &actions, NULL, words, environ)"#),
    ("a shell", r#"snprintf(command, sizeof command, "%s child; true", musl); if (system(command)) abort()"#),
    ("popen", r#"snprintf(command, sizeof command, "%s child; true", musl); int c; FILE *f = popen(command, "r"); while ((c = getc(f)) != EOF) putchar(c); pclose(f)"#),
    ("a script", r##"snprintf(command, sizeof command, "#!%s\n", musl); script(command); execl("./script", "./script", "child", NULL)"##),
    ("a script of a script", r##"snprintf(command, sizeof command, "#!%s\n", musl); script(command); rename("script", "first"); script("#!./first\n"); execl("./script", "./script", "child", NULL)"##),
    ("an empty environment", "made[0] = NULL; execve(musl, words, made)"),
    ("no environment", "execve(musl, words, NULL)"),
    ("an environment that cannot be read", "execve(musl, words, (char **)8); puts(strerror(errno))"),
    ("another preload behind", r#"preload("LD_PRELOAD=", ":/none/such.so"); execve(musl, words, made)"#),
    ("other preloads around", r#"preload("LD_PRELOAD=/none/first.so ", " :/none/such.so"); execve(musl, words, made)"#),
    ("other preloads alone", r#"made[n++] = "LD_PRELOAD=/none/first.so /none/such.so"; made[n] = NULL; execve(musl, words, made)"#),
    ("an empty preload", r#"made[n++] = "LD_PRELOAD="; made[n] = NULL; execve(musl, words, made)"#),
    ("a preload said twice", r#"preload("LD_PRELOAD=", ""); preload("LD_PRELOAD=/none/such.so:", ""); made[n++] = "LAST=1"; made[n] = NULL; execve(musl, words, made)"#),
    ("a very long preload", r#"char *long_one = malloc(9001); memset(long_one, 'x', 9000); memcpy(long_one, ":/none/", 7); long_one[9000] = 0; preload("LD_PRELOAD=", long_one); execve(musl, words, made)"#),
    ("5,000 variables", r#"preload("LD_PRELOAD=", ""); for (; n < 5000; n++) if (asprintf(&made[n], "VARIABLE_%d=%d", n, n) < 0) abort(); made[n] = NULL; execve(musl, words, made)"#),
    ("200 variables", r#"preload("LD_PRELOAD=", ""); for (; n < 200; n++) if (asprintf(&made[n], "VARIABLE_%d=%d", n, n) < 0) abort(); made[n] = NULL; execve(musl, words, made)"#),
];

/// Policies that let it pass.
fn policies() -> [(&'static str, Value); 6] {
    let deny = |effect: &str| json!({ "processes": { "effect": effect, "deny": ["**"] } });
    let allow = |effect: &str, unfollowable: &str| json!({ "processes": { "effect": effect, "allow": ["**"], "unfollowable": unfollowable } });
    [
        ("nothing is judged", json!({})),
        (
            "no program is judged",
            json!({ "network": { "effect": "prevent", "listen": { "deny": [9] } } }),
        ),
        ("each program is an alert", deny("alert")),
        (
            "each program is looked for",
            json!({ "processes": { "effect": "alert" } }),
        ),
        (
            "what cannot be followed is an alert",
            allow("prevent", "alert"),
        ),
        (
            "what cannot be followed is allowed",
            allow("prevent", "allow"),
        ),
    ]
}

#[test]
fn a_program_that_is_let_pass_runs_in_the_environment_that_its_parent_gave_it() {
    let child = compile_with_musl(include_str!("musl_child.c"));
    let cases: String = WAYS
        .iter()
        .enumerate()
        .map(|(index, (_, code))| format!("    case {index}: {{ {code}; break; }}\n"))
        .collect();
    let parent = compile(&include_str!("musl_parent.c").replace("CASES", &cases), &[]);
    let mut failures = String::new();
    for (what, rules) in policies() {
        let rules = policy(rules);
        for (index, (way, _)) in WAYS.iter().enumerate() {
            let (with, without) = both(|| {
                let folder = child.parent().expect("a folder");
                Run::new(&parent)
                    .arg(index.to_string())
                    .arg(&child)
                    .env("PATH", format!("/usr/bin:/bin:{}", folder.display()))
                    .env("KEPT", "as it was")
                    .policy(&rules)
            });
            let ended = |run: &Outcome| {
                let text = run.text();
                // What a shell writes down by itself is the folder of this run.
                let lines = text.lines().filter(|line| !line.starts_with("PWD="));
                let mut lines: Vec<_> = lines.map(str::to_owned).collect();
                if way.starts_with("a shell") || way.starts_with("popen") {
                    // A shell hands its variables on in an order of its own.
                    lines.sort();
                }
                (lines, run.errors(), run.code())
            };
            if ended(&with) != ended(&without) {
                failures.push_str(&format!("{what}, {way}:\n{}\n", with.story()));
            }
            let ran = without.text();
            assert!(
                ran.contains("musl") || way.contains("cannot be read"),
                "the control, {way}: {}",
                without.story()
            );
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn whoever_is_the_first_to_need_it_looks_for_musl() {
    // The wrapper that is at work finds a policy of programs, and need not look; the interpreter finds another one.
    let child = compile_with_musl(include_str!("musl_child.c"));
    let judged = policy(json!({ "processes": { "effect": "prevent", "deny": ["/none/such"] } }));
    let unjudged = policy(json!({ "dns": { "effect": "prevent", "deny": ["x.example"] } }));
    let run = Run::new("/usr/bin/env").arg(&child).arg("child");
    let with = behind_one_that_mends(&judged.to_string(), &unjudged, run).go();
    let text = with.text();
    assert!(
        text.starts_with("musl, ") && with.code() == 7,
        "{}",
        with.story()
    );
}
