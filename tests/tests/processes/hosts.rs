//! What programs bring along: allocators, limits, filters of their own.

use std::path::PathBuf;

use palisade_tests::{Run, compile, policy, tool};
use serde_json::{Value, json};

use crate::{quiet, run, same, strict};

fn library(name: &str) -> PathBuf {
    let folders = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
    ];
    let found = folders
        .iter()
        .map(|folder| PathBuf::from(folder).join(name));
    found
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is missing: tests/packages/install"))
}

/// Programs that start and end, and what they say.
fn programs() -> [(PathBuf, [String; 2]); 4] {
    let python = Run::new(tool("python3"))
        .args(["-c", "import sys; print(sys.executable)"])
        .without_library()
        .go();
    let code = |code: &str| ["-c".to_owned(), code.to_owned()];
    let expression = |code: &str| ["-e".to_owned(), code.to_owned()];
    [
        (
            python.text().trim().into(),
            code(
                "import subprocess, threading; [threading.Thread(target=list, args=(range(9999),)).start() for n in range(9)]; print(subprocess.run(['echo', 'ran']))",
            ),
        ),
        (
            tool("node"),
            expression("console.log(require('child_process').spawnSync('/bin/ls', ['/']).status)"),
        ),
        (
            tool("ruby"),
            expression(
                "puts `/bin/ls /`.lines.size; Thread.new { puts File.read('/proc/self/comm') }.join",
            ),
        ),
        (
            PathBuf::from("/bin/sh"),
            code("echo $(cat /proc/self/comm)"),
        ),
    ]
}

#[test]
fn programs_run_with_another_allocator_before_and_behind_the_library() {
    for name in [
        "libjemalloc.so.2",
        "libtcmalloc_minimal.so.4",
        "libmimalloc.so.2",
    ] {
        let allocator = library(name);
        for (program, arguments) in programs() {
            let make = || Run::new(&program).args(&arguments);
            let natural = make().preload_behind(&allocator).without_library().go();
            assert_eq!(natural.code(), 0, "{name} {}", natural.story());
            for effect in ["alert", "prevent"] {
                let orders: [fn(Run, &PathBuf) -> Run; 2] = [
                    |run, lib| run.preload_behind(lib),
                    |run, lib| run.preload_before(lib),
                ];
                for order in orders {
                    let ours = order(make(), &allocator).policy(&quiet(effect)).go();
                    let what = format!("{name} {} {effect} {}", program.display(), ours.story());
                    assert_eq!(
                        (ours.code(), ours.text()),
                        (natural.code(), natural.text()),
                        "{what}"
                    );
                    assert_eq!(ours.errors(), natural.errors(), "{what}");
                    assert_eq!(ours.audits().len(), 0, "{what}");
                }
            }
        }
    }
}

