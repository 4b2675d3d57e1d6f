//! A table of descriptors without a free place: what needs none by itself still works, and is judged.

use std::fs;

use palisade_audit::Owned;
use palisade_tests::{Log, Run, policy, records};
use serde_json::json;

use crate::{run, same, strict};

/// Before any other code: `full()` fills the table, of which not one descriptor is left to a program that is executed.
const FULL: &str = r#"
    void full(void) {
        int fd, most = 0; struct rlimit limit = {40, 40}; setrlimit(RLIMIT_NOFILE, &limit);
        while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) most = fd;
        if (errno != EMFILE || most != 39) abort();
    }
    char *echo[] = {"echo", "ran", NULL}, *words[] = {"word", NULL}; pid_t pid; int status;
    int ended(int error) { int status = 0; if (error) return -error; waitpid(pid, &status, 0); return status; }
"#;

/// The same with every policy as without the library.
fn same_when_full(code: &str) {
    same(&format!("{FULL}{code}"));
}

/// What `code` prints, and its audits, where `/bin/echo` and the folder `denied` are forbidden; and the control.
fn denied(effect: &str, code: &str, log: Log) -> (String, Vec<Owned>, String) {
    let make = || {
        let run = run(&format!("{FULL}{code}"));
        fs::create_dir(run.folder().join("denied")).expect("denied");
        run.file("denied/file", "secret\n")
            .file("script", "#!/bin/echo ran\n")
            .file("static", fs::read(static_program()).expect("static"))
    };
    let executable = |run: &Run| {
        use std::os::unix::fs::PermissionsExt;
        for name in ["script", "static"] {
            let path = run.folder().join(name);
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect(name);
        }
    };
    let with = make();
    executable(&with);
    let folder = fs::canonicalize(with.folder()).expect("folder");
    let rules = policy(json!({
        "processes": { "effect": effect, "deny": ["echo"] },
        "filesystem": { "effect": effect, "deny": [format!("{}/denied/**", folder.display())] },
    }));
    let with = with.policy(&rules).log(log).go();
    let natural = make();
    executable(&natural);
    let natural = natural.without_library().go();
    let audits = match log {
        Log::File => with.audits(),
        Log::Unset => records(&with.stderr),
    };
    (with.text(), audits, natural.text())
}

fn static_program() -> std::path::PathBuf {
    palisade_tests::compile(
        "#include <unistd.h>\nint main(void) { write(1, \"ran\\n\", 4); }",
        &["-static"],
    )
}

/// `code` prints the error number that it has, and `ran` without the library.
fn refused_once(code: &str, attack: &str) {
    refused_once_in(code, attack, Log::File);
}

fn refused_once_in(code: &str, attack: &str, log: Log) {
    let (text, audits, natural) = denied("prevent", code, log);
    assert_eq!(text, "13\n", "{code}: {audits:#?}");
    assert!(natural.contains("ran"), "{code}: {natural}");
    let attacks: Vec<&str> = audits.iter().map(|audit| &*audit.attack).collect();
    assert_eq!(attacks, [attack], "{code}");
    let (text, audits, _) = denied("alert", code, log);
    assert_eq!(text, natural, "{code}: {audits:#?}");
    let attacks: Vec<&str> = audits.iter().map(|audit| &*audit.attack).collect();
    assert_eq!(attacks, [attack], "{code}, reported");
}

#[test]
fn every_way_to_start_a_program_works() {
    same_when_full(
        r#"full();
        posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions); posix_spawn_file_actions_addchdir_np(&actions, "/bin");
        status = ended(posix_spawn(&pid, "/bin/echo", NULL, NULL, echo, environ)); printf("%x\n", status);
        status = ended(posix_spawnp(&pid, "echo", NULL, NULL, echo, environ)); printf("%x\n", status);
        status = ended(posix_spawn(&pid, "./echo", &actions, NULL, echo, environ)); printf("%x\n", status);
        status = ended(posix_spawn(&pid, "/none/such", NULL, NULL, echo, environ)); printf("%d\n", status);
        printf("%d\n", system("echo ran"));
        if (!(pid = vfork())) { execv("/bin/echo", echo); _exit(errno); } printf("%x\n", ended(0));
        if (!(pid = fork())) { execvp("echo", echo); _exit(errno); } printf("%x\n", ended(0));
        if (!(pid = fork())) { syscall(SYS_execve, "/bin/echo", echo, environ); _exit(errno); } printf("%x\n", ended(0));
        execlp("sh", "sh", "-c", "echo ran; /bin/echo ran", NULL); printf("%d\n", errno)"#,
    );
}

