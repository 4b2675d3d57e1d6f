//! Programs that are started.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use palisade_tests::{Run, compile};
use serde_json::json;

use super::{DENIED_FILE, EACCES};
use crate::{
    in_two_places, lost, passed, program_with, programs, refused, run, secret,
    secret_from_programs, static_program, with,
};

#[test]
fn an_auditing_library_in_a_child_s_environment() {
    let audit = compile(
        r#"
        #include <link.h>
        #include <unistd.h>
        unsigned la_version(unsigned version) { if (write(1, "through\n", 8) != 8) _exit(9); return version; }"#,
        &["-shared", "-fPIC", "-O1"],
    );
    let code = format!(
        r#"char *made[] = {{"LD_AUDIT={}", NULL}}; if (!RAN(execve("/bin/true", true_words, made))) abort()"#,
        audit.display()
    );
    let natural = run(&code).without_library().go();
    assert_eq!(natural.text(), "through\n");
    let names = |_: &Run| json!({ "dns": { "effect": "prevent", "deny": ["x.example"] } });
    for sections in [secret, names] {
        let outcome = with(|| run(&code), sections);
        assert_eq!(
            (outcome.text().as_str(), outcome.code()),
            ("", 0),
            "{}",
            outcome.story()
        );
    }
}

#[test]
fn variables_of_the_loader_in_a_child_s_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    let child = crate::program(r#"through(open("secret", O_RDONLY) >= 0)"#);
    for variable in [
        "LD_BIND_NOT=1",
        "LD_BIND_NOW=1",
        "LD_PRELOAD=",
        "LD_PRELOAD=libm.so.6",
        "LD_DYNAMIC_WEAK=1",
        "LD_LIBRARY_PATH=.",
        "LD_PROFILE=libpalisade.so",
        "LD_ASSUME_KERNEL=2.6.0",
        "LD_PREFER_MAP_32BIT_EXEC=1",
        "GLIBC_TUNABLES=glibc.rtld.nns=1",
        "PALISADE_ON_ERROR=open",
        "PALISADE_PROBE=1",
        "PALISADE_POLICY={\"version\":1,\"rules\":[]}",
    ] {
        let code = format!(
            r#"char *made[] = {{{variable:?}, NULL}}, *words[] = {{"child", NULL}}; if (fork() == 0) {{ execve("{}", words, made); abort(); }} wait(NULL)"#,
            child.display()
        );
        refused(|| run(&code), secret, EACCES, DENIED_FILE);
    }
    drop(folder);
}

#[test]
fn a_denied_file_that_the_loader_of_a_child_reads_or_writes() {
    // The loader of a program does as its variables say before there is anything of ours in the process.
    let denied = |name: &'static str| {
        move |run: &Run| {
            let folder = fs::canonicalize(run.folder()).expect("folder");
            json!({ "filesystem": { "effect": "prevent", "deny": [format!("{}/{name}", folder.display())] } })
        }
    };
    // It is told to write files by variables that a child does not get.
    for (variables, name) in [
        (r#""LD_DEBUG=files", "LD_DEBUG_OUTPUT=trace""#, "trace.*"),
        (
            r#""LD_PROFILE=libc.so.6", "LD_PROFILE_OUTPUT=.""#,
            "*.profile",
        ),
    ] {
        let code = format!(
            r#"char *made[] = {{{variables}, NULL}}; glob_t found; if (!RAN(execve("/bin/true", true_words, made))) abort(); through(glob("{name}", 0, NULL, &found) == 0)"#
        );
        let natural = run(&code).without_library().go();
        assert_eq!(natural.text(), "through\n", "{}", natural.story());
        let outcome = with(|| run(&code), denied(name));
        assert!(outcome.text().starts_with("stopped"), "{}", outcome.story());
        assert_eq!(outcome.audits().len(), 0, "{}", outcome.story());
    }
    let library = fs::read(compile(
        r#"extern void _exit(int); __attribute__((constructor)) static void loaded(void) { _exit(0); }"#,
        &["-shared", "-fPIC"],
    ))
    .expect("a library");
    for start in [
        r#"RAN(execve("/bin/false", words, made))"#,
        r#"(errno = posix_spawn(&child, "/bin/false", NULL, NULL, words, made)) == 0 && ran(child)"#,
        r#"(putenv(made[0]), system("false")) == 0"#,
        // Where a file action of the child's leads.
        r#"(posix_spawn_file_actions_init(&actions), posix_spawn_file_actions_addchdir_np(&actions, "."), made[0] = "LD_PRELOAD=libm.so.6:../other/secret.so",
            posix_spawn_file_actions_addchdir_np(&actions, "folder"), errno = posix_spawn(&child, "/bin/false", &actions, NULL, words, made)) == 0 && ran(child)"#,
    ] {
        let code = format!(
            r#"char *made[] = {{"LD_PRELOAD=./secret.so", NULL}}, *words[] = {{"false", NULL}}; pid_t child; posix_spawn_file_actions_t actions; (void)child, (void)actions, (void)words;
            if (raw_mkdir("folder", 0755) || raw_mkdir("other", 0755) || raw(SYS_linkat, AT_FDCWD, "secret.so", AT_FDCWD, "other/secret.so", 0)) abort(); through({start})"#
        );
        refused(
            || run(&code).file("secret.so", &library),
            denied("**/secret.so"),
            EACCES,
            DENIED_FILE,
        );
    }
}