#[test]
fn every_call_is_refused_with_another_allocator_before_and_behind_the_library() {
    for name in [
        "libjemalloc.so.2",
        "libtcmalloc_minimal.so.4",
        "libmimalloc.so.2",
    ] {
        let allocator = library(name);
        for is_before in [false, true] {
            let run = run(r#"free(malloc(99)); printf("refused %d\n", refused())"#);
            let rules = strict("prevent", &run);
            let run = if is_before {
                run.preload_before(&allocator)
            } else {
                run.preload_behind(&allocator)
            };
            let ours = run.policy(&rules).go();
            assert_eq!(ours.text(), "refused 0\n", "{name} {}", ours.story());
        }
    }
}

#[test]
fn the_program_s_heap_begins_as_it_would_without_the_library() {
    same(
        r#"struct mallinfo2 heap = mallinfo2();
        char line[99];
        write(1, line, snprintf(line, sizeof line, "%zu bytes, %zu in use\n", heap.arena + heap.hblkhd, heap.uordblks))"#,
    );
}

#[test]
fn a_stack_limit_of_64_kib_is_enough() {
    let limited =
        |program: Run| program.under(["/bin/sh", "-c", "ulimit -s 64; exec \"$@\"", "sh"]);
    let make = || limited(run(r#"printf("refused %d\n", refused())"#));
    let with = make();
    let rules = strict("prevent", &with);
    let with = with.policy(&rules).go();
    assert_eq!(with.text(), "refused 0\n", "{}", with.story());
    // An argument of what is left, refused and passed on.
    let words = r#"static char word[20000]; memset(word, 'y', sizeof word - 1); char *words[] = {"echo", word, NULL};
        if (fork() == 0) { execv("/bin/echo", words); printf("refused %d\n", errno); _exit(0); } wait(NULL)"#;
    let make = || limited(run(words));
    let with = make();
    let rules = strict("prevent", &with);
    let with = with.policy(&rules).go();
    assert_eq!(with.text(), "refused 13\n", "{}", with.story());
    let natural = make().without_library().go();
    assert_eq!(natural.text().len(), 20000, "{}", natural.story());
    let ours = make().policy(&quiet("prevent")).go();
    assert_eq!(ours.text(), natural.text(), "{}", ours.errors());
}

#[test]
fn an_environment_of_2_mib_is_passed_on() {
    // The limit is a quarter of the stack's (execve(2)).
    same(
        r#"if (count > 1) { int n = 0; long bytes = 0; for (char **e = environ; *e; e++) if (e[0][0] == 'V') n++, bytes += strlen(*e); printf("%d %ld\n", n, bytes); return 0; }
           struct rlimit large = {64 << 20, 64 << 20}; if (setrlimit(RLIMIT_STACK, &large)) { getrlimit(RLIMIT_STACK, &large); large.rlim_cur = large.rlim_max; setrlimit(RLIMIT_STACK, &large); }
           static char *made[40]; int n = 0;
           for (; n < 20; n++) { char *v = made[n] = malloc(110001); memset(v, 'x', 110000); sprintf(v, "V%02d", n); v[3] = '='; v[110000] = 0; }
           made[n] = NULL; char *words[] = {"program", "child", NULL}; execve("/proc/self/exe", words, made); perror("execve")"#,
    );
}

#[test]
fn a_program_that_lets_itself_make_few_system_calls_is_not_killed_for_another() {
    // As file(1) and sshd(8) do: what is not on the list is the end. The list has what the program does by itself.
    let filter = |more: &str| {
        format!(
            r#"
    #include <errno.h>
    #include <linux/filter.h>
    #include <linux/seccomp.h>
    #include <netinet/in.h>
    #include <spawn.h>
    #include <stddef.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <sys/mman.h>
    #include <sys/prctl.h>
    #include <sys/socket.h>
    #include <sys/syscall.h>
    #include <sys/uio.h>
    #include <fcntl.h>
    #include <unistd.h>
    int main(void) {{
        int s = socket(AF_INET, SOCK_DGRAM, 0);
        struct sockaddr_in *heap = malloc(sizeof *heap), *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        long allowed[] = {{SYS_read, SYS_write, SYS_close, SYS_exit_group, SYS_connect, SYS_sendto, SYS_sendmsg, SYS_bind, SYS_execve, {more}}};
        struct sock_filter code[60] = {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))}};
        int n = 1;
        for (unsigned i = 0; i < sizeof allowed / sizeof *allowed; i++) {{
            code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
            code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        }}
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        struct sock_fprog program = {{n, code}};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 9;
        struct sockaddr_in to = {{AF_INET, htons(7), {{htonl(INADDR_LOOPBACK)}}}}, here = {{AF_INET, htons(0), {{htonl(INADDR_LOOPBACK)}}}};
        struct iovec v = {{"x", 1}}; struct msghdr m = {{&to, sizeof to, &v, 1}};
        int told = bind(s, (void *)&here, sizeof here) == 0;
        told += sendto(s, "x", 1, 0, (void *)&to, sizeof to) == 1;
        told += sendmsg(s, &m, 0) == 1 || errno == ECONNREFUSED;
        *heap = *mapped = to; (void)mapped;
        told += sendto(s, "x", 1, 0, (void *)heap, sizeof *heap) == 1 || errno == ECONNREFUSED;
        told += connect(s, (void *)&to, sizeof to) == 0;
        BODY
        char line[] = "0 done\n"; line[0] += told;
        if (write(1, line, 7) != 7) return 8;
        _exit(0);
    }}"#
        )
    };
    let go = |source: &str, sections: Option<Value>| {
        let run = Run::new(compile(source, &["-O1"]));
        match sections {
            Some(sections) => run.policy(&policy(sections)).go(),
            None => run.without_library().go(),
        }
    };
    let network = json!({ "effect": "prevent", "outbound": { "deny": ["203.0.113.9"] }, "listen": { "deny": [9] } });
    let names = json!({ "effect": "prevent", "deny": ["denied.test"] });
    // What is sent and reached is judged without a look at anything else.
    let source = filter("SYS_getpid").replace("BODY", "");
    let natural = go(&source, None);
    assert_eq!(natural.text(), "5 done\n", "{}", natural.story());
    let ours = go(&source, Some(json!({ "network": network, "dns": names })));
    assert_eq!(
        (ours.code(), ours.text()),
        (0, natural.text()),
        "{}",
        ours.story()
    );
    // Memory that neither is the program's nor its stack or heap may not be there: the kernel is asked, by a call of libc's own.
    let source = filter("SYS_rt_sigprocmask").replace(
        "BODY",
        "told += connect(s, (void *)mapped, sizeof *mapped) == 0;",
    );
    let ours = go(&source, Some(json!({ "network": network, "dns": names })));
    assert_eq!(
        (ours.code(), ours.text().as_str()),
        (0, "6 done\n"),
        "{}",
        ours.story()
    );
    // So is everything, where files and programs are not judged.
    let files = r#"told += open("/dev/null", O_RDONLY) >= 0; char *words[] = {"such", NULL}; told += execve("/none/such", words, words + 1) == -1;"#;
    let source = filter("SYS_openat, SYS_open")
        .replace("BODY", files)
        .replace("SYS_open}", "2}");
    let natural = go(&source, None);
    assert_eq!(natural.text(), "7 done\n", "{}", natural.story());
    let ours = go(&source, Some(json!({ "network": network, "dns": names })));
    assert_eq!(
        (ours.code(), ours.text()),
        (0, natural.text()),
        "{}",
        ours.story()
    );
    // A file is looked at by these calls, and by no others.
    let source =
        filter("SYS_openat, SYS_openat2, SYS_readlinkat, SYS_newfstatat, SYS_fstat, SYS_getcwd")
            .replace("BODY", files);
    let files = json!({ "effect": "prevent", "deny": ["/none/other"] });
    let ours = go(
        &source,
        Some(json!({ "filesystem": files, "network": network })),
    );
    assert_eq!(
        (ours.code(), ours.text()),
        (0, natural.text()),
        "{}",
        ours.story()
    );
}

