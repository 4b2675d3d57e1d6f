//! Programs and files that the file actions of posix_spawn(3) have prepared a way to.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use palisade_tests::Run;
use serde_json::json;

use super::{DENIED_FILE, EACCES};
use crate::{programs, refused, run, secret};

/// Fills `actions` and starts `program`, with a descriptor of /bin/true in `bad` and one of the folder `evil`, in which there is a link
/// to it, in `evil`; it leads through if that ran.
fn code(actions: &str, program: &str) -> String {
    format!(
        r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions); pid_t child; char *words[] = {{"x", NULL}};
        int bad = open("/bin/true", O_RDONLY), evil = open("evil", O_RDONLY), good = open("/bin/false", O_RDONLY); (void)bad, (void)evil, (void)good;
        char name[99]; snprintf(name, sizeof name, "{program}", good); {actions};
        errno = posix_spawn(&child, name, &actions, NULL, words, environ); through(errno == 0 && ran(child))"#
    )
}

fn furnished(code: &str) -> Run {
    let run = run(code);
    let evil = run.folder().join("evil");
    fs::create_dir(&evil).expect("a folder");
    symlink("/bin/true", evil.join("program")).expect("a link");
    symlink("/proc/self/fd/77", run.folder().join("link")).expect("a link");
    let script = run.folder().join("script");
    fs::write(&script, "#!/proc/self/fd/77\n").expect("a script");
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).expect("chmod");
    run
}

#[test]
fn a_program_by_what_the_child_s_file_actions_make_of_it() {
    for (actions, program, attack) in [
        (
            "posix_spawn_file_actions_adddup2(&actions, bad, good)",
            "/proc/self/fd/%d",
            "denied-process",
        ),
        (
            "posix_spawn_file_actions_adddup2(&actions, bad, 77)",
            "/dev/fd/77",
            "denied-process",
        ),
        (
            r#"posix_spawn_file_actions_addopen(&actions, 77, "/bin/true", O_RDONLY, 0)"#,
            "/proc/self/fd/77",
            "denied-process",
        ),
        (
            r#"posix_spawn_file_actions_adddup2(&actions, evil, 77); posix_spawn_file_actions_addfchdir_np(&actions, 77)"#,
            "./program",
            "denied-process",
        ),
        (
            r#"char place[200]; snprintf(place, 200, "%s/evil", getcwd(name, 99)); strcpy(name, "./program");
            posix_spawn_file_actions_addopen(&actions, good, place, O_RDONLY, 0); posix_spawn_file_actions_addfchdir_np(&actions, good)"#,
            "./program",
            "denied-process",
        ),
        // Ways that nobody could have in good faith: refused, whatever is there.
        (
            "posix_spawn_file_actions_adddup2(&actions, evil, 77)",
            "/proc/self/fd/77/program",
            "unfollowable-program",
        ),
        (
            r#"posix_spawn_file_actions_addchdir_np(&actions, "evil")"#,
            "/proc/self/cwd/program",
            "unfollowable-program",
        ),
        (
            "posix_spawn_file_actions_adddup2(&actions, bad, 77)",
            "./link",
            "unfollowable-program",
        ),
        (
            r#"posix_spawn_file_actions_adddup2(&actions, bad, 77); posix_spawn_file_actions_addchdir_np(&actions, "/proc/self/fd")"#,
            "./77",
            "unfollowable-program",
        ),
    ] {
        let code = code(actions, program);
        refused(
            || furnished(&code),
            |_| programs(&["/usr/bin/true", "/bin/true"]),
            EACCES,
            attack,
        );
    }
    let code = code(
        "posix_spawn_file_actions_adddup2(&actions, bad, 77)",
        "./script",
    );
    refused(
        || furnished(&code),
        |_| programs(&["/usr/bin/true", "/bin/true"]),
        EACCES,
        "denied-process",
    );
}

#[test]
fn a_file_by_what_the_child_s_file_actions_make_of_it() {
    for (before, path, attack) in [
        (
            "posix_spawn_file_actions_addopen(&actions, 77, place, O_RDONLY, 0); posix_spawn_file_actions_addfchdir_np(&actions, 77)",
            "secret",
            DENIED_FILE,
        ),
        (
            "posix_spawn_file_actions_addopen(&actions, 77, place, O_RDONLY, 0)",
            "/proc/self/fd/77/secret",
            "unlisted-file",
        ),
        (
            r#"posix_spawn_file_actions_addchdir_np(&actions, place)"#,
            "/proc/self/cwd/secret",
            "unlisted-file",
        ),
        (
            r#"posix_spawn_file_actions_addchdir_np(&actions, place)"#,
            "secret",
            DENIED_FILE,
        ),
    ] {
        for processes in ["disable", "alert", "prevent"] {
            let code = format!(
                r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions); pid_t child; char place[200], *words[] = {{"grep", "-q", "secret", NULL}};
                if (!getcwd(place, sizeof place) || chdir("evil")) abort(); {before}; posix_spawn_file_actions_addopen(&actions, 0, "{path}", O_RDONLY, 0);
                errno = posix_spawn(&child, "/bin/grep", &actions, NULL, words, environ); through(errno == 0 && ran(child))"#
            );
            refused(
                || furnished(&code),
                |run| {
                    let mut sections = secret(run);
                    sections["processes"] = json!({ "effect": processes, "deny": ["/none/such"] });
                    sections
                },
                EACCES,
                attack,
            );
        }
    }
}
