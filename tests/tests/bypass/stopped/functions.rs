//! Past the functions that are hooked.

use std::fs;

use palisade_tests::{Run, compile, tool};
use serde_json::json;

use super::{DENIED_FILE, EACCES};
use crate::{lost, names, passed, programs, refused, run, secret, with};

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

/// That way to memory of the process is refused while any section is on.
fn memory_is_refused(call: &str) {
    refused(
        || run(&format!("through({call})")),
        |_| programs(&["none"]),
        EACCES,
        "process-memory-write",
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
        memory_is_refused(call);
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
        memory_is_refused(&call);
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
    let code = r#"char name[64]; snprintf(name, sizeof name, "/palisade-%d", getpid());
        int is_made = sem_open(name, O_CREAT | O_EXCL, 0600, 1) != SEM_FAILED, error = errno; sem_unlink(name); errno = error; through(is_made)"#;
    refused(
        || run(code),
        |_| json!({ "filesystem": { "effect": "prevent", "deny": ["/dev/shm/sem.palisade-*"] } }),
        EACCES,
        DENIED_FILE,
    );
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

#[test]
fn what_another_thread_makes_readable_between_the_verdict_and_the_call() {
    // Each call is made in children, while the memory comes and goes: where a hook read at the wrong moment a child is killed, and another
    // goes on.
    let code = r#"
        struct page { char file[40], program[40]; struct sockaddr_in to; struct msghdr message; } volatile *page;
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        volatile long *won = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        struct iovec x = {"x", 1}; strcpy((char *)page->file, "secret"); strcpy((char *)page->program, "/bin/echo");
        page->to = loopback(9); page->message = (struct msghdr){(void *)&page->to, sizeof page->to, &x, 1};
        void come_and_go(void) { COMES_AND_GOES }
        for (int child = 0; !*won && (child < 5 || (getenv("UNTIL_WON") && child < 1000)); child++) {
            pid_t pid = fork(); int status;
            if (pid == 0) {
                setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); pthread_t thread; pthread_create(&thread, NULL, over_and_over, come_and_go);
                char *words[] = {"echo", NULL}; int s = socket(AF_INET, SOCK_DGRAM, 0), status; FILE *stream; (void)words, (void)s, (void)status, (void)stream; close(1);
                for (int i = 0; i < TIMES && !*won; i++) *won += CALL;
                _exit(0);
            }
            waitpid(pid, &status, 0);
        }
        errno = 13; through(*won > 0)"#;
    let unmapped = "mprotect((void *)page, 4096, PROT_NONE); mprotect((void *)page, 4096, PROT_READ | PROT_WRITE);";
    let emptied = r#"page->file[0] = 0; __asm__ volatile("" ::: "memory"); page->file[0] = 's'; __asm__ volatile("" ::: "memory");"#;
    let spawn = "posix_spawn(&pid, (char *)page->program, NULL, NULL, words, environ) == 0 && waitpid(pid, &status, 0) == pid";
    for (call, comes_and_goes, times) in [
        ("open((char *)page->file, O_RDONLY) >= 0", unmapped, "3000"),
        ("open((char *)page->file, O_RDONLY) >= 0", emptied, "3000"),
        (
            "(stream = fopen((char *)page->file, \"r\")) != NULL",
            unmapped,
            "900",
        ),
        (
            "(stream = fopen((char *)page->file, \"r\")) != NULL",
            emptied,
            "900",
        ),
        (
            "connect(s, (void *)&page->to, sizeof page->to) == 0",
            unmapped,
            "3000",
        ),
        (
            "sendto(s, \"x\", 1, 0, (void *)&page->to, sizeof page->to) == 1",
            unmapped,
            "3000",
        ),
        (
            "sendmsg(s, (void *)&page->message, 0) == 1",
            unmapped,
            "3000",
        ),
        (spawn, unmapped, "200"),
    ] {
        let code = code
            .replace("COMES_AND_GOES", comes_and_goes)
            .replace("TIMES", times)
            .replace("CALL", call);
        lost(
            || run(&code),
            |run| {
                let mut sections = secret(run);
                sections["processes"] = json!({ "effect": "prevent", "deny": ["echo"] });
                sections["network"] =
                    json!({ "effect": "prevent", "outbound": { "deny": ["127.0.0.1:9"] } });
                sections
            },
        );
    }
}

#[test]
fn what_the_handler_of_a_signal_makes_readable_for_libc() {
    // Of these, libc itself reads what it is given, and goes on once the handler of its signal has put something there.
    const PREPARE: &str = "mount --bind hosts /etc/hosts && mount --bind networks /etc/networks && \
        mount --bind nsswitch.conf /etc/nsswitch.conf && exec \"$@\"";
    let code = |text: &str, call: &str| {
        format!(
            r#"static char *page, room[999]; static struct hostent host, *found; static struct netent net, *net_found; static struct addrinfo *list; static struct dirent **names; int number;
            page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); (void)number;
            void fill(int signal) {{ (void)signal; mprotect(page, 4096, PROT_READ | PROT_WRITE); strcpy(page, "{text}"); }}
            signal(SIGSEGV, fill); int is_done = {call}; errno = EACCES; through(is_done)"#
        )
    };
    let make = |text: &str, call: &str| {
        let run = run(&code(text, call));
        fs::create_dir(run.folder().join("denied")).expect("a folder");
        run.file("hosts", "127.9.0.2 denied.test\n")
            .file("networks", "denied.test 10.0.0.0\n")
            .file("nsswitch.conf", "hosts: files\nnetworks: files\n")
            .under(["unshare", "--mount", "sh", "-c", PREPARE, "sh"])
    };
    for call in [
        "getaddrinfo(page, NULL, NULL, &list) == 0",
        "gethostbyname(page) != NULL",
        "gethostbyname2(page, AF_INET) != NULL",
        "gethostbyname_r(page, &host, room, sizeof room, &found, &number) == 0 && found",
        "gethostbyname2_r(page, AF_INET, &host, room, sizeof room, &found, &number) == 0 && found",
        "getnetbyname(page) != NULL",
        "getnetbyname_r(page, &net, room, sizeof room, &net_found, &number) == 0 && net_found",
    ] {
        refused(
            || make("denied.test", call),
            |_| names(),
            EACCES,
            "denied-domain",
        );
    }
    for (text, call) in [
        ("secret", "utmpname(page) == 0"),
        ("denied", "scandir(page, &names, NULL, NULL) >= 0"),
        ("denied", "opendir(page) != NULL"),
        ("denied/XXXXXX", "mkstemp(page) >= 0"),
        ("denied/XXXXXX", "mkdtemp(page) != NULL"),
        (
            "/palisade-denied",
            "sem_open(page, O_CREAT, 0600, 1) != SEM_FAILED && sem_unlink(\"/palisade-denied\") == 0",
        ),
    ] {
        refused(
            || make(text, call),
            |run| {
                let folder = fs::canonicalize(run.folder()).expect("a folder");
                let [secret, denied, within] =
                    ["secret", "denied", "denied/**"].map(|name| folder.join(name));
                json!({ "filesystem": { "effect": "prevent", "deny": [secret, denied, within, "/dev/shm/sem.palisade-denied"] } })
            },
            EACCES,
            DENIED_FILE,
        );
    }
    refused(
        || make("r", "popen(\"true\", page) != NULL"),
        |_| programs(&["sh", "dash", "bash"]),
        EACCES,
        "denied-process",
    );
}