#[test]
fn a_script_is_started_and_a_program_by_its_descriptor() {
    same_when_full(
        r##"int script = open("script", O_WRONLY | O_CREAT, 0755); if (write(script, "#!/bin/echo ran\n", 16) != 16) abort(); close(script);
        int program = open("/bin/echo", O_PATH | O_CLOEXEC), folder = open("/bin", O_PATH | O_CLOEXEC); full();
        if (!(pid = fork())) { execv("script", words); _exit(errno); } printf("%x\n", ended(0));
        if (!(pid = fork())) { fexecve(program, echo, environ); _exit(errno); } printf("%x\n", ended(0));
        if (!(pid = fork())) { execveat(folder, "echo", echo, environ, 0); _exit(errno); } printf("%x\n", ended(0));
        if (!(pid = fork())) { char name[40]; sprintf(name, "/proc/self/fd/%d", program); execv(name, echo); _exit(errno); } printf("%x\n", ended(0))"##,
    );
}

#[test]
fn a_denied_program_is_refused_with_one_audit() {
    for code in [
        r#"full(); int error = posix_spawn(&pid, "/bin/echo", NULL, NULL, echo, environ); if (error) printf("%d\n", error); else wait(NULL)"#,
        r#"full(); execvp("echo", echo); printf("%d\n", errno)"#,
        r#"full(); if (!(pid = vfork())) { execv("/bin/echo", echo); _exit(errno); } status = ended(0); if (status) printf("%d\n", status >> 8)"#,
        r#"full(); if (!(pid = fork())) { execv("script", words); _exit(errno); } status = ended(0); if (status) printf("%d\n", status >> 8)"#,
    ] {
        refused_once(code, "denied-process");
    }
}

#[test]
fn a_program_that_cannot_be_followed_is_refused_with_one_audit() {
    refused_once(
        r#"full(); int error = posix_spawn(&pid, "./static", NULL, NULL, words, environ); if (error) printf("%d\n", error); else wait(NULL)"#,
        "unfollowable-program",
    );
}

#[test]
fn a_program_by_way_of_the_threads_own_descriptors_is_not_vouched_for() {
    // Only the thread itself knows what lies behind its own numbers.
    refused_once(
        r##"int fd = open("/bin/echo", O_PATH); full(); if (dup3(fd, 39, O_CLOEXEC) != 39) abort();
        execv("/proc/thread-self/fd/39", echo); printf("%d\n", errno)"##,
        "unfollowable-program",
    );
    refused_once(
        r#"int fd = open("/bin/echo", O_PATH); full(); if (dup3(fd, 39, O_CLOEXEC) != 39 || symlink("/proc/thread-self/fd/39", "link")) abort();
        execv("link", echo); printf("%d\n", errno)"#,
        "unfollowable-program",
    );
    refused_once(
        r#"int fd = open("/bin", O_PATH); full(); if (dup3(fd, 39, O_CLOEXEC) != 39 || symlink("/proc/thread-self/fd", "link")) abort();
        execv("link/39/echo", echo); printf("%d\n", errno)"#,
        "unfollowable-program",
    );
    refused_once(
        r#"int fd = open("denied", O_PATH); full(); if (dup3(fd, 39, O_CLOEXEC) != 39 || symlink("/proc/thread-self/fd", "link")) abort();
        if (unlink("link/39/file")) printf("%d\n", errno); else puts("ran")"#,
        "unlisted-file",
    );
}

#[test]
fn files_are_changed_by_name() {
    same_when_full(
        r#"close(open("file", O_WRONLY | O_CREAT, 0600)); int folder = open(".", O_PATH | O_CLOEXEC), unix_socket = socket(AF_UNIX, SOCK_STREAM, 0);
        FILE *stream = fopen("file", "r"); char room[20] = {0}; struct stat at; struct sockaddr_un name = {AF_UNIX, "socket"}; full();
        printf("%d", mkdir("folder", 0700)); printf("%d", rename("file", "folder/file")); printf("%d", rename("folder", "other"));
        printf("%d", linkat(folder, "other/file", folder, "hard", 0)); printf("%d", symlink("hard", "link")); printf("%d", chmod("link", 0640));
        printf("%d", truncate("link", 5)); printf("%d", utimensat(folder, "link", NULL, AT_SYMLINK_NOFOLLOW)); printf("%d", chown("hard", -1, -1));
        printf("%zd%s", readlink("link", room, 19), room); printf("%d", mkfifo("fifo", 0600)); printf("%d", fchmod(fileno(stream), 0600));
        printf("%d", bind(unix_socket, (void *)&name, sizeof name)); printf("%d", stat("hard", &at)); printf("%o %ld", at.st_mode, (long)at.st_size);
        printf("%d", unlink("other/file")); printf("%d", rmdir("other")); printf("%d", unlinkat(folder, "link", 0)); printf("%d", remove("fifo"));
        printf("%d", unlink("none") | errno); stream = freopen("hard", "r+", stream); printf("%d\n", stream ? getc(stream) : -errno)"#,
    );
}