#[test]
fn a_child_with_a_cleaned_environment() {
    let child = crate::program(r#"through(open("secret", O_RDONLY) >= 0)"#);
    for start in [
        "execve(child, words, none)",
        "execve(child, words, NULL)",
        "clearenv(); execv(child, words)",
        r#"execlp("env", "env", "-i", child, NULL)"#,
    ] {
        let code = format!(
            r#"char *child = "{}", *words[] = {{"child", NULL}}; (void)words; if (fork() == 0) {{ {start}; abort(); }} wait(NULL)"#,
            child.display()
        );
        refused(|| run(&code), secret, EACCES, DENIED_FILE);
    }
}

#[test]
fn settings_changed_in_the_process() {
    let code = r#"clearenv(); putenv("PALISADE_POLICY={\"version\":1,\"rules\":[]}"); putenv("PALISADE_AUDIT=file:/dev/null");
        unsetenv("LD_PRELOAD"); through(open("secret", O_RDONLY) >= 0)"#;
    refused(|| run(code), secret, EACCES, DENIED_FILE);
}

#[test]
fn a_static_program() {
    let code = format!(
        r#"char *words[] = {{"static", NULL}}; through(RAN(execve("{}", words, environ)))"#,
        static_program().display()
    );
    let audit = refused(
        || run(&code),
        |_| programs(&["none"]),
        EACCES,
        "unfollowable-program",
    );
    assert_eq!(audit.path.as_deref(), static_program().to_str());
}

#[test]
fn a_static_program_that_is_called_as_the_loader() {
    let program = fs::read(static_program()).expect("a static program");
    for name in ["ld-linux-x86-64.so.2", "ld-linux", "ld.so", "ld-2.26.so"] {
        for words in [
            r#"{"x", NULL}"#,
            r#"{"x", "--version", NULL}"#,
            r#"{"x", "/bin/true", NULL}"#,
        ] {
            let code = format!(
                r#"chmod("{name}", 0755); char *words[] = {words}; through(RAN(execve("./{name}", words, environ)))"#
            );
            refused(
                || run(&code).file(name, &program),
                |_| programs(&["none"]),
                EACCES,
                "unfollowable-program",
            );
        }
    }
}

#[test]
fn a_program_of_another_c_library() {
    // Known by the name of its loader; here glibc's own stands in for it under that name.
    let other = program_with(
        "through(1)",
        &["-O1", "-Wl,--dynamic-linker=./ld-musl-any.so.1"],
    );
    let loader = fs::read(loader()).expect("the loader");
    let code = format!(
        r#"chmod("ld-musl-any.so.1", 0755); char *words[] = {{"other", NULL}}; if (!RAN(execve("{}", words, environ))) through(0)"#,
        other.display()
    );
    refused(
        || run(&code).file("ld-musl-any.so.1", &loader),
        |_| programs(&["none"]),
        EACCES,
        "unfollowable-program",
    );
}

fn loader() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "/lib/ld-linux-aarch64.so.1"
    } else {
        "/lib64/ld-linux-x86-64.so.2"
    }
}

