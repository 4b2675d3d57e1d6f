//! Neither stopped nor on record: what a layer in front of libc cannot see. A test that fails here is good news for the table.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use palisade_tests::{Run, compile, compile_with_musl, policy};
use serde_json::{Value, json};

use crate::{
    names, passed, program, program_with, programs, run, secret, secret_from_programs,
    secret_writes, static_program, with,
};

fn silent(make: impl Fn() -> Run, sections: impl Fn(&Run) -> Value) {
    let audits = passed(make, sections);
    assert_eq!(audits.len(), 0, "it is seen now: {audits:?}");
}

#[test]
fn a_system_call_of_its_own_code() {
    silent(
        || run(r#"through(raw(SYS_openat, AT_FDCWD, "secret", O_RDONLY) >= 0)"#),
        secret,
    );
}

#[test]
fn a_child_started_by_a_system_call_of_its_own_code() {
    let child = program(r#"through(open("secret", O_RDONLY) >= 0)"#);
    let code = format!(
        r#"char *words[] = {{"child", NULL}}; if (fork() == 0) {{ raw(SYS_execve, "{}", words, none); abort(); }} wait(NULL)"#,
        child.display()
    );
    silent(
        || run(&code),
        |run| {
            let mut sections = secret(run);
            sections["processes"] =
                programs(&["child", child.to_str().expect("UTF-8")])["processes"].clone();
            sections
        },
    );
}

#[test]
fn code_written_over_a_hook() {
    // The first instructions of our open(2) become a jump to the caller's own.
    let code = r#"int mine(const char *path, int flags) { return (int)raw(SYS_openat, AT_FDCWD, path, flags); }
        char *hook = (char *)open; char *page = (char *)((long)hook & -4096);
        if (mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC)) abort();
        void *target = mine;
    #ifdef __x86_64__
        memcpy(hook, "\x48\xb8", 2), memcpy(hook + 2, &target, 8), memcpy(hook + 10, "\xff\xe0", 2);
    #else
        memcpy(hook, "\x50\x00\x00\x58\x00\x02\x1f\xd6", 8), memcpy(hook + 8, &target, 8); __builtin___clear_cache(hook, hook + 16);
    #endif
        through(open("secret", O_RDONLY) >= 0)"#;
    silent(|| run(code), secret);
}

#[test]
fn a_descriptor_that_somebody_else_opened() {
    // Inherited, or handed over a socket (unix(7), SCM_RIGHTS).
    let code = r#"int two[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, two); char byte = 0, room[CMSG_SPACE(4)] = {0}; struct iovec v = {&byte, 1};
        struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
        if (fork() == 0) { /* somebody who is not followed */
            struct cmsghdr *c = CMSG_FIRSTHDR(&m); c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(4);
            *(int *)CMSG_DATA(c) = raw(SYS_openat, AT_FDCWD, "secret", O_RDONLY); _exit(sendmsg(two[1], &m, 0) != 1);
        }
        if (recvmsg(two[0], &m, 0) != 1) abort(); char text[7] = "";
        through(read(*(int *)CMSG_DATA(CMSG_FIRSTHDR(&m)), text, 6) == 6 && strcmp(text, "secret") == 0)"#;
    silent(|| run(code), secret);
}

#[test]
fn a_copy_of_a_denied_program() {
    // Under another path and another name, where everything but a list may start.
    let original = fs::read("/bin/true").expect("a program");
    let code =
        r#"if (chmod("copy", 0755)) abort(); through(RAN(execve("./copy", true_words, environ)))"#;
    silent(
        || run(code).file("copy", &original),
        |_| programs(&["true", "/bin/true", "/usr/bin/true"]),
    );
}

#[test]
fn a_static_program_where_programs_are_not_judged() {
    // The processes section is off: any program may start, and this one opens what it likes.
    let code = format!(
        r#"char *words[] = {{"static", NULL}}; through(RAN(execve("{}", words, environ)))"#,
        static_program().display()
    );
    silent(|| run(&code), secret);
}

#[test]
fn what_a_program_of_another_c_library_starts_where_the_policy_lets_that_pass() {
    // musl cannot load the library, so that it is kept out of the program's environment, and with that out of its children's.
    let child = program(r#"through(open("secret", O_RDONLY) >= 0)"#);
    let other = compile_with_musl(&format!(
        r#"#include <unistd.h>
        int main(void) {{ return execl("{}", "child", NULL); }}"#,
        child.display()
    ));
    let code = format!(
        r#"char *words[] = {{"other", NULL}}; if (fork() == 0) {{ execve("{}", words, environ); abort(); }} wait(NULL)"#,
        other.display()
    );
    silent(|| run(&code), secret);
    silent(|| run(&code), |run| secret_from_programs(run, "allow"));
}

#[test]
fn a_program_that_only_a_child_with_other_ids_may_start() {
    // What the caller itself may not execute is not judged, for the kernel refuses it; a child that is told to be the real user again may.
    let program = fs::read("/bin/true").expect("/bin/true");
    let code = r#"posix_spawnattr_t attributes; pid_t child; if (raw_chmod("program", 0700) || seteuid(65534)) abort();
        posix_spawnattr_init(&attributes); posix_spawnattr_setflags(&attributes, POSIX_SPAWN_RESETIDS);
        through((errno = posix_spawn(&child, "./program", NULL, &attributes, true_words, environ)) == 0 && ran(child))"#;
    silent(
        || run(code).file("program", &program),
        |_| programs(&["**/program"]),
    );
}

#[test]
fn a_second_hard_link_that_was_there_before() {
    silent(
        || {
            let run = run(r#"through(open("hard", O_RDONLY) >= 0)"#);
            fs::hard_link(run.folder().join("secret"), run.folder().join("hard")).expect("a link");
            run
        },
        secret,
    );
}

#[test]
fn memory_through_a_link_that_was_there_before() {
    // While the filesystem section is off, an open is not looked at for where it leads.
    silent(
        || {
            let run = run(r#"through(open("link", O_RDWR) >= 0)"#);
            symlink("/proc/self/mem", run.folder().join("link")).expect("a link");
            run
        },
        |_| programs(&["none"]),
    );
}

#[test]
fn a_process_that_is_traced() {
    // ptrace(2), which Lambda refuses.
    let code = r#"static volatile int value = 1; int two[2], status; if (pipe(two)) abort(); pid_t child = fork(); char byte;
        if (child == 0) { if (read(two[0], &byte, 1) != 1) _exit(2); _exit(value != 7); }
        int done = ptrace(PTRACE_ATTACH, child, 0, 0) == 0 && waitpid(child, &status, 0) == child
            && ptrace(PTRACE_POKEDATA, child, (void *)&value, 7L) == 0 && ptrace(PTRACE_DETACH, child, 0, 0) == 0;
        if (write(two[1], "x", 1) != 1) abort(); through(done && ran(child))"#;
    silent(|| run(code), |_| programs(&["none"]));
}

#[test]
fn a_folder_that_libc_lists_by_itself() {
    // glob(3), ftw(3), fts(3): the names in it, and no file.
    let code = r#"glob_t found; through(glob("folder/*", 0, NULL, &found) == 0 && strcmp(found.gl_pathv[0], "folder/name") == 0)"#;
    silent(
        || {
            let run = run(code);
            fs::create_dir(run.folder().join("folder")).expect("a folder");
            fs::write(run.folder().join("folder/name"), "").expect("a file");
            run
        },
        |run| {
            let folder = fs::canonicalize(run.folder().join("folder")).expect("folder");
            json!({ "filesystem": { "effect": "prevent", "deny": [folder] } })
        },
    );
}

#[test]
fn a_question_through_a_stream() {
    // The buffer is written inside libc.
    for code in [
        r#"FILE *stream = fdopen(to_resolver(), "w"); fwrite(question, 1, QUESTION_SIZE, stream); through(fflush(stream) == 0)"#,
        r#"const unsigned char *q = (void *)question; through(dprintf(to_resolver(), "%c%c%c%c%c%c%c%c%c%c%c%c%c%.6s%c%.4s%c%c%c%c%c", q[0], q[1], q[2], q[3], q[4], q[5], q[6], q[7], q[8], q[9], q[10], q[11], q[12], q + 13, q[19], q + 20, q[24], q[25], q[26], q[27], q[28]) == QUESTION_SIZE)"#,
    ] {
        silent(|| run(code), |_| names());
    }
}

/// A race that is won sooner or later: on record is each time that it was lost, and the last time is not.
fn won(make: impl Fn() -> Run, sections: impl Fn(&Run) -> Value) {
    race(make, sections, false);
}

/// The same; `takes_the_log`: what the other thread exchanges is, now and then, the descriptor that a line is being written to.
fn race(make: impl Fn() -> Run, sections: impl Fn(&Run) -> Value, takes_the_log: bool) {
    let run = make();
    let rules = policy(sections(&run));
    let outcome = run.policy(&rules).go();
    let text = outcome.text();
    let (lost, end) = text.split_once(' ').expect("how often it was lost");
    assert_eq!(end, "through\n", "it is stopped now: {}", outcome.story());
    let lost: usize = lost.parse().expect("a number");
    let told = outcome.audits().len();
    if takes_the_log {
        assert!(told <= lost, "{}", outcome.story());
    } else {
        assert_eq!(lost, told, "{}", outcome.story());
    }
}

#[test]
fn a_question_that_another_thread_rewrites() {
    // What is sent is not copied: the kernel takes it after the verdict.
    let code = r#"static char asked[QUESTION_SIZE]; memcpy(asked, question, QUESTION_SIZE); char *name = asked + 13;
        struct sockaddr_in to = {AF_INET, htons(53), {htonl(0x7f500001)}}; int l = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0); char seen[64]; long lost = 0;
        for (int i = 0; i < 200 && bind(l, (void *)&to, sizeof to); i++) to.sin_addr.s_addr = htonl(0x7f500002 + i);
        if (connect(s, (void *)&to, sizeof to)) abort();
        void rewrite(void) { *(volatile char *)name = 'a'; for (volatile int i = 0; i < 30; i++); *(volatile char *)name = 'd'; for (volatile int i = 0; i < 30; i++); }
        pthread_t thread; pthread_create(&thread, NULL, over_and_over, rewrite);
        for (;;) { if (send(s, asked, QUESTION_SIZE, 0) < 0) { lost++; continue; } if (recv(l, seen, sizeof seen, 0) == QUESTION_SIZE && memcmp(seen, question, QUESTION_SIZE) == 0) break; }
        stop = 1; pthread_join(thread, NULL); printf("%ld ", lost); through(1)"#;
    won(|| run(code), |_| names());
}

#[test]
fn a_name_that_is_rewritten_before_it_is_resolved_in_the_background() {
    // getaddrinfo_a(3): a thread of libc reads it after the call has returned.
    let code = r#"static char name[] = "allowed.test"; static struct gaicb one, *all[] = {&one}; long lost = 0;
        for (;;) {
            strcpy(name, "allowed.test"), one = (struct gaicb){.ar_name = name};
            if (getaddrinfo_a(GAI_NOWAIT, all, 1, NULL)) abort();
            strcpy(name, "denied.test"); while (gai_error(&one) == EAI_INPROGRESS) gai_suspend((void *)all, 1, NULL);
            if (gai_error(&one)) abort();
            if (((struct sockaddr_in *)one.ar_result->ai_addr)->sin_addr.s_addr == htonl(0x7f090002)) break;
        }
        printf("%ld ", lost); through(1)"#;
    const PREPARE: &str = "mount --bind hosts /etc/hosts && mount --bind nsswitch.conf /etc/nsswitch.conf && exec \"$@\"";
    won(
        || {
            run(code)
                .file("hosts", "127.9.0.1 allowed.test\n127.9.0.2 denied.test\n")
                .file("nsswitch.conf", "hosts: files\n")
                .under(["unshare", "--mount", "sh", "-c", PREPARE, "sh"])
        },
        |_| names(),
    );
}

#[test]
fn a_name_that_another_thread_rewrites_where_no_copy_is_passed_on() {
    // unlink(2) and its kin, and openat2(2), are made as they came.
    let race = |call: &str| {
        format!(
            r#"static volatile char name[] = "public"; struct stat secret, now; long lost = 0, how[3] = {{0}}; int fd; (void)how, (void)now, (void)fd; if (stat("secret", &secret)) abort();
            void rewrite(void) {{ memcpy((char *)name, "secret", 7); __asm__ volatile("" ::: "memory"); for (volatile int i = 0; i < 300; i++); memcpy((char *)name, "public", 7); __asm__ volatile("" ::: "memory"); for (volatile int i = 0; i < 300; i++); }}
            pthread_t thread; pthread_create(&thread, NULL, over_and_over, rewrite);
            for (;;) {{ raw(SYS_close, raw(SYS_openat, AT_FDCWD, "public", O_CREAT | O_WRONLY, 0600)); {call} }}
            stop = 1; pthread_join(thread, NULL); printf("%ld ", lost); through(1)"#
        )
    };
    let unlink = race(
        r#"if (unlink((char *)name) < 0) lost += errno == EACCES; if (raw(SYS_faccessat, AT_FDCWD, "secret", 0) < 0) break;"#,
    );
    let open = race(
        r#"fd = syscall(SYS_openat2, AT_FDCWD, name, how, sizeof how); if (fd < 0) { lost += errno == EACCES; continue; }
        if (fstat(fd, &now) == 0 && now.st_ino == secret.st_ino) break; raw(SYS_close, fd);"#,
    );
    for code in [unlink, open] {
        won(|| run(&code), secret);
    }
}

#[test]
fn a_descriptor_that_another_thread_exchanges() {
    // A file behind a link of /proc is held by a descriptor from the verdict to the call, and dup2(2) puts another file there.
    let code = r#"static int secret, held; int public = open("public", O_RDONLY); secret = open("secret", O_RDONLY); held = open("/dev/null", O_PATH) + 1; long lost = 0;
        struct stat wanted, now; char link[64]; snprintf(link, sizeof link, "/proc/self/fd/%d", public); if (public < 0 || fstat(secret, &wanted)) abort();
        void exchange(void) { raw(SYS_dup3, secret, held, 0), raw(SYS_close, held); }
        pthread_t thread; pthread_create(&thread, NULL, over_and_over, exchange);
        for (;;) { int fd = open(link, O_WRONLY); if (fd < 0) { lost += errno == EACCES; continue; } if (fstat(fd, &now) == 0 && now.st_ino == wanted.st_ino && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) break; raw(SYS_close, fd); }
        stop = 1; pthread_join(thread, NULL); printf("%ld ", lost); through(1)"#;
    race(|| run(code).file("public", "public"), secret_writes, true);
}

#[test]
fn a_record_put_into_a_file_that_was_named_for_reading() {
    // utmpname(3) is judged as what most callers do with it: they read.
    let code = r#"struct utmp entry = {.ut_type = USER_PROCESS, .ut_id = "x"}; utmpname("secret"); setutent(); through(pututline(&entry) != NULL)"#;
    silent(|| run(code).file("secret", ""), secret_writes);
}

#[test]
fn a_look_at_a_file_that_is_not_opened() {
    // stat(2), access(2), getxattr(2): whether it is there, and how long it is.
    let code = r#"struct stat seen; through(stat("secret", &seen) == 0 && seen.st_size == 6 && access("secret", R_OK) == 0)"#;
    silent(|| run(code), secret);
}

#[test]
fn a_link_that_libc_reads_by_itself() {
    // realpath(3) reads the links of a path inside libc; readlink(2) of this one is refused.
    let code = |call: &str| {
        format!(
            r#"char room[4096] = ""; if (symlink("secret", "link") && errno != EEXIST) abort(); through({call})"#
        )
    };
    let deny = |run: &Run| {
        let folder = fs::canonicalize(run.folder()).expect("the folder");
        json!({ "filesystem": { "effect": "prevent", "deny": [{ "path": folder.join("link"), "access": "read" }] } })
    };
    let code_of_readlink = code(r#"readlink("link", room, sizeof room) > 0"#);
    let refused = with(|| run(&code_of_readlink), deny);
    assert!(
        refused.text().starts_with("stopped 13"),
        "the control: {}",
        refused.story()
    );
    let code = code(r#"realpath("link", room) != NULL && strstr(room, "/secret") != NULL"#);
    silent(|| run(&code), deny);
}

#[test]
fn a_file_that_is_watched() {
    let code = r#"int watch = inotify_init1(IN_NONBLOCK); char seen[4096];
        through(inotify_add_watch(watch, "secret", IN_ATTRIB) >= 0 && raw(SYS_fchmodat, AT_FDCWD, "secret", 0600) == 0 && read(watch, seen, sizeof seen) > 0)"#;
    silent(|| run(code), secret);
}

#[test]
fn a_library_that_libc_loads_for_itself() {
    // iconv_open(3) looks for its converters where GCONV_PATH says, and loads them inside libc.
    let library = fs::read(compile(
        r#"extern int setenv(const char *, const char *, int); __attribute__((constructor)) static void loaded(void) { setenv("LOADED", "1", 1); } int gconv(void) { return 1; }"#,
        &["-shared", "-fPIC"],
    ))
    .expect("a library");
    let code = r#"char here[4096]; if (!getcwd(here, sizeof here)) abort();
        setenv("GCONV_PATH", here, 1); errno = 0; iconv_open("UTF-8", "SECRET"); through(getenv("LOADED") != NULL)"#;
    silent(
        || {
            run(code).file("secret.so", &library).file(
                "gconv-modules",
                "module SECRET// INTERNAL secret 1\nmodule INTERNAL SECRET// secret 1\n",
            )
        },
        |run| {
            let library = fs::canonicalize(run.folder().join("secret.so")).expect("the library");
            json!({ "filesystem": { "effect": "prevent", "deny": [library] } })
        },
    );
}

#[test]
fn a_part_of_libc_that_no_header_names() {
    // What freopen(3) does inside; so with _IO_proc_open for popen(3), __res_context_query and _nss_dns_* for names.
    let code = r#"FILE *stream = fopen("/dev/null", "r"); extern int _IO_file_close_it(FILE *); extern FILE *_IO_file_fopen(FILE *, const char *, const char *, int);
        _IO_file_close_it(stream); through(_IO_file_fopen(stream, "secret", "r", 1) != NULL)"#;
    silent(|| run(code), secret);
}

#[test]
fn a_connection_that_libc_makes_inside_itself() {
    // rexec(3), and rcmd(3) for the superuser.
    let code = r#"struct sockaddr_in at = loopback(0); socklen_t size = sizeof at; int l = socket(AF_INET, SOCK_STREAM, 0);
        raw(SYS_bind, l, &at, sizeof at), raw(SYS_listen, l, 5), raw(SYS_getsockname, l, &at, &size);
        if (fork() == 0) { int s = raw(SYS_accept4, l, NULL, NULL, 0), ends = 0; char byte; while (ends < 4 && raw(SYS_read, s, &byte, 1) == 1) ends += byte == 0; raw(SYS_write, s, "", 1); _exit(0); }
        char *host = "127.0.0.1"; through(rexec(&host, at.sin_port, "user", "password", "command", NULL) >= 0)"#;
    let denied = |_: &Run| json!({ "network": { "effect": "prevent", "outbound": { "deny": ["127.0.0.1"] } } });
    silent(|| run(code), denied);
    // The clients of Sun's RPC, which only programs of old are linked to.
    let code = format!(
        r#"{OF_OLD} struct sockaddr_in at = loopback(0); socklen_t size = sizeof at; int l = socket(AF_INET, SOCK_STREAM, 0), chosen = -1;
        raw(SYS_bind, l, &at, sizeof at), raw(SYS_listen, l, 5), raw(SYS_getsockname, l, &at, &size);
        void *(*create)(struct sockaddr_in *, long, long, int *, unsigned, unsigned) = of_old("clnttcp_create"); through(create(&at, 1L, 1L, &chosen, 0, 0) != NULL)"#
    );
    silent(|| run(&code), denied);
}

#[test]
fn a_name_that_libc_resolves_inside_itself() {
    // ruserok(3), which asks for the address of the host before it looks into any file; and those of the test above.
    const PREPARE: &str = "mount --bind resolv.conf /etc/resolv.conf && mount --bind nsswitch.conf /etc/nsswitch.conf && exec \"$@\"";
    let code = r#"struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP}; int l = socket(AF_INET, SOCK_DGRAM, 0); struct sockaddr_in at = loopback(53);
        if (ioctl(l, SIOCSIFFLAGS, &up) || raw(SYS_bind, l, &at, sizeof at)) abort();
        char seen[999]; ruserok("denied.test", 0, "user", "user");
        through(recv(l, seen, sizeof seen, MSG_DONTWAIT) >= QUESTION_SIZE && memcmp(seen + 12, question + 12, 13) == 0)"#;
    let made = || {
        run(code)
            .file(
                "resolv.conf",
                "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
            )
            .file("nsswitch.conf", "hosts: dns\n")
            .under(["unshare", "--net", "--mount", "sh", "-c", PREPARE, "sh"])
    };
    silent(made, |_| names());
}

/// What glibc keeps of its RPC for programs that were linked long ago: to be had by its first version only.
const OF_OLD: &str = r#"
    #ifdef __x86_64__
        void *of_old(const char *name) { return dlvsym(dlopen("libc.so.6", RTLD_NOW), name, "GLIBC_2.2.5"); }
    #else
        void *of_old(const char *name) { return dlvsym(dlopen("libc.so.6", RTLD_NOW), name, "GLIBC_2.17"); }
    #endif
        "#;

#[test]
fn a_port_that_libc_opens_inside_itself() {
    // The servers of Sun's RPC; and bindresvport(3) for the superuser, which binds a socket to a port below 1024.
    let allows_none =
        |_: &Run| json!({ "network": { "effect": "prevent", "listen": { "allow": ["1"] } } });
    let code = format!(
        r#"{OF_OLD} void *(*create)(int, unsigned, unsigned) = of_old("svctcp_create"); through(create(-1, 0, 0) != NULL)"#
    );
    silent(|| run(&code), allows_none);
    let code = r#"extern int bindresvport(int, struct sockaddr_in *); through(bindresvport(socket(AF_INET, SOCK_DGRAM, 0), NULL) == 0)"#;
    silent(|| run(code), allows_none);
}

#[test]
fn a_connection_to_a_unix_socket_whose_file_is_denied() {
    let code = r#"struct sockaddr_un at = {AF_UNIX, "socket"}; int l = socket(AF_UNIX, SOCK_STREAM, 0), s = socket(AF_UNIX, SOCK_STREAM, 0);
        if (raw(SYS_bind, l, &at, sizeof at) || raw(SYS_listen, l, 5)) abort(); through(connect(s, (void *)&at, sizeof at) == 0)"#;
    silent(|| run(code), |run| denied_in(run, "socket"));
}

/// Denies what that pattern matches in the folder of that run.
fn denied_in(run: &Run, pattern: &str) -> Value {
    let folder = fs::canonicalize(run.folder()).expect("a folder");
    json!({ "filesystem": { "effect": "prevent", "deny": [folder.join(pattern)] } })
}

#[test]
fn a_database_that_libc_reads_inside_itself() {
    let code = r#"through(getpwuid(0) != NULL)"#;
    silent(
        || run(code),
        |_| json!({ "filesystem": { "effect": "prevent", "deny": ["/etc/passwd"] } }),
    );
    // A catalogue of messages is read from any path.
    let code = r#"nl_catd messages = catopen("./secret.cat", 0); through(messages != (nl_catd)-1 && strcmp(catgets(messages, 1, 1, "none"), "secret") == 0)"#;
    silent(
        || {
            let run = run(code).file("messages", "$set 1\n1 secret\n");
            let made = Command::new("gencat")
                .args(["secret.cat", "messages"])
                .current_dir(run.folder())
                .status();
            assert!(made.expect("gencat").success());
            run
        },
        |run| denied_in(run, "secret.cat"),
    );
}

#[test]
fn a_file_that_libc_makes_inside_itself() {
    // A profile, whose name is the program's to say.
    let code = r#"extern void _mcleanup(void); extern void monstartup(unsigned long, unsigned long); char name[64]; struct stat seen; unsigned long here = (unsigned long)through & -4096;
        setenv("GMON_OUT_PREFIX", "profile", 1); monstartup(here, here + 4096); _mcleanup();
        snprintf(name, sizeof name, "profile.%d", getpid()); through(stat(name, &seen) == 0 && seen.st_size > 0)"#;
    silent(|| run(code), |run| denied_in(run, "profile.*"));
}

#[test]
fn a_socket_of_a_family_without_addresses_of_the_internet() {
    // vsock(7), to the machine that this one is a guest of. Where there is none, it is not we who say so.
    let code = r#"struct sockaddr_vm to = {.svm_family = AF_VSOCK, .svm_port = 1, .svm_cid = VMADDR_CID_HOST}; int s = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(s, (void *)&to, sizeof to); through(errno != EACCES)"#;
    silent(
        || run(code),
        |_| json!({ "network": { "effect": "prevent", "outbound": { "allow": ["192.0.2.1"], "loopback": false } } }),
    );
}

#[test]
fn a_source_route_to_another_host() {
    // ip(7), IP_OPTIONS: the packet goes to the first host of a loose source route (RFC 791 §3.1), whatever the destination is. What leaves is
    // looked at on the loopback of a network of its own.
    let code = r#"if (unshare(CLONE_NEWNET)) abort();
        int s = socket(AF_INET, SOCK_DGRAM, 0), wire = socket(AF_PACKET, SOCK_DGRAM, htons(3 /* ETH_P_ALL */));
        struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP}; if (wire < 0 || ioctl(s, SIOCSIFFLAGS, &up)) abort();
        unsigned char route[] = {IPOPT_LSRR, 7, 4, 127, 66, 66, 66, IPOPT_EOL}, packet[512] = {0};
        if (setsockopt(s, IPPROTO_IP, IP_OPTIONS, route, sizeof route)) abort();
        struct sockaddr_in to = loopback(9); inet_aton("127.1.1.1", &to.sin_addr);
        if (sendto(s, "x", 1, 0, (void *)&to, sizeof to) != 1) abort();
        while (packet[0] >> 4 != 4 || packet[9] != IPPROTO_UDP) if (recv(wire, packet, sizeof packet, 0) < 0) abort();
        through(memcmp(packet + 16, route + 3, 4) == 0)"#;
    silent(
        || run(code),
        |_| json!({ "network": { "effect": "prevent", "outbound": { "allow": ["127.1.1.1"], "loopback": false } } }),
    );
}

#[test]
fn a_packet_of_the_programs_own_making() {
    // raw(7), IP_HDRINCL: the packet's header names another host than the destination that is judged. packet(7) names none at all.
    let code = r#"struct sockaddr_in to = loopback(0); int s = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), in = socket(AF_INET, SOCK_RAW, 253 /* RFC 3692 */);
        struct iphdr packet = {.version = 4, .ihl = 5, .tot_len = htons(20), .ttl = 1, .protocol = 253, .saddr = to.sin_addr.s_addr}, got;
        packet.daddr = inet_addr("127.66.66.66"); inet_aton("127.1.1.1", &to.sin_addr);
        if (in < 0 || sendto(s, &packet, sizeof packet, 0, (void *)&to, sizeof to) != sizeof packet) abort();
        through(recv(in, &got, sizeof got, 0) == sizeof got && got.daddr == packet.daddr)"#;
    silent(
        || run(code),
        |_| json!({ "network": { "effect": "prevent", "outbound": { "allow": ["127.1.1.1"], "loopback": false } } }),
    );
}

#[test]
fn a_program_whose_loader_is_made_to_look_like_glibc_s() {
    let own = fs::read(static_program()).expect("a static program");
    let program = program_with(
        "through(1)",
        &["-O1", "-Wl,--dynamic-linker=./ld-linux-own.so"],
    );
    let code = format!(
        r#"chmod("ld-linux-own.so", 0755); through(RAN(execve("{}", true_words, environ)))"#,
        program.display()
    );
    silent(
        || run(&code).file("ld-linux-own.so", &own),
        |_| programs(&["none"]),
    );
}

#[test]
fn another_root_or_another_mount() {
    // For the superuser, also of a user namespace: a name is what it is for the process (chroot(2), mount(2)).
    let code = r#"char *root = getcwd(NULL, 0); (void)root; if (chroot(".")) abort(); through(open("/secret", O_RDONLY) >= 0)"#;
    silent(|| run(code), secret);
    let code = r#"if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || raw_mkdir("other", 0755) || mount(".", "other", NULL, MS_BIND, NULL)) abort();
        through(open("other/secret", O_RDONLY) >= 0)"#;
    silent(|| run(code), secret);
    // A file without a name (open_by_handle_at(2)). Where the file system has no handles, it is not we who say so.
    let code = r#"struct { struct file_handle handle; char room[MAX_HANDLE_SZ]; } of = {.handle = {.handle_bytes = MAX_HANDLE_SZ}}; int mount, fd = open(".", O_RDONLY | O_DIRECTORY);
        through(name_to_handle_at(AT_FDCWD, "secret", &of.handle, &mount, 0) ? errno == EOPNOTSUPP : open_by_handle_at(fd, &of.handle, O_RDONLY) >= 0)"#;
    silent(|| run(code), secret);
}

#[test]
fn a_tunnel_through_an_allowed_host() {
    // A question to a name server behind a port that is not 53.
    let code = r#"struct sockaddr_in to = loopback(5353); int s = socket(AF_INET, SOCK_DGRAM, 0);
        through(sendto(s, question, QUESTION_SIZE, 0, (void *)&to, sizeof to) == QUESTION_SIZE)"#;
    silent(|| run(code), |_| names());
}

/// Asks a server of the program's own by libc's resolver, and looks for `text` in what has arrived.
fn asks_own_server(ask: &str, text: &str) -> String {
    format!(
        r#"int s = socket(AF_INET, SOCK_DGRAM, 0); struct sockaddr_in server = loopback(0); socklen_t size = sizeof server; char seen[512];
        struct timeval limit = {{20, 0}}; setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (bind(s, (void *)&server, size) || getsockname(s, (void *)&server, &size)) abort();
        pid_t pid = fork();
        if (pid == 0) {{
            unsigned char answer[64]; struct addrinfo *list; (void)answer, (void)list;
            res_init(); _res.nscount = 1, _res.nsaddr_list[0] = server; {ask}; _exit(0);
        }}
        ssize_t n = recv(s, seen, sizeof seen, 0); kill(pid, SIGKILL); waitpid(pid, NULL, 0);
        through(n > 0 && memmem(seen, n, "{text}", sizeof "{text}" - 1) != NULL)"#
    )
}

#[test]
fn a_name_server_that_the_program_puts_into_the_resolver() {
    let sections = |_: &Run| json!({ "network": { "effect": "prevent", "outbound": { "loopback": false, "allow": ["192.0.2.1"] } } });
    for ask in [
        r#"res_send((void *)"\0\1\0\0\0\0\0\0\0\0\0\0secret", 18, answer, sizeof answer)"#,
        r#"res_query("secret", 1, 1, answer, sizeof answer)"#,
        r#"gethostbyname("secret.test")"#,
        r#"getaddrinfo("secret.test", NULL, NULL, &list)"#,
    ] {
        let code = asks_own_server(ask, "secret");
        silent(|| run(&code), sections);
    }
}

#[test]
fn a_domain_that_the_program_puts_into_the_resolver() {
    let ask = r#"_res.dnsrch[0] = "test", _res.dnsrch[1] = NULL; res_search("denied", 1, 1, answer, sizeof answer)"#;
    let code = asks_own_server(ask, r"\6denied\4test");
    silent(|| run(&code), |_| names());
}
