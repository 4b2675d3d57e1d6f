//! Stopped, and on record.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use palisade_tests::{Run, compile, tool};
use serde_json::json;

use crate::{
    names, natural, passed, program_with, programs, refused, run, secret, secret_writes,
    static_program, with,
};

/// The errno of `EACCES`.
const EACCES: i32 = 13;
const DENIED_FILE: &str = "denied-file";

#[test]
fn the_function_syscall() {
    for call in [
        r#"syscall(SYS_openat, AT_FDCWD, "secret", O_RDONLY) >= 0"#,
        r#"syscall(SYS_openat2, AT_FDCWD, "secret", (long[]){0, 0, 0}, 24) >= 0"#,
        r#"((long (*)(long, ...))dlsym(dlopen("libc.so.6", RTLD_NOW), "syscall"))(SYS_openat, AT_FDCWD, "secret", O_RDONLY) >= 0"#,
    ] {
        refused(
            || run(&format!("through({call})")),
            secret,
            EACCES,
            DENIED_FILE,
        );
    }
    refused(
        || run(r#"through(RAN(syscall(SYS_execve, "/bin/true", true_words, environ)))"#),
        |_| programs(&["true"]),
        EACCES,
        "denied-process",
    );
}

#[test]
fn the_function_syscall_with_a_number_that_the_kernel_cuts() {
    for bits in ["1L << 32", "-1L << 32", "0x7fffL << 48"] {
        let code = format!(
            r#"through(syscall(({bits}) | SYS_openat, AT_FDCWD, "secret", O_RDONLY) >= 0)"#
        );
        refused(|| run(&code), secret, EACCES, DENIED_FILE);
    }
}

#[test]
fn the_function_syscall_passes_every_other_number_untouched() {
    // Six values in six registers: mmap(2) takes as many. pread64(2) of a bad number, and getpid(2) a million times.
    let code = r#"int fd = open("/proc/self/exe", O_RDONLY); char *page = (char *)syscall(SYS_mmap, 0L, 4096L, (long)PROT_READ, (long)MAP_PRIVATE, (long)fd, 0L);
        if (page == MAP_FAILED || memcmp(page, "\177ELF", 4)) abort();
        char *second = (char *)syscall(SYS_mmap, 0L, 4096L, (long)PROT_READ, (long)MAP_PRIVATE, (long)fd, 4096L), direct[4096];
        if (pread(fd, direct, 4096, 4096) != 4096 || memcmp(second, direct, 4096)) abort();
        errno = 4242; for (long n = 0; n < 1000000; n++) if (syscall(SYS_getpid) != getpid()) abort(); if (errno != 4242) abort();
        if (syscall(-1L) != -1 || errno != ENOSYS) abort(); if (syscall(100000L) != -1 || errno != ENOSYS) abort();
        through(1)"#;
    assert_eq!(passed(|| run(code), secret).len(), 0);
}

#[test]
fn ctypes_on_libc() {
    let python = python();
    let code = "import ctypes, os\nlibc = ctypes.CDLL('libc.so.6', use_errno=True)\n\
        print('through' if libc.open(b'secret', 0) >= 0 else f'stopped {ctypes.get_errno()}')";
    refused(
        || {
            Run::new(&python)
                .args(["-c", code])
                .file("secret", "secret")
        },
        secret,
        EACCES,
        DENIED_FILE,
    );
    let code = "import ctypes, socket, struct\nlibc = ctypes.CDLL('libc.so.6', use_errno=True)\nl = socket.create_server(('127.0.0.1', 0))\n\
        a = struct.pack('=HH4s8x', 2, socket.htons(l.getsockname()[1]), bytes([127, 0, 0, 1])); s = socket.socket()\n\
        print('through' if libc.connect(s.fileno(), a, 16) == 0 else f'stopped {ctypes.get_errno()}')";
    refused(
        || Run::new(&python).args(["-c", code]),
        |_| json!({ "network": { "effect": "prevent", "outbound": { "deny": ["127.0.0.1"] } } }),
        EACCES,
        "denied-destination",
    );
}

fn python() -> String {
    let found = Run::new(tool("python3"))
        .args(["-c", "import sys; print(sys.executable)"])
        .without_library()
        .go();
    found.text().trim().to_owned()
}

#[test]
fn dlsym_on_a_handle() {
    for found in [
        r#"dlsym(dlopen("libc.so.6", RTLD_NOW), "open")"#,
        r#"dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), "open64")"#,
        r#"dlsym(dlopen(NULL, RTLD_NOW), "open")"#,
        r#"dlsym(RTLD_DEFAULT, "open")"#,
        r#"dlsym(RTLD_NEXT, "open")"#,
        r#"({ void *(*look)(void *, const char *) = dlsym(dlopen("libc.so.6", RTLD_NOW), "dlsym"); look(dlopen("libc.so.6", RTLD_NOW), "open"); })"#,
    ] {
        let code = format!(
            r#"int (*found)(const char *, int) = {found}; through(found("secret", O_RDONLY) >= 0)"#
        );
        refused(|| run(&code), secret, EACCES, DENIED_FILE);
    }
}

#[test]
fn functions_that_libc_has_for_its_own_libraries() {
    // Where this libc has none of that name, the function that it is a second name of.
    for (name, call) in [
        (
            "__open_nocancel",
            r#"((int (*)(const char *, int))found)("secret", O_RDONLY) >= 0"#,
        ),
        (
            "__open64_nocancel",
            r#"((int (*)(const char *, int))found)("secret", O_RDONLY) >= 0"#,
        ),
        (
            "__nss_files_fopen",
            r#"(found == (void *)open ? open("secret", O_RDONLY) >= 0 : ((FILE *(*)(const char *))found)("secret") != NULL)"#,
        ),
    ] {
        for handle in [
            r#"dlopen("libc.so.6", RTLD_NOW)"#,
            "RTLD_DEFAULT",
            "RTLD_NEXT",
        ] {
            let code = format!(
                r#"void *found = dlsym({handle}, "{name}"); if (!found) found = (void *)open; through({call})"#
            );
            refused(|| run(&code), secret, EACCES, DENIED_FILE);
        }
    }
    let code = r#"void *found = dlsym(dlopen("libc.so.6", RTLD_NOW), "__write_nocancel"); if (!found) found = (void *)write;
        through(((ssize_t (*)(int, const void *, size_t))found)(to_resolver(), question, QUESTION_SIZE) == QUESTION_SIZE)"#;
    refused(|| run(code), |_| names(), EACCES, "denied-domain");
}

#[test]
fn dlvsym_on_a_handle() {
    let version = if cfg!(target_arch = "aarch64") {
        "GLIBC_2.17"
    } else {
        "GLIBC_2.2.5"
    };
    versioned(
        version,
        &[r#"dlopen("libc.so.6", RTLD_NOW)"#, "dlopen(NULL, RTLD_NOW)"],
    );
}

#[test]
fn dlvsym_by_default() {
    let version = if cfg!(target_arch = "aarch64") {
        "GLIBC_2.17"
    } else {
        "GLIBC_2.2.5"
    };
    versioned(version, &["RTLD_DEFAULT", "RTLD_NEXT"]);
}

fn versioned(version: &str, handles: &[&str]) {
    for handle in handles {
        let code = format!(
            r#"int (*found)(const char *, int) = dlvsym({handle}, "open", "{version}"); through(found("secret", O_RDONLY) >= 0)"#
        );
        refused(|| run(&code), secret, EACCES, DENIED_FILE);
    }
}

#[test]
fn rtld_next_is_answered_for_the_caller() {
    // An interposer before ours finds ours; one behind ours finds libc's, and not itself or ours again.
    let other = compile(
        r#"
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdarg.h>
        #include <unistd.h>
        int open(const char *path, int flags, ...) {
            static int depth;
            if (depth++) _exit(3);
            int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
            int fd = next(path, flags, 0600);
            depth--;
            return fd;
        }"#,
        &["-shared", "-fPIC", "-O1"],
    );
    let library = palisade_tests::library();
    for order in [[&other, &library], [&library, &other]] {
        let preload = format!("{}:{}", order[0].display(), order[1].display());
        refused(
            || run(r#"through(open("secret", O_RDONLY) >= 0)"#).env("LD_PRELOAD", &preload),
            secret,
            EACCES,
            DENIED_FILE,
        );
        let allowed = passed(
            || run(r#"through(open("/dev/null", O_RDONLY) >= 0)"#).env("LD_PRELOAD", &preload),
            secret,
        );
        assert_eq!(allowed.len(), 0);
    }
}

#[test]
fn a_new_namespace_of_libraries() {
    let code = r#"void *libc = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
        errno = 0; if (libc) { int (*found)(const char *, int) = dlsym(libc, "open"); through(found("secret", O_RDONLY) >= 0); } else through(0)"#;
    refused(|| run(code), secret, 0, "unfollowable-library");
    // The base namespace is the one that everybody is in.
    let code = r#"void *libm = dlmopen(LM_ID_BASE, "libm.so.6", RTLD_NOW); through(libm && dlsym(libm, "cos"))"#;
    assert_eq!(passed(|| run(code), secret).len(), 0);
}

#[test]
fn a_denied_file_loaded_as_a_library() {
    let library = std::fs::read(compile(
        "int seven(void) { return 7; }",
        &["-shared", "-fPIC"],
    ))
    .expect("a library");
    for name in ["./secret", "link"] {
        let make = || {
            let code = format!(
                r#"symlink("secret", "link"); void *file = dlopen("{}", RTLD_NOW);
                int (*seven)(void) = file ? dlsym(file, "seven") : NULL; const char *why = dlerror();
                errno = EACCES; through(file ? seven() == 7 : why && strstr(why, "refused-by-a-runtime-rule") ? 0 : 1)"#,
                if name == "link" { "./link" } else { name }
            );
            run(&code).file("secret", &library)
        };
        refused(make, secret, EACCES, DENIED_FILE);
    }
}

#[test]
fn a_library_that_binds_to_itself_first() {
    let deep = compile(
        "#include <fcntl.h>\nint through_deep(void) { return open(\"secret\", O_RDONLY); }",
        &["-shared", "-fPIC", "-O1"],
    );
    let code = format!(
        r#"int (*deep)(void) = dlsym(dlopen("{}", RTLD_NOW | RTLD_DEEPBIND), "through_deep"); through(deep() >= 0)"#,
        deep.display()
    );
    refused(|| run(&code), secret, EACCES, DENIED_FILE);
}

#[test]
fn io_uring() {
    // Where the kernel itself has no rings for us, there is nothing to stop.
    let code = r#"struct io_uring_params p = {0}; int ring = syscall(SYS_io_uring_setup, 4, &p);
        if (ring < 0 && getenv("NATURAL")) through(1); else through(ring >= 0)"#;
    let natural = run(code).env("NATURAL", "1").without_library().go();
    assert_eq!(natural.text(), "through\n");
    let outcome = with(|| run(code), secret);
    assert_eq!(
        outcome.text(),
        "stopped 38\n",
        "ENOSYS, as of an older kernel: {}",
        outcome.story()
    );
    assert_eq!(
        outcome.audits().len(),
        0,
        "every event loop asks for a ring"
    );
}

#[test]
fn memory_through_its_file() {
    for call in [
        r#"open("/proc/self/mem", O_RDWR) >= 0"#,
        r#"open("/proc/self/mem", O_WRONLY) >= 0"#,
        r#"open("/proc/thread-self/mem", O_RDWR) >= 0"#,
        r#"fopen("/proc/self/mem", "r+") != NULL"#,
        r#"openat(open("/proc/self", O_PATH), "mem", O_RDWR) >= 0"#,
        r#"syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR) >= 0"#,
        r#"({ char name[50]; snprintf(name, 50, "/proc/%d/task/%d/mem", getppid(), getppid()); open(name, O_RDWR) >= 0; })"#,
    ] {
        refused(
            || run(&format!("through({call})")),
            |_| programs(&["none"]),
            EACCES,
            "process-memory-write",
        );
    }
}

#[test]
fn memory_through_another_name_of_its_file() {
    let again = |open: &str| {
        format!(
            r#"({{ char name[50]; int fd = open("/proc/self/mem", O_RDONLY); (void)fd; snprintf(name, 50, "/proc/self/fd/%d", fd); {open}; }})"#
        )
    };
    for call in [
        // Links, which are made first.
        r#"symlink("/proc/self/mem", "link") == 0 && open("link", O_RDWR) >= 0"#.to_owned(),
        r#"symlink("../../../../../../proc/self/mem", "link") == 0 && open("link", O_RDWR) >= 0"#.to_owned(),
        r#"symlinkat("/proc/thread-self/mem", open(".", O_PATH), "link") == 0 && open("link", O_RDWR) >= 0"#.to_owned(),
        // A descriptor of it that is there.
        again("open(name, O_RDWR) >= 0"),
        again(r#"symlink(name, "link") == 0 && open("link", O_RDWR) >= 0"#),
        again(r#"chdir("/proc/self/fd") == 0 && open(name + 14, O_RDWR) >= 0"#),
        again(r#"dup2(fd, 0) == 0 && open("/dev/stdin", O_RDWR) >= 0"#),
        r#"({ char name[50]; snprintf(name, 50, "//proc/self/fd/%d", open("/proc/self/mem", O_PATH)); open(name, O_RDWR) >= 0; })"#.to_owned(),
        r#"syscall(SYS_openat2, AT_FDCWD, "/proc/self/mem", (long[]){O_RDWR, 0, 0}, 24) >= 0"#.to_owned(),
    ] {
        refused(
            || run(&format!("through({call})")),
            |_| programs(&["none"]),
            EACCES,
            "process-memory-write",
        );
    }
}

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
    for sections in [secret, |_: &Run| json!({})] {
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
fn the_function_syscall_with_a_newer_number() {
    // fchmodat2(2), Linux 6.6.
    let code = r#"through(syscall(452, AT_FDCWD, "secret", 0777, 0) == 0 || (getenv("NATURAL") && errno == ENOSYS))"#;
    refused(
        || run(code).env("NATURAL", "1"),
        secret,
        EACCES,
        DENIED_FILE,
    );
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
    let code = r#"static volatile char name[] = "public"; static volatile int stop;
        void *rewrite(void *unused) { while (!stop) { memcpy((char *)name, "secret", 7); __asm__ volatile("" ::: "memory"); memcpy((char *)name, "public", 7); __asm__ volatile("" ::: "memory"); } return NULL; }
        pthread_t thread; pthread_create(&thread, NULL, rewrite, NULL); int seen = 0;
        for (int i = 0; i < 60000; i++) { int fd = open((char *)name, O_RDONLY); char byte; if (fd >= 0) { seen |= read(fd, &byte, 1) == 1; close(fd); } }
        stop = 1; pthread_join(thread, NULL); errno = 13; through(seen)"#;
    let make = || run(code).file("public", "");
    let natural = make().without_library().go();
    assert_eq!(natural.text(), "through\n", "the control");
    let outcome = with(make, secret);
    assert_eq!(outcome.text(), "stopped 13\n");
}

#[test]
fn an_argument_that_another_thread_shortens() {
    let code = r#"static volatile char name[] = "/dev/null\0"; static volatile int stop;
        void *rewrite(void *unused) { while (!stop) { memcpy((char *)name, "secret", 7); __asm__ volatile("" ::: "memory"); memcpy((char *)name, "/dev/nu", 7); __asm__ volatile("" ::: "memory"); } return NULL; }
        pthread_t thread; pthread_create(&thread, NULL, rewrite, NULL); int seen = 0;
        for (int i = 0; i < 60000; i++) { int fd = open((char *)name, O_RDONLY); char byte; if (fd >= 0) { seen |= read(fd, &byte, 1) == 1; close(fd); } }
        stop = 1; pthread_join(thread, NULL); errno = 13; through(seen)"#;
    let natural = run(code).without_library().go();
    assert_eq!(natural.text(), "through\n", "the control");
    let outcome = with(|| run(code), secret);
    assert_eq!(outcome.text(), "stopped 13\n");
}

#[test]
fn a_program_s_name_that_another_thread_rewrites() {
    let code = r#"static volatile char name[] = "./good"; static volatile int stop; char *words[] = {"x", NULL};
        void *rewrite(void *unused) { while (!stop) { memcpy((char *)name + 2, "evil", 4); __asm__ volatile("" ::: "memory"); for (volatile int i = 0; i < 300; i++); memcpy((char *)name + 2, "good", 4); __asm__ volatile("" ::: "memory"); for (volatile int i = 0; i < 300; i++); } return NULL; }
        pthread_t thread; pthread_create(&thread, NULL, rewrite, NULL); int ran = 0;
        for (int i = 0; i < 2000; i++) { pid_t child; int status = 0;
            if (posix_spawn(&child, (char *)name, NULL, NULL, words, environ) == 0 && waitpid(child, &status, 0) == child) ran |= status != 0; }
        stop = 1; pthread_join(thread, NULL); errno = 13; through(ran)"#;
    let make = || {
        let run = run(code);
        fs::copy("/bin/true", run.folder().join("good")).expect("a program");
        fs::copy("/bin/false", run.folder().join("evil")).expect("a program");
        run
    };
    natural(make);
    let outcome = with(make, |run| {
        let evil = fs::canonicalize(run.folder().join("evil")).expect("evil");
        programs(&[evil.to_str().expect("UTF-8")])
    });
    assert_eq!(outcome.text(), "stopped 13\n");
}

#[test]
fn a_resolver_of_its_own() {
    for send in [
        "send(to_resolver(), question, QUESTION_SIZE, 0) == QUESTION_SIZE",
        "write(to_resolver(), question, QUESTION_SIZE) == QUESTION_SIZE",
        "({ struct sockaddr_in to = loopback(53); sendto(socket(AF_INET, SOCK_DGRAM, 0), question, QUESTION_SIZE, 0, (void *)&to, sizeof to) == QUESTION_SIZE; })",
    ] {
        let audit = refused(
            || run(&format!("through({send})")),
            |_| names(),
            EACCES,
            "denied-domain",
        );
        assert_eq!(audit.domain.as_deref(), Some("denied.test"));
    }
}

#[test]
fn a_question_that_cannot_be_read() {
    let code = r#"through(send(to_resolver(), "garbage", 7, 0) == 7)"#;
    refused(|| run(code), |_| names(), EACCES, "malformed-question");
}

#[test]
fn data_with_the_connection() {
    let code = r#"struct sockaddr_in to = loopback(0); socklen_t size = sizeof to; int l = socket(AF_INET, SOCK_STREAM, 0);
        bind(l, (void *)&to, size); listen(l, 5); getsockname(l, (void *)&to, &size);
        through(sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN, (void *)&to, size) == 1)"#;
    refused(
        || run(code),
        |_| json!({ "network": { "effect": "prevent", "outbound": { "deny": ["127.0.0.1"] } } }),
        EACCES,
        "denied-destination",
    );
}

#[test]
fn a_second_descriptor_of_a_socket_to_a_name_server() {
    for send in [
        "write(dup(to_resolver()), question, QUESTION_SIZE)",
        "send(fcntl(to_resolver(), F_DUPFD, 1500), question, QUESTION_SIZE, 0)",
    ] {
        refused(
            || run(&format!("through({send} == QUESTION_SIZE)")),
            |_| names(),
            EACCES,
            "denied-domain",
        );
    }
}

#[test]
fn a_question_that_no_function_of_sockets_carries() {
    let code = r#"struct iovec v = {(void *)question, QUESTION_SIZE}; through(pwritev2(to_resolver(), &v, 1, -1, 0) == QUESTION_SIZE)"#;
    refused(|| run(code), |_| names(), EACCES, "denied-domain");
    // What the kernel takes from elsewhere is not seen, and not sent.
    let code = r#"int file = memfd_create("question", 0); raw(SYS_pwrite64, file, question, QUESTION_SIZE, 0);
        through(sendfile(to_resolver(), file, NULL, QUESTION_SIZE) == QUESTION_SIZE)"#;
    refused(|| run(code), |_| names(), EACCES, "malformed-question");
}

#[test]
fn a_question_that_the_kernel_is_to_send_later() {
    // io_submit(2), the asynchronous requests of Linux itself.
    let code = r#"aio_context_t context = 0; struct iocb one = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = to_resolver(), .aio_buf = (long)question, .aio_nbytes = QUESTION_SIZE}, *list[] = {&one};
        if (raw(SYS_io_setup, 1, &context)) abort(); through(syscall(SYS_io_submit, context, 1L, list) == 1)"#;
    refused(|| run(code), |_| names(), EACCES, "denied-domain");
    let code = r#"aio_context_t context = 0; struct iovec v[] = {{(void *)question, 9}, {(void *)question + 9, QUESTION_SIZE - 9}};
        struct iocb good = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = socket(AF_UNIX, SOCK_DGRAM, 0)},
            bad = {.aio_lio_opcode = IOCB_CMD_PWRITEV, .aio_fildes = to_resolver(), .aio_buf = (long)v, .aio_nbytes = 2}, *list[] = {&good, &bad};
        if (raw(SYS_io_setup, 2, &context)) abort(); int sent = syscall(SYS_io_submit, context, 2L, list); errno = EACCES; through(sent == 2)"#;
    refused(|| run(code), |_| names(), EACCES, "denied-domain");
}

#[test]
fn an_address_among_many_that_another_thread_rewrites() {
    // sendmmsg(2): what arrives at the denied port was judged as something for the other one.
    let code = r#"static struct sockaddr_in to; to = loopback(0); int good = socket(AF_INET, SOCK_DGRAM, 0), denied = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), s = socket(AF_INET, SOCK_DGRAM, 0);
        static volatile int stop; static unsigned short ports[2]; struct sockaddr_in *at = &to; socklen_t size = sizeof to;
        struct sockaddr_in there = loopback(DENIED); if (raw(SYS_bind, denied, &there, sizeof there)) abort();
        if (raw(SYS_bind, good, at, sizeof *at) || getsockname(good, (void *)at, &size)) abort();
        ports[0] = to.sin_port, ports[1] = there.sin_port;
        void *rewrite(void *unused) { volatile unsigned short *port = &to.sin_port; while (!stop) { *port = ports[1]; for (volatile int i = 0; i < 30; i++); *port = ports[0]; for (volatile int i = 0; i < 30; i++); } return NULL; }
        pthread_t thread; pthread_create(&thread, NULL, rewrite, NULL); struct iovec v = {"x", 1}; struct mmsghdr many[20]; int seen = 0; char byte;
        for (int i = 0; i < 20; i++) many[i] = (struct mmsghdr){{&to, sizeof to, &v, 1}};
        for (int i = 0; i < 3000; i++) { sendmmsg(s, many, 20, 0); seen |= recv(denied, &byte, 1, 0) == 1; while (recv(good, &byte, 1, MSG_DONTWAIT) == 1); }
        stop = 1; pthread_join(thread, NULL); errno = 13; through(seen)"#;
    let port = {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback");
        socket.local_addr().expect("an address").port()
    };
    let code = code.replace("DENIED", &port.to_string());
    natural(|| run(&code));
    let outcome = with(
        || run(&code),
        |_| json!({ "network": { "effect": "prevent", "outbound": { "deny": [format!("127.0.0.1:{port}")] } } }),
    );
    assert_eq!(outcome.text(), "stopped 13\n");
}

#[test]
fn a_name_that_is_not_ascii() {
    // With AI_IDN libc asks for what libidn2 makes of it: FULLWIDTH LATIN SMALL LETTER L is an `l` (UTS 46).
    let code = r#"if (!setlocale(LC_ALL, "C.UTF-8")) abort(); struct addrinfo *found, hints = {.ai_flags = AI_IDN};
        int error = ASK; errno = 13; through(error == 0)"#;
    for ask in [
        r#"getaddrinfo("\uff4cocalhost", NULL, &hints, &found)"#,
        r#"({ struct gaicb one = {.ar_name = "\uff4cocalhost", .ar_request = &hints}, *all[] = {&one}; int e = getaddrinfo_a(GAI_WAIT, all, 1, NULL); (void)found; e ? e : gai_error(&one); })"#,
    ] {
        let audit = refused(
            || run(&code.replace("ASK", ask)),
            |_| names(),
            EACCES,
            "malformed-question",
        );
        assert_eq!(audit.domain.as_deref(), Some("\u{ff4c}ocalhost"));
    }
    // Without that flag it is asked for as it is, and judged so.
    let code = code
        .replace("AI_IDN", "0")
        .replace("error == 0", "error != EAI_FAIL");
    let code = code.replace(
        "ASK",
        r#"getaddrinfo("\uff4cocalhost", NULL, &hints, &found)"#,
    );
    assert_eq!(
        passed(|| run(&code).under(["unshare", "-n"]), |_| names()).len(),
        0
    );
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
fn any_address_in_place_of_loopback() {
    // Linux connects to 127.0.0.1 and ::1 where "any address" is asked for.
    for (family, any) in [
        ("AF_INET", "struct sockaddr_in any = {AF_INET, htons(PORT)}"),
        (
            "AF_INET6",
            "struct sockaddr_in6 any = {AF_INET6, htons(PORT)}",
        ),
    ] {
        let peer = std::net::TcpListener::bind("[::]:0").expect("loopback");
        let port = peer.local_addr().expect("an address").port();
        let any = any.replace("PORT", &port.to_string());
        let code = format!(
            "{any}; through(connect(socket({family}, SOCK_STREAM, 0), (void *)&any, sizeof any) == 0)"
        );
        refused(
            || run(&code),
            |_| json!({ "network": { "effect": "prevent", "outbound": { "allow": ["192.0.2.1"], "loopback": false } } }),
            EACCES,
            "unlisted-destination",
        );
        assert_eq!(
            passed(
                || run(&code),
                |_| json!({ "network": { "effect": "prevent", "outbound": { "allow": ["192.0.2.1"] } } }),
            )
            .len(),
            0
        );
    }
}

#[test]
fn a_name_in_other_words() {
    // An escape of a zone file, and a domain to search (resolver(5)).
    for (before, name) in [
        ("", r"\\100enied.test"),
        (r#"putenv("LOCALDOMAIN=test"); "#, "denied"),
    ] {
        let code = format!(
            r#"{before}struct addrinfo *found; int error = getaddrinfo("{name}", NULL, NULL, &found); errno = 13; through(error != EAI_FAIL)"#
        );
        refused(
            || run(&code).under(["unshare", "-n"]),
            |_| names(),
            EACCES,
            "denied-domain",
        );
    }
}

#[test]
fn a_question_behind_another_on_a_stream() {
    let code = r#"struct sockaddr_in to = {AF_INET, htons(53), {htonl(0x7f500001)}}; int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
        setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        for (int i = 0; i < 200 && bind(l, (void *)&to, sizeof to); i++) to.sin_addr.s_addr = htonl(0x7f500002 + i);
        listen(l, 5); if (connect(s, (void *)&to, sizeof to)) abort();
        char two[64] = "\0\x1d"; memcpy(two + 2, question, QUESTION_SIZE); memcpy(two + 9, "\0\0\0\0\0\0\6public", 13); memcpy(two + 31, "\0\x1d", 2);
        memcpy(two + 33, question, QUESTION_SIZE); through(write(s, two, 62) == 62)"#;
    refused(|| run(code), |_| names(), EACCES, "denied-domain");
}

#[test]
fn a_question_on_a_stream_in_pieces_that_could_be_lengths() {
    // Each piece alone is no more than two bytes, as a length is that comes before its message.
    for size in [1, 2] {
        let code = format!(
            r#"struct sockaddr_in to = {{AF_INET, htons(53), {{htonl(0x7f510001)}}}}; int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
            setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
            for (int i = 0; i < 200 && bind(l, (void *)&to, sizeof to); i++) to.sin_addr.s_addr = htonl(0x7f510002 + i);
            listen(l, 5); if (connect(s, (void *)&to, sizeof to)) abort();
            char all[64] = "\0\x1d"; memcpy(all + 2, question, QUESTION_SIZE); int done = 0;
            for (int i = 0; i < QUESTION_SIZE + 2; i += {size}) {{ int n = QUESTION_SIZE + 2 - i < {size} ? QUESTION_SIZE + 2 - i : {size}; if (send(s, all + i, n, 0) != n) break; done += n; }}
            through(done == QUESTION_SIZE + 2)"#
        );
        refused(|| run(&code), |_| names(), EACCES, "malformed-question");
    }
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
fn the_memory_of_another_process() {
    // process_vm_writev(2), which Lambda refuses as well.
    let code = r#"static volatile int value = 1; int two[2]; if (pipe(two)) abort(); pid_t child = fork(); char byte;
        if (child == 0) { if (read(two[0], &byte, 1) != 1) _exit(2); _exit(value != 7); }
        int seven = 7; struct iovec local = {&seven, 4}, remote = {(void *)&value, 4};
        int done = CALL == 4, error = errno;
        if (write(two[1], "x", 1) != 1) abort(); done &= ran(child), errno = error, through(done)"#;
    for call in [
        "process_vm_writev(child, &local, 1, &remote, 1, 0)",
        "syscall(SYS_process_vm_writev, child, &local, 1, &remote, 1, 0)",
    ] {
        let code = code.replace("CALL", call);
        refused(
            || run(&code),
            |_| programs(&["none"]),
            EACCES,
            "process-memory-write",
        );
    }
}

#[test]
fn a_call_that_libc_makes_inside_itself() {
    for call in [
        r#"setmntent("secret", "r") != NULL"#,
        r#"utmpname("secret") == 0"#,
    ] {
        refused(
            || run(&format!("through({call})")),
            secret,
            EACCES,
            DENIED_FILE,
        );
    }
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
fn rtld_next_for_a_library_that_comes_behind() {
    // As `ctypes` asks: the caller is a library that has no `open` of its own and stands behind ours.
    let other = compile(
        r#"
        #include <dlfcn.h>
        void *through_next(const char *name) { return dlsym(RTLD_NEXT, name); }
        void *through_version(const char *name, const char *version) { return dlvsym(RTLD_NEXT, name, version); }"#,
        &["-shared", "-fPIC", "-O1", "-fno-optimize-sibling-calls"],
    );
    let version = if cfg!(target_arch = "aarch64") {
        "GLIBC_2.17"
    } else {
        "GLIBC_2.2.5"
    };
    for find in [
        r#"((void *(*)(char *))dlsym(other, "through_next"))("open")"#.to_owned(),
        format!(
            r#"((void *(*)(char *, char *))dlsym(other, "through_version"))("open", "{version}")"#
        ),
    ] {
        let code = format!(
            r#"void *other = dlopen("{}", RTLD_NOW); int (*found)(const char *, int) = {find}; through(found && found("secret", O_RDONLY) >= 0)"#,
            other.display()
        );
        // Linked, for a library that is opened later asks in a scope of its own.
        let preload = format!(
            "{}:{}",
            palisade_tests::library().display(),
            other.display()
        );
        refused(
            || run(&code).env("LD_PRELOAD", &preload),
            secret,
            EACCES,
            DENIED_FILE,
        );
    }
    // What no library has is nowhere, and says so.
    let code = r#"through(dlvsym(RTLD_NEXT, "open", "NONE_1") == NULL && dlerror() && dlsym(RTLD_NEXT, "none_such") == NULL && dlerror())"#;
    assert_eq!(passed(|| run(code), secret).len(), 0);
}