#[test]
fn a_program_of_another_architecture() {
    // The kernel would refuse it, too, unless binfmt_misc(5) has an emulator for it. On x86-64 there is one that it runs.
    let (other, runs) = if cfg!(target_arch = "x86_64") {
        let source =
            r#"void _start(void) { __asm__ volatile("mov $1, %eax\nxor %ebx, %ebx\nint $0x80"); }"#;
        let flags = [
            "-m32",
            "-static",
            "-nostdlib",
            "-nostartfiles",
            "-fno-pic",
            "-no-pie",
            "-fno-stack-protector",
        ];
        (
            fs::read(compile(source, &flags)).expect("the program"),
            true,
        )
    } else {
        let mut bytes = fs::read("/bin/true").expect("/bin/true");
        bytes[18] = 62;
        (bytes, false)
    };
    let code = r#"chmod("other", 0755); through(RAN(execve("other", true_words, environ)))"#;
    let make = || run(code).file("other", &other);
    let natural = make().without_library().go();
    // A kernel without 32-bit support says ENOEXEC.
    assert!(
        natural.text() == "stopped 8\n" || runs,
        "{}",
        natural.story()
    );
    let outcome = with(make, |_| programs(&["none"]));
    assert_eq!(outcome.text(), "stopped 13\n", "{}", outcome.story());
    assert_eq!(outcome.audit().attack, "unfollowable-program");
}