#[test]
fn streams_that_are_no_files_are_what_they_are() {
    same(
        r#"char text[] = "hello", room[9] = "", *made; size_t size; FILE *memory = fmemopen(text, 5, "r"), *grows = open_memstream(&made, &size);
           printf("%d %s\n", fread(room, 1, 5, memory) == 5, room); fputs("and more", grows); printf("%d ", fclose(grows)); printf("%s %zu\n", made, size);
           printf("%d\n", fclose(memory));
           FILE *pipe = popen("read line; echo got $line >&2; exit 3", "w"); fputs("a line\n", pipe); printf("%d\n", pclose(pipe));
           memory = fmemopen(text, 5, "r"); printf("%d\n", freopen("/dev/null", "r", memory) != NULL);
           FILE *null = fopen("/dev/null", "r"); printf("%d\n", freopen(NULL, "r", null) == null); printf("%d %d\n", fclose(null), fclose(tmpfile()))"#,
    );
}

#[test]
fn fifty_threads_and_a_child_that_runs_a_program_never_hang() {
    let code = r#"static volatile int stop; void *run(void *n) { while (!stop) { hammer(); usleep(500); } return NULL; }
        pthread_t threads[50]; for (long i = 0; i < 50; i++) if (pthread_create(&threads[i], NULL, run, (void *)i)) abort();
        char *words[] = {"true", NULL}, *echo[] = {"echo", "ran", NULL}; int bad = 0;
        for (int i = 0; i < 200; i++) {
            pid_t child = i % 2 ? vfork() : fork(); int status;
            if (child == 0) { execv(i % 4 < 2 ? "/bin/true" : "/bin/echo", i % 4 < 2 ? words : echo); _exit(errno); }
            if (waitpid(child, &status, 0) != child) abort();
            bad += i % 4 < 2 ? status != 0 : WEXITSTATUS(status) != EACCES;
        }
        stop = 1; for (int i = 0; i < 50; i++) pthread_join(threads[i], NULL);
        printf("refused %d\n", bad)"#;
    let with = run(code).within(120);
    let rules = strict("prevent", &with);
    let with = with.policy(&rules).go();
    assert_eq!(
        (with.code(), &*with.text()),
        (0, "refused 0\n"),
        "{}",
        with.errors()
    );
    assert_eq!(with.audits().len(), 100);
}