/// So few descriptors as may be, of which some lie beyond the limit: it was lowered since they were opened.
fn almost_none(limit: u32) -> String {
    format!(
        r#"struct rlimit few = {{{limit}, 40}}; dup2(1, 20); if (setrlimit(RLIMIT_NOFILE, &few)) abort();
        while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) ; if (errno != EMFILE) abort();"#
    )
}

#[test]
fn files_are_changed_by_name_where_hardly_a_descriptor_may_be() {
    for limit in 1..=6 {
        same(&format!(
            r#"close(open("file", O_WRONLY | O_CREAT, 0600)); {}
            printf("%d", mkdir("folder", 0700)); printf("%d", rename("file", "folder/file")); printf("%d", link("folder/file", "hard"));
            printf("%d", symlink("hard", "link")); printf("%d", chmod("link", 0640)); printf("%d", truncate("link", 5));
            char room[20] = {{0}}; printf("%zd%s", readlink("link", room, 19), room); struct stat at; printf("%d", stat("hard", &at)); printf("%o %ld", at.st_mode, (long)at.st_size);
            printf("%d", unlink("folder/file")); printf("%d", rmdir("folder")); printf("%d\n", unlink("none") | errno)"#,
            almost_none(limit)
        ));
    }
}

#[test]
fn a_denied_file_is_refused_with_one_audit_where_hardly_a_descriptor_may_be() {
    for limit in 1..=6 {
        for log in [Log::File, Log::Unset] {
            let code = format!(
                r#"{} if (rename("denied/file", "elsewhere")) printf("%d\n", errno); else puts("ran")"#,
                almost_none(limit)
            );
            refused_once_in(&code, "denied-file", log);
        }
    }
    // Where there may be none at all, nobody can look.
    let code = format!(
        r#"{} if (mkdir("folder", 0700)) printf("%d\n", errno); else puts("ran")"#,
        almost_none(0)
    );
    refused_once_in(&code, "unlisted-file", Log::Unset);
}

#[test]
fn a_denied_file_is_refused_with_one_audit() {
    let print = r#" == 0 ? (void)puts("ran") : (void)printf("%d\n", errno)"#;
    for call in [
        r#"unlink("denied/file")"#,
        r#"rename("denied/file", "elsewhere")"#,
        r#"rename("secret", "denied/file")"#,
        r#"mkdir("denied/folder", 0700)"#,
        r#"chmod("denied/file", 0777)"#,
        r#"truncate("denied/file", 0)"#,
        r#"link("denied/file", "elsewhere")"#,
        r#"symlink("x", "denied/link")"#,
        r#"fchmod(known, 0777)"#,
        r#"fchmodat(folder, "file", 0777, 0)"#,
        r#"bind(unix_socket, (void *)&name, sizeof name)"#,
        r#"utmpname("denied/file")"#,
    ] {
        let code = format!(
            r#"int known = raw(SYS_openat, AT_FDCWD, "denied/file", O_RDONLY | O_CLOEXEC), folder = open("denied", O_PATH | O_CLOEXEC);
            int unix_socket = socket(AF_UNIX, SOCK_STREAM, 0); struct sockaddr_un name = {{AF_UNIX, "denied/socket"}};
            (void)folder, (void)known, (void)unix_socket, (void)name; full(); {call}{print}"#
        );
        refused_once(&code, "denied-file");
    }
}

#[test]
fn a_denied_file_that_a_child_is_to_open_is_refused_with_one_audit() {
    refused_once(
        r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions); full();
        posix_spawn_file_actions_addclose(&actions, 39); posix_spawn_file_actions_addopen(&actions, 0, "denied/file", O_RDONLY, 0);
        char *cat[] = {"sed", "s/secret/ran/", NULL}; int error = posix_spawn(&pid, "/bin/sed", &actions, NULL, cat, environ);
        if (error) printf("%d\n", error); else wait(NULL)"#,
        "denied-file",
    );
}