#[test]
fn a_program_that_gains_privileges() {
    // As another user: its own program, owned by the superuser with the set-user-id bit, and one with a capability.
    let program = fs::read("/bin/true").expect("/bin/true");
    let as_nobody = r#"if (raw_chmod(".", 0777) || setgid(65534) || setuid(65534)) abort();
        through(RAN(execve("./program", true_words, environ)))"#;
    let capability = r#"unsigned char data[20] = {1, 0, 0, 2, 0, 4}; if (setxattr("program", "security.capability", data, 20, 0)) abort();"#;
    for prepare in [
        r#"if (raw_chmod("program", 04755)) abort();"#.to_owned(),
        r#"if (raw_chmod("program", 02755)) abort();"#.to_owned(),
        format!(r#"if (raw_chmod("program", 0755)) abort(); {capability}"#),
    ] {
        refused(
            || run(&format!("{prepare} {as_nobody}")).file("program", &program),
            |_| programs(&["none"]),
            EACCES,
            "unfollowable-program",
        );
    }
}

#[test]
fn a_program_without_a_file() {
    let fill =
        r#"int from = open("/bin/true", O_RDONLY); while (sendfile(fd, from, NULL, 1 << 20) > 0);"#;
    for code in [
        format!(
            r#"int fd = memfd_create("x", MFD_CLOEXEC); {fill} through(RAN(fexecve(fd, true_words, environ)))"#
        ),
        format!(
            r#"int fd = memfd_create("x", 0); {fill} char name[50]; snprintf(name, 50, "/proc/self/fd/%d", fd); through(RAN(execve(name, true_words, environ)))"#
        ),
        format!(
            r#"int fd = memfd_create("x", 0); {fill} through(RAN(execveat(fd, "", true_words, environ, AT_EMPTY_PATH)))"#
        ),
        format!(
            r#"int fd = open("gone", O_RDWR | O_CREAT, 0755); {fill} close(fd); fd = open("gone", O_RDONLY); unlink("gone"); through(RAN(fexecve(fd, true_words, environ)))"#
        ),
        format!(
            r#"int fd = open(".", O_TMPFILE | O_RDWR, 0755); {fill} char name[50]; snprintf(name, 50, "/proc/self/fd/%d", fd); fd = open(name, O_RDONLY); close(atoi(name + 14)); through(RAN(fexecve(fd, true_words, environ)))"#
        ),
    ] {
        refused(
            || run(&code),
            |_| programs(&["none"]),
            EACCES,
            "fileless-program",
        );
    }
}

#[test]
fn the_loader_run_as_a_program() {
    for options in [
        "",
        r#""--preload", "", "#,
        r#""--library-path", "/lib", "--argv0", "x", "#,
        r#""--inhibit-cache", "#,
    ] {
        let code = format!(
            r#"char *words[] = {{"ld.so", {options} "/bin/true", NULL}}; through(RAN(execv("{}", words)))"#,
            loader()
        );
        let audit = refused(
            || run(&code),
            |_| programs(&["true"]),
            EACCES,
            "denied-process",
        );
        assert!(audit.path.is_some_and(|path| path.ends_with("/true")));
    }
    // What it loads is defended as any other child is.
    let child = crate::program(r#"through(open("secret", O_RDONLY) >= 0)"#);
    let code = format!(
        r#"char *words[] = {{"ld.so", "{}", NULL}}; if (fork() == 0) {{ execve("{}", words, none); abort(); }} wait(NULL)"#,
        child.display(),
        loader()
    );
    refused(|| run(&code), secret, EACCES, DENIED_FILE);
}

#[test]
fn a_loader_of_glibc_s_that_is_called_as_musl_s() {
    // musl cannot load the library, so that its programs start without. What is glibc's keeps it, whatever its name.
    let child = crate::program(r#"through(open("secret", O_RDONLY) >= 0)"#);
    let glibc = |name: &str| {
        let flag = format!("-Wl,--dynamic-linker={name}");
        program_with(r#"through(open("secret", O_RDONLY) >= 0)"#, &["-O1", &flag])
    };
    let long = format!("/{}lib64/ld-linux-x86-64.so.2", "./".repeat(150));
    let program = fs::read(&child).expect("a program");
    let lacking = fs::read(glibc("/none/ld-musl-x86_64.so.1")).expect("a program");
    for (start, is_followed) in [
        // What it is given needs not be executable.
        (
            r#"char *words[] = {"x", "./plain", NULL}; execve("./ld-musl-x", words, environ)"#
                .to_owned(),
            true,
        ),
        (
            format!(
                r#"execl("{}", "child", NULL)"#,
                glibc("./ld-musl-x").display()
            ),
            false,
        ),
        (
            format!(
                r#"execl("{}", "child", NULL)"#,
                glibc("./ld-lsb-x86-64.so.3").display()
            ),
            false,
        ),
        (
            format!(r#"execl("{}", "child", NULL)"#, glibc(&long).display()),
            false,
        ),
        // In PATH, behind one of musl's without its loader.
        (
            format!(
                r#"char *words[] = {{"x", NULL}}; {} setenv("PATH", "one:two", 1); execvp("program", words)"#,
                in_two_places("musl", "plain")
            ),
            false,
        ),
    ] {
        let code = format!(
            r#"if (symlink("{0}", "ld-musl-x") || symlink("{0}", "ld-lsb-x86-64.so.3")) abort(); if (fork() == 0) {{ {start}; abort(); }} wait(NULL)"#,
            loader()
        );
        let make = || run(&code).file("plain", &program).file("musl", &lacking);
        refused(make, secret, EACCES, DENIED_FILE);
        let among =
            |unfollowable: &'static str| move |run: &Run| secret_from_programs(run, unfollowable);
        refused(make, among("allow"), EACCES, DENIED_FILE);
        if is_followed {
            refused(make, among("prevent"), EACCES, DENIED_FILE);
        }
    }
}

#[test]
fn a_program_behind_one_in_path_that_cannot_be_started() {
    // execvp(3) goes on to the next directory where the kernel finds no interpreter, and no loader.
    let bare = program_with(
        "through(1)",
        &["-O1", "-Wl,--dynamic-linker=/none/ld-linux-x86-64.so.2"],
    );
    let musl = fs::read(program_with(
        "through(1)",
        &["-O1", "-Wl,--dynamic-linker=/none/ld-musl-x86_64.so.1"],
    ))
    .expect("a program");
    let target = fs::read("/bin/true").expect("/bin/true");
    for first in [
        b"#!/none/such\n".to_vec(),
        b"#!./second\n".to_vec(),
        fs::read(bare).expect("a program"),
        musl.clone(),
    ] {
        for start in [
            r#"RAN(execvp("program", true_words))"#,
            r#"RAN(execvpe("program", true_words, environ))"#,
            r#"RAN(execlp("program", "program", NULL))"#,
            r#"(errno = posix_spawnp(&child, "program", NULL, NULL, true_words, environ)) == 0 && ran(child)"#,
        ] {
            let code = format!(
                r#"pid_t child; (void)child; char path[3000]; {} if (raw_chmod("second", 0755)) abort();
                getcwd(path, 1000); char *place = strdup(path); snprintf(path, sizeof path, "/none:%s/one:%s/two", place, place); setenv("PATH", path, 1); through({start})"#,
                in_two_places("first", "target")
            );
            let make = || {
                let run = run(&code).file("first", &first).file("target", &target);
                run.file("second", "#!/none/such\n")
            };
            for unfollowable in ["prevent", "allow"] {
                let denied = |_: &Run| json!({ "processes": { "effect": "prevent", "deny": ["**/two/program"], "unfollowable": unfollowable } });
                // The first is no program of glibc's.
                let attack = if unfollowable == "prevent" && first == musl {
                    "unfollowable-program"
                } else {
                    "denied-process"
                };
                refused(make, denied, EACCES, attack);
            }
        }
    }
}

#[test]
fn a_program_behind_one_in_path_whose_loader_is_not_where_it_seems() {
    let through = |loader: &str| {
        let flag = format!("-Wl,--dynamic-linker={loader}");
        fs::read(program_with("through(1)", &["-O1", &flag])).expect("a program")
    };
    // Of a longer name than is looked at, whose beginning is there; and where the child is told to go it is not.
    let spare = 254 - loader().len();
    let long = format!("/{}{}.not", "./".repeat(spare / 2), loader());
    let target = fs::read("/bin/true").expect("/bin/true");
    for (first, start) in [
        (through(&long), r#"RAN(execvp("program", true_words))"#),
        (
            through("./ld-linux-local"),
            r#"(posix_spawn_file_actions_init(&actions), posix_spawn_file_actions_addchdir_np(&actions, "/"),
                errno = posix_spawnp(&child, "program", &actions, NULL, true_words, environ)) == 0 && ran(child)"#,
        ),
        // glibc takes a directory with too long a name for the one that it is in.
        (
            b"nothing".to_vec(),
            r#"(memset(path, 'x', 4200), memcpy(path + 4200, ":/none", 7), setenv("PATH", path, 1), chdir("two")) == 0 && RAN(execvp("program", true_words))"#,
        ),
    ] {
        let code = format!(
            r#"pid_t child; posix_spawn_file_actions_t actions; (void)child, (void)actions; static char path[5000]; {} if (symlink("{}", "ld-linux-local")) abort();
            getcwd(path, 1000); char *place = strdup(path); snprintf(path, sizeof path, "%s/one:%s/two", place, place); setenv("PATH", path, 1); through({start})"#,
            in_two_places("first", "target"),
            loader()
        );
        refused(
            || run(&code).file("first", &first).file("target", &target),
            |_| programs(&["**/two/program"]),
            EACCES,
            "denied-process",
        );
    }
}

#[test]
fn a_file_that_the_kernel_takes_for_no_program() {
    // execvp(3) gives it to the shell.
    for file in [
        "exit 0\n".to_owned(),
        "#!\nexit 0\n".to_owned(),
        "#! \t\nexit 0\n".to_owned(),
        format!("#!/{}\nexit 0\n", "x".repeat(300)),
        format!("#!/{}\nexit 0\n", "x".repeat(253)),
    ] {
        refused(
            || {
                run(r#"if (raw_chmod("text", 0755)) abort(); setenv("PATH", ".", 1); through(RAN(execlp("text", "text", NULL)))"#)
                    .file("text", &file)
            },
            |_| programs(&["sh", "dash", "/bin/sh"]),
            EACCES,
            "denied-process",
        );
    }
}

#[test]
fn an_interpreter_whose_name_begins_with_white_space() {
    // The kernel passes over spaces and tabs alone.
    for (space, written) in [("\r", r"\r"), ("\x0c", r"\f")] {
        let code = format!(
            r#"if (raw_chmod("script", 0755) || raw_mkdir("{written}", 0755) || symlink("/bin/true", "{written}/ok")) abort();
            through(RAN(execve("./script", true_words, environ)))"#
        );
        let script = format!("#! {space}/ok\n");
        refused(
            || run(&code).file("script", &script),
            |_| programs(&["true"]),
            EACCES,
            "denied-process",
        );
    }
}

#[test]
fn the_loader_run_as_a_program_on_a_file_that_is_not_executable() {
    let target = fs::read("/bin/true").expect("/bin/true");
    let code = format!(
        r#"char *words[] = {{"ld.so", "./plain", NULL}}; through(RAN(execv("{}", words)))"#,
        loader()
    );
    refused(
        || run(&code).file("plain", &target),
        |_| programs(&["**/plain"]),
        EACCES,
        "denied-process",
    );
}

#[test]
fn the_loader_run_by_a_program_that_it_has_loaded() {
    let child = crate::program(&format!(
        r#"char *words[] = {{"ld.so", "/bin/true", NULL}}; through(RAN(execv("{}", words)))"#,
        loader()
    ));
    let code = format!(
        r#"char *words[] = {{"ld.so", "{}", NULL}}; execv("{}", words); abort()"#,
        child.display(),
        loader()
    );
    refused(
        || run(&code),
        |_| programs(&["true"]),
        EACCES,
        "denied-process",
    );
}

#[test]
fn the_loader_run_as_a_program_on_a_static_one() {
    // It refuses that by itself; a name of its options that takes a value must not hide the program.
    let code = format!(
        r#"char *words[] = {{"ld.so", "--list-tunables", NULL}}; through(RAN({{ dup2(open("/dev/null", O_WRONLY), 1); execv("{}", words); }}))"#,
        loader()
    );
    assert_eq!(passed(|| run(&code), |_| programs(&["none"])).len(), 0);
}

#[test]
fn a_script() {
    let make = |deny: &'static str| {
        move || {
            let run = run(r#"through(RAN(execv("./script", true_words)))"#)
                .file("script", "#!/bin/sh\nexit 0\n");
            fs::set_permissions(
                run.folder().join("script"),
                fs::Permissions::from_mode(0o755),
            )
            .expect("chmod");
            let _ = deny;
            run
        }
    };
    // By its own name, and by its interpreter's.
    for deny in ["script", "sh"] {
        refused(make(deny), |_| programs(&[deny]), EACCES, "denied-process");
    }
    // An interpreter that is a script, and a file without a first line, which the shell gets.
    let nested = || {
        let run = run(r#"through(RAN(execv("./outer", true_words)))"#)
            .file("outer", "#!./inner\n")
            .file("inner", "#!/bin/sh\nexit 0\n");
        for name in ["outer", "inner"] {
            fs::set_permissions(run.folder().join(name), fs::Permissions::from_mode(0o755))
                .expect("chmod");
        }
        run
    };
    refused(nested, |_| programs(&["sh"]), EACCES, "denied-process");
    refused(nested, |_| programs(&["inner"]), EACCES, "denied-process");
    let plain = || {
        let run = run(r#"through(RAN(execvp("./plain", true_words)))"#).file("plain", "exit 0\n");
        fs::set_permissions(
            run.folder().join("plain"),
            fs::Permissions::from_mode(0o755),
        )
        .expect("chmod");
        run
    };
    refused(plain, |_| programs(&["sh"]), EACCES, "denied-process");
}

/// A run of `code` beside files that may be executed.
fn with_scripts(code: &str, scripts: &[(&str, &str)]) -> Run {
    let mut run = run(code);
    for (name, text) in scripts {
        run = run.file(name, text);
        let path = run.folder().join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("chmod");
    }
    run
}

#[test]
fn a_script_that_the_loader_interprets() {
    // ld.so runs what the script's first line tells it to, with the script's name as an argument.
    let loader = if cfg!(target_arch = "aarch64") {
        "/lib/ld-linux-aarch64.so.1"
    } else {
        "/lib64/ld-linux-x86-64.so.2"
    };
    let script = format!("#!{loader} /bin/true\n");
    let code = r#"char *words[] = {"script", NULL}; through(RAN(execv("./script", words)))"#;
    refused(
        || with_scripts(code, &[("script", &script)]),
        |_| programs(&["true"]),
        EACCES,
        "unfollowable-program",
    );
}

#[test]
fn a_static_program_behind_as_many_scripts_as_there_can_be() {
    let program = static_program();
    let last = format!("#!{}\n", program.display());
    let code = r#"through(RAN(execv("./a", true_words)))"#;
    refused(
        || {
            let scripts = ["#!./b\n", "#!./c\n", "#!./d\n", "#!./e\n", &last];
            let names = ["a", "b", "c", "d", "e"];
            let scripts: Vec<_> = names.into_iter().zip(scripts).collect();
            with_scripts(code, &scripts)
        },
        |_| programs(&["none"]),
        EACCES,
        "unfollowable-program",
    );
}

#[test]
fn an_interpreter_where_the_child_is_told_to_go() {
    let code = r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions); pid_t child; char *words[] = {"script", NULL};
        posix_spawn_file_actions_addchdir_np(&actions, "folder");
        errno = posix_spawn(&child, "./script", &actions, NULL, words, environ); through(errno == 0 && ran(child))"#;
    let make = || {
        let run = run(code);
        fs::create_dir(run.folder().join("folder")).expect("a folder");
        symlink("/bin/true", run.folder().join("folder/interpreter")).expect("a link");
        let script = run.folder().join("folder/script");
        fs::write(&script, "#!./interpreter\n").expect("a script");
        fs::set_permissions(script, fs::Permissions::from_mode(0o755)).expect("chmod");
        run
    };
    refused(make, |_| programs(&["true"]), EACCES, "denied-process");
}

#[test]
fn a_program_s_name_that_another_thread_rewrites() {
    let code = r#"static volatile char name[] = "./good"; char *words[] = {"x", NULL};
        void rewrite(void) { memcpy((char *)name + 2, "evil", 4); __asm__ volatile("" ::: "memory"); for (volatile int i = 0; i < 300; i++); memcpy((char *)name + 2, "good", 4); __asm__ volatile("" ::: "memory"); for (volatile int i = 0; i < 300; i++); }
        pthread_t thread; pthread_create(&thread, NULL, over_and_over, rewrite); int ran = 0;
        for (long i = 0; goes_on(i, 2000, ran); i++) { pid_t child; int status = 0;
            if (posix_spawn(&child, (char *)name, NULL, NULL, words, environ) == 0 && waitpid(child, &status, 0) == child) ran |= status != 0; }
        stop = 1; pthread_join(thread, NULL); errno = 13; through(ran)"#;
    let make = || {
        let run = run(code);
        fs::copy("/bin/true", run.folder().join("good")).expect("a program");
        fs::copy("/bin/false", run.folder().join("evil")).expect("a program");
        run
    };
    lost(make, |run| {
        let evil = fs::canonicalize(run.folder().join("evil")).expect("evil");
        programs(&[evil.to_str().expect("UTF-8")])
    });
}

#[test]
fn a_command_that_wordexp_finds_in_an_unusual_place() {
    // Neither looks like a command at first sight; libc runs each, the third before it says that this is no arithmetic.
    for text in [
        "$((echo a);(echo >ran))",
        "${palisade:-'$(echo >ran)'}",
        "$(( '$(echo >ran)' ))",
        "$[ '`echo >ran`' ]",
    ] {
        for flags in ["0", "WRDE_APPEND"] {
            let code = format!(
                r#"wordexp_t words = {{0}}; wordexp({text:?}, &words, {flags}); int has_run = access("ran", F_OK) == 0; errno = EACCES; through(has_run)"#
            );
            refused(
                || run(&code),
                |_| programs(&["sh", "dash", "bash"]),
                EACCES,
                "denied-process",
            );
        }
    }
}

#[test]
fn a_command_that_another_thread_writes_for_wordexp() {
    // The text is made readable by the handler of the signal that its reader gets, which is the best that a thread could do.
    let code = r#"static char *page; page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        void fill(int number) { mprotect(page, 4096, PROT_READ | PROT_WRITE); strcpy(page, "$(echo >ran)"); }
        signal(SIGSEGV, fill); wordexp_t words; wordexp(page, &words, 0); int has_run = access("ran", F_OK) == 0; errno = EACCES; through(has_run)"#;
    refused(
        || run(code),
        |_| programs(&["sh", "dash", "bash"]),
        EACCES,
        "denied-process",
    );
}
