//! Files.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use super::{DENIED_FILE, EACCES};
use crate::{lost, passed, refused, run, secret, secret_writes};

#[test]
fn other_names_of_a_file() {
    let make = |path: &'static str| {
        move || {
            let run = run(&format!(r#"through(open("{path}", O_RDONLY) >= 0)"#));
            symlink("secret", run.folder().join("link")).expect("a link");
            fs::create_dir(run.folder().join("dir")).expect("a folder");
            run
        }
    };
    for path in [
        "link",
        "./dir/../secret",
        "/proc/self/cwd/secret",
        "//proc/thread-self/cwd/link",
    ] {
        refused(make(path), secret, EACCES, DENIED_FILE);
    }
}

#[test]
fn another_name_given_to_a_file() {
    for call in [
        r#"link("secret", "other")"#,
        r#"rename("secret", "other")"#,
        r#"({ char name[50]; snprintf(name, 50, "/proc/self/fd/%d", open("secret", O_PATH)); linkat(AT_FDCWD, name, AT_FDCWD, "other", AT_SYMLINK_FOLLOW); })"#,
    ] {
        let code = format!(r#"through({call} == 0 && open("other", O_RDONLY) >= 0)"#);
        refused(|| run(&code), secret, EACCES, DENIED_FILE);
    }
}

#[test]
fn a_file_changed_by_its_descriptor() {
    let nameless = "open(\"secret\", O_PATH), \"\"";
    for call in [
        format!(r#"linkat({nameless}, AT_FDCWD, "other", AT_EMPTY_PATH)"#),
        format!("fchownat({nameless}, 1, 1, AT_EMPTY_PATH)"),
        format!("utimensat({nameless}, NULL, AT_EMPTY_PATH)"),
    ] {
        refused(
            || run(&format!("through({call} == 0)")),
            secret,
            EACCES,
            DENIED_FILE,
        );
    }
}

#[test]
fn another_name_given_to_a_folder_above_a_file() {
    let make = || {
        let run =
            run(r#"through(rename("above", "other") == 0 && open("other/below", O_RDONLY) >= 0)"#);
        fs::create_dir(run.folder().join("above")).expect("a folder");
        fs::write(run.folder().join("above/below"), "secret").expect("a file");
        run
    };
    refused(
        make,
        |run| {
            let below = fs::canonicalize(run.folder().join("above/below")).expect("below");
            json!({ "filesystem": { "effect": "prevent", "deny": [below] } })
        },
        EACCES,
        DENIED_FILE,
    );
}

#[test]
fn an_argument_that_another_thread_rewrites() {
    let code = r#"static volatile char name[] = "public";
        void rewrite(void) { memcpy((char *)name, "secret", 7); __asm__ volatile("" ::: "memory"); for (volatile int i = 0; i < 30; i++); memcpy((char *)name, "public", 7); __asm__ volatile("" ::: "memory"); for (volatile int i = 0; i < 30; i++); }
        pthread_t thread; pthread_create(&thread, NULL, over_and_over, rewrite); int seen = 0;
        for (long i = 0; goes_on(i, 60000, seen); i++) { int fd = open((char *)name, O_RDONLY); char byte; if (fd >= 0) { seen |= read(fd, &byte, 1) == 1; close(fd); } }
        stop = 1; pthread_join(thread, NULL); errno = 13; through(seen)"#;
    lost(|| run(code).file("public", ""), secret);
}

#[test]
fn a_mode_that_another_thread_rewrites() {
    // Through a link, for there libc itself opens the file.
    for open in [
        r#"fopen("link", (char *)mode)"#,
        r#"freopen(NULL, (char *)mode, fopen("link", "r"))"#,
    ] {
        let code = format!(
            r#"static volatile char mode[] = "rb"; if (symlink("secret", "link")) abort();
            void rewrite(void) {{ mode[1] = '+'; for (volatile int i = 0; i < 30; i++); mode[1] = 'b'; for (volatile int i = 0; i < 30; i++); }}
            pthread_t thread; pthread_create(&thread, NULL, over_and_over, rewrite); int seen = 0;
            for (long i = 0; goes_on(i, 20000, seen); i++) {{ FILE *stream = {open}; if (stream) {{ seen |= (fcntl(fileno(stream), F_GETFL) & O_ACCMODE) == O_RDWR; fclose(stream); }} }}
            stop = 1; pthread_join(thread, NULL); errno = 13; through(seen)"#
        );
        lost(|| run(&code), secret_writes);
    }
}

#[test]
fn an_argument_that_another_thread_shortens() {
    let code = r#"static volatile char name[] = "/dev/null\0";
        void rewrite(void) { memcpy((char *)name, "secret", 7); __asm__ volatile("" ::: "memory"); for (volatile int i = 0; i < 30; i++); memcpy((char *)name, "/dev/nu", 7); __asm__ volatile("" ::: "memory"); for (volatile int i = 0; i < 30; i++); }
        pthread_t thread; pthread_create(&thread, NULL, over_and_over, rewrite); int seen = 0;
        for (long i = 0; goes_on(i, 60000, seen); i++) { int fd = open((char *)name, O_RDONLY); char byte; if (fd >= 0) { seen |= read(fd, &byte, 1) == 1; close(fd); } }
        stop = 1; pthread_join(thread, NULL); errno = 13; through(seen)"#;
    lost(|| run(code), secret);
}

#[test]
fn a_file_that_is_changed_while_no_descriptor_is_left() {
    for call in [
        r#"unlink("secret") == 0"#,
        r#"rename("secret", "other") == 0"#,
        r#"chmod("secret", 0644) == 0"#,
        r#"link("secret", "other") == 0"#,
    ] {
        let code = format!(
            r#"struct rlimit limit = {{40, 40}}; setrlimit(RLIMIT_NOFILE, &limit); while (open("/dev/null", O_RDONLY) >= 0) {{}} through({call})"#
        );
        refused(|| run(&code), secret, EACCES, DENIED_FILE);
    }
}

#[test]
fn a_socket_bound_where_no_file_may_be_made() {
    let code = r#"struct sockaddr_un at = {AF_UNIX, "folder/new"}; through(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&at, sizeof at) == 0)"#;
    let make = || {
        let run = run(code);
        fs::create_dir(run.folder().join("folder")).expect("a folder");
        run
    };
    refused(
        make,
        |run| {
            let folder = fs::canonicalize(run.folder().join("folder")).expect("folder");
            let path = format!("{}/**", folder.display());
            json!({ "filesystem": { "effect": "prevent", "deny": [{ "path": path, "access": "write" }] } })
        },
        EACCES,
        DENIED_FILE,
    );
    // An abstract name is no file.
    let code = r#"struct sockaddr_un at = {AF_UNIX}; snprintf(at.sun_path + 1, 99, "palisade-%d", getpid()); through(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&at, sizeof at) == 0)"#;
    assert_eq!(
        passed(
            || run(code),
            |_| json!({ "filesystem": { "effect": "prevent", "deny": ["/**"] } })
        )
        .len(),
        0
    );
}

#[test]
fn a_file_exchanged_for_another() {
    // renameat2(2): the second name is an old one, too.
    let code = r#"through(renameat2(AT_FDCWD, "public", AT_FDCWD, "secret", RENAME_EXCHANGE) == 0 && open("public", O_RDONLY) >= 0)"#;
    refused(
        || run(code).file("public", "public"),
        |run| {
            let secret = fs::canonicalize(run.folder().join("secret")).expect("secret");
            json!({ "filesystem": { "effect": "prevent", "deny": [{ "path": secret, "access": "read" }] } })
        },
        EACCES,
        DENIED_FILE,
    );
}

#[test]
fn a_file_changed_that_may_only_be_read() {
    for call in [
        "fchmod(fd, 0777)",
        "fchown(fd, 1, 1)",
        "futimens(fd, NULL)",
        r#"fsetxattr(fd, "user.x", "x", 1, 0)"#,
        "syscall(SYS_fchmod, fd, 0777)",
        "syscall(SYS_utimensat, fd, NULL, NULL, 0)",
    ] {
        let code = format!(r#"int fd = open("secret", O_RDONLY); through(fd >= 0 && {call} == 0)"#);
        refused(|| run(&code), secret_writes, EACCES, DENIED_FILE);
    }
}

#[test]
fn a_stream_opened_again_in_another_mode() {
    // freopen(3) without a name opens the file of its descriptor anew.
    for name in ["freopen", "freopen64"] {
        let code = format!(
            r#"FILE *stream = fopen("secret", "r"); through(stream && {name}(NULL, "r+", stream) != NULL)"#
        );
        refused(|| run(&code), secret_writes, EACCES, DENIED_FILE);
    }
}

#[test]
fn a_file_without_a_name_in_a_denied_folder() {
    // open(2), O_TMPFILE: the name is the folder's, and linkat(2) can give the file one later.
    let code = r#"raw_mkdir("inner", 0755); through(open("inner", O_TMPFILE | O_RDWR, 0600) >= 0)"#;
    for absolute in [false, true] {
        let code = if absolute {
            code.replace(r#"open("inner""#, r#"open(realpath("inner", NULL)"#)
        } else {
            code.to_owned()
        };
        let audit = refused(
            || run(&code),
            |run| {
                let folder = fs::canonicalize(run.folder()).expect("folder");
                json!({ "filesystem": { "effect": "prevent", "deny": [folder.join("inner/**")] } })
            },
            EACCES,
            DENIED_FILE,
        );
        assert!(
            audit
                .path
                .as_deref()
                .is_some_and(|path| path.ends_with("/inner/#tmpfile")),
            "{audit:?}"
        );
    }
}