#[test]
fn a_ruby_fiber_has_stack_enough() {
    let code = r#"
        require 'socket'
        said = Fiber.new do
            tries = [
                -> { File.read('secret') }, -> { TCPSocket.new('127.0.0.1', 9) }, -> { TCPServer.new('127.0.0.1', 9) },
                -> { Addrinfo.getaddrinfo('denied.test', 80) }, -> { spawn('/bin/echo', 'ran') }, -> { exec('/bin/echo', 'ran') }, -> { `echo` },
            ]
            tries.map { |try| begin; try.call; 'through'; rescue SystemCallError, SocketError => e; e.class.name; end }
        end.resume
        puts said.join(' ')"#;
    let run = Run::new(tool("ruby"))
        .args(["-e", code])
        .file("secret", "secret");
    let rules = strict("prevent", &run);
    let ours = run.policy(&rules).go();
    let refused = "Errno::EACCES";
    let expected = [
        refused,
        refused,
        refused,
        "SocketError",
        refused,
        refused,
        refused,
    ]
    .join(" ");
    assert_eq!(ours.text().trim(), expected, "{}", ours.story());
}

#[test]
fn a_perl_program_hands_its_children_the_environment_of_the_moment() {
    let code = r#"{ local $ENV{SHORT} = "\xff\xfe"; local $ENV{LATE} = 2; system("env"); exec { "/usr/bin/env" } "env" if !fork; wait; } print `env`; exec "/usr/bin/env""#;
    let make = || {
        Run::new(tool("perl"))
            .args(["-e", code])
            .env("EARLY", "1")
            .env("LATE", "1")
    };
    let seen = |outcome: palisade_tests::Outcome| {
        let mut lines: Vec<Vec<u8>> = outcome
            .stdout
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        lines.retain(|line| {
            !line.starts_with(b"PALISADE_")
                && !line.starts_with(b"LD_PRELOAD=")
                && !line.starts_with(b"_=")
        });
        (outcome.code(), lines)
    };
    let natural = seen(make().without_library().go());
    assert!(
        natural.1.contains(&b"SHORT=\xff\xfe".to_vec()),
        "{natural:?}"
    );
    for effect in ["alert", "prevent"] {
        assert_eq!(seen(make().policy(&quiet(effect)).go()), natural);
    }
}

#[test]
fn libc_run_as_a_program_says_which_it_is() {
    let libc = palisade_tests::libc();
    let natural = Run::new(&libc).without_library().go();
    assert!(
        natural.text().contains("stable release"),
        "{}",
        natural.story()
    );
    for effect in ["alert", "prevent"] {
        let ours = Run::new(&libc).policy(&quiet(effect)).go();
        assert_eq!(
            (ours.code(), ours.text(), ours.errors()),
            (natural.code(), natural.text(), natural.errors())
        );
        let shell = || Run::new("/bin/sh").args(["-c", &format!("{} | head -1", libc.display())]);
        let (ours, natural) = (
            shell().policy(&quiet(effect)).go(),
            shell().without_library().go(),
        );
        assert_eq!(
            (ours.code(), ours.text(), ours.errors()),
            (natural.code(), natural.text(), natural.errors())
        );
    }
}

#[test]
fn an_alternate_stack_of_the_least_size_is_enough_where_files_and_programs_are_not_judged() {
    // AT_MINSIGSTKSZ is what the kernel writes there by itself; libc's own calls take some of the rest.
    let code = r#"static volatile int result; void handler(int signal) {
            struct sockaddr_in nine = {AF_INET, htons(9), {htonl(INADDR_LOOPBACK)}}; int s = socket(AF_INET, SOCK_STREAM, 0);
            result = connect(s, (void *)&nine, sizeof nine); close(s);
            int fd = open("secret", O_RDONLY); result = fd < 0 ? 77 : write(1, "in the handler\n", 15); close(fd);
        }
        size_t size = sysconf(_SC_MINSIGSTKSZ) + 2048; size_t whole = (size + 4095) / 4096 * 4096 + 4096;
        char *memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); mprotect(memory, 4096, PROT_NONE);
        memset(memory + 4096, 'c', whole - 4096 - size);
        stack_t stack = {.ss_sp = memory + whole - size, .ss_size = size}; sigaltstack(&stack, NULL);
        struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK}; sigaction(SIGUSR1, &action, NULL);
        // The loader binds each function at its first call, on whatever stack that is.
        hammer(); if (write(1, "", 0)) abort();
        raise(SIGUSR1);
        int below = 0; for (char *c = memory + 4096; c < memory + whole - size; c++) below |= *c != 'c';
        printf("%d %d\n", result, below)"#;
    let network = json!({ "effect": "prevent", "outbound": { "deny": ["203.0.113.9"] }, "listen": { "deny": [9] } });
    let natural = run(code).without_library().go();
    assert_eq!(
        natural.text(),
        "in the handler\n15 0\n",
        "{}",
        natural.story()
    );
    for sections in [json!({}), json!({ "network": network })] {
        let ours = run(code).policy(&policy(sections)).go();
        assert_eq!(
            (ours.code(), ours.text()),
            (natural.code(), natural.text()),
            "{}",
            ours.story()
        );
    }
}