#[test]
fn a_connection_is_refused_with_one_line_in_a_log_that_is_a_file() {
    let code = format!(
        r#"{FULL} struct sockaddr_in nine = {{AF_INET, htons(9), {{htonl(INADDR_LOOPBACK)}}}}; int s = socket(AF_INET, SOCK_STREAM, 0);
        full(); if (connect(s, (void *)&nine, sizeof nine)) printf("%d\n", errno)"#
    );
    let with = run(&code);
    let rules = strict("prevent", &with);
    let with = with.policy(&rules).go();
    assert_eq!(with.text(), "13\n", "{}", with.story());
    assert_eq!(with.audit().attack, "denied-destination");
}

#[test]
fn the_line_of_a_child_whose_output_is_captured_reaches_the_log() {
    let code = format!(
        r#"{FULL} int ends[2]; if (pipe(ends)) abort();
        if (!(pid = fork())) {{ dup2(ends[1], 1); dup2(ends[1], 2); full(); execv("/bin/echo", echo); _exit(errno); }}
        close(ends[1]); char seen; printf("%zd", read(ends[0], &seen, 1)); printf(" %d\n", ended(0) >> 8)"#
    );
    let with = run(&code);
    let rules = strict("prevent", &with);
    let with = with.policy(&rules).log(Log::Unset).go();
    assert_eq!(with.text(), "0 13\n", "{}", with.story());
    assert_eq!(records(&with.stderr).len(), 1, "{}", with.story());
}

#[test]
fn what_cannot_be_looked_at_is_refused_where_no_thread_can_be_had_either() {
    // A filter of the program's own, by which clone(2) makes no threads.
    const ALONE: &str = r#"
        struct sock_filter rules[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
        struct sock_fprog filter = {sizeof rules / sizeof *rules, rules};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) abort();
        full();"#;
    let spawn = r#"char *cat[] = {"printf", "ran\\n", NULL}; int error = posix_spawn(&pid, "/usr/bin/printf", NULL, NULL, cat, environ);
        if (error) printf("%d\n", error); else wait(NULL)"#;
    // A log that is a file could not be opened.
    refused_once_in(
        &format!("{ALONE}{spawn}"),
        "unfollowable-program",
        Log::Unset,
    );
    let link = r#"if (symlink("x", "link")) printf("%d\n", errno); else puts("ran")"#;
    refused_once_in(&format!("{ALONE}{link}"), "unlisted-file", Log::Unset);
    let memory =
        r#"if (symlink("/proc/self/mem", "link")) printf("%d\n", errno); else puts("made")"#;
    let with = run(&format!("{FULL}{ALONE}{memory}"))
        .policy(&policy(
            json!({ "dns": { "effect": "prevent", "deny": ["denied.test"] } }),
        ))
        .log(Log::Unset)
        .go();
    assert_eq!(with.text(), "13\n", "{}", with.story());
    assert_eq!(records(&with.stderr)[0].attack, "process-memory-write");
}

#[test]
fn record_locks_handlers_and_other_threads_are_left_alone() {
    same_when_full(
        r#"static int ticks; void tick(int signal) { ticks++; if (fcntl(39, F_GETFD) < 0) abort(); }
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET}; int fd = open("locked", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        full(); if (dup3(fd, 39, O_CLOEXEC) != 39 || fcntl(fd, F_SETLK, &lock)) abort();
        struct itimerval often = {{0, 500}, {0, 500}}; struct sigaction handler = {.sa_handler = tick, .sa_flags = SA_RESTART}; sigaction(SIGALRM, &handler, NULL); setitimer(ITIMER_REAL, &often, NULL);
        void *start(void *unused) {
            char *words[] = {"true", NULL}; pid_t pid; int status; long bad = 0;
            for (int i = 0; i < 50; i++) { if (posix_spawn(&pid, "/bin/true", NULL, NULL, words, environ) || waitpid(pid, &status, 0) != pid || status) bad++; }
            return (void *)bad;
        }
        pthread_t threads[4]; void *bad;
        for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, start, NULL);
        for (int i = 0; i < 4; i++) { pthread_join(threads[i], &bad); printf("%ld\n", (long)bad); }
        if (!fork()) { printf("locked %d\n", fcntl(fd, F_SETLK, &lock) && errno == EAGAIN); _exit(0); } wait(NULL);
        printf("%d\n", ticks > 0)"#,
    );
}