#[test]
fn a_library_that_wraps_a_function_under_a_version_of_its_own_is_not_called_for_it() {
    // cp(1) is linked to libattr, whose setxattr calls libc's: by way of ours, which must not call libattr's.
    for words in [
        &["cp", "-a", "folder", "copy"][..],
        &["install", "-m", "711", "folder/file", "copy"],
    ] {
        let make = || {
            let run = Run::new(tool(words[0])).args(&words[1..]);
            std::fs::create_dir(run.folder().join("folder")).expect("a folder");
            std::fs::write(run.folder().join("folder/file"), "content").expect("a file");
            run
        };
        let natural = make().without_library().go();
        assert_eq!(natural.code(), 0, "the control: {}", natural.story());
        let rules = policy(json!({ "filesystem": { "effect": "prevent", "deny": ["/none/**"] } }));
        let ours = make().policy(&rules).go();
        assert_eq!(
            (ours.code(), ours.audits().len()),
            (0, 0),
            "{}",
            ours.story()
        );
    }
}

#[test]
fn flags_that_the_kernel_refuses_are_refused_whatever_the_name() {
    same(
        r#"char longest[4100]; memset(longest, 'x', 4099), longest[4099] = 0; for (int i = 200; i < 4099; i += 200) longest[i] = '/';
        const char *names[] = {"secret", "none", "none/such", "secret/below", "", ".", longest}; enum { TEMPORARY = 020000000 };
        int flags[] = {TEMPORARY, TEMPORARY | O_DIRECTORY, TEMPORARY | O_WRONLY, TEMPORARY | O_DIRECTORY | O_RDWR, TEMPORARY | O_DIRECTORY | O_CREAT | O_RDWR,
            O_CREAT | O_DIRECTORY, O_CREAT | O_DIRECTORY | O_WRONLY, O_CREAT | O_DIRECTORY | O_EXCL, O_CREAT | O_PATH, O_CREAT | O_PATH | O_DIRECTORY, 3, O_DIRECTORY | O_TRUNC};
        for (int n = 0; n < 7; n++) for (unsigned f = 0; f < sizeof flags / sizeof *flags; f++) {
            errno = 0; int fd = open(names[n], flags[f], 0600); printf("%.9s %o %d %d\n", names[n], flags[f], fd >= 0, errno); close(fd);
        }"#,
    );
}

#[test]
fn a_program_with_a_loaders_function_of_its_own_is_not_called_for_it() {
    // As the runtime of ThreadSanitizer: its function is good for nothing until `dlsym` has answered, which it asks before any constructor has run.
    let source = r#"
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stddef.h>
        #include <stdio.h>
        #include <unistd.h>
        static int (*next)(void *, void *), (*next_open)(const char *, int, ...);
        int dl_iterate_phdr(void *visit, void *data) { return next(visit, data); }
        static void first(void) {
            next_open = dlsym(RTLD_NEXT, "open"); next = dlsym(RTLD_NEXT, "dl_iterate_phdr");
        }
        __attribute__((section(".preinit_array"), used)) static void (*preinit)(void) = first;
        int main(void) {
            next = NULL;
            int fd = next_open("/proc/self/comm", O_RDONLY); printf("%d %d\n", fd > 2, dlsym(RTLD_DEFAULT, "open") != NULL); close(fd);
            return dlsym(RTLD_NEXT, "nothing") != NULL;
        }
    "#;
    let program = palisade_tests::compile(source, &["-rdynamic"]);
    let natural = Run::new(&program).without_library().go();
    assert_eq!(
        (natural.code(), natural.text()),
        (0, "1 1\n".into()),
        "the control: {}",
        natural.story()
    );
    let rules = policy(json!({ "filesystem": { "effect": "prevent", "deny": ["/none/**"] } }));
    let ours = Run::new(&program).policy(&rules).go();
    assert_eq!(
        (ours.code(), ours.text(), ours.audits().len()),
        (0, "1 1\n".into(), 0),
        "{}",
        ours.story()
    );
}
