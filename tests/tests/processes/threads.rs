//! Threads, forks, stacks and signals.

use std::sync::{Mutex, PoisonError};

use palisade_tests::{Run, policy};
use serde_json::json;

use crate::{run, same, strict};

/// Runs `code` with everything denied that `refused()` tries, and `lines` records of it.
fn defended(code: &str, lines: usize) {
    let make = || run(code);
    let with = make();
    let rules = strict("prevent", &with);
    let with = with.policy(&rules).go();
    assert_eq!(
        (with.code(), &*with.text()),
        (0, "refused 0\n"),
        "{}",
        with.story()
    );
    assert_eq!(with.audits().len(), lines, "{}", with.story());
}

/// connect, bind, open, getaddrinfo, posix_spawn, execve, fopen.
const CALLS: usize = 7;

#[test]
fn every_call_is_refused_on_the_main_thread() {
    defended(r#"printf("refused %d\n", refused())"#, CALLS);
}

#[test]
fn every_call_is_refused_on_a_stack_of_16_kib() {
    defended(
        r#"void *run(void *unused) { return (void *)(long)refused(); }
           pthread_t thread; pthread_attr_t attributes; void *result;
           pthread_attr_init(&attributes);
           if (pthread_attr_setstacksize(&attributes, 16384)) abort();
           pthread_create(&thread, &attributes, run, NULL); pthread_join(thread, &result);
           printf("refused %ld\n", (long)result)"#,
        CALLS,
    );
}

#[test]
fn every_call_is_refused_on_a_stack_of_16_kib_with_a_large_environment() {
    defended(
        r#"for (int i = 0; i < 500; i++) { char name[20]; snprintf(name, sizeof name, "V%d", i); setenv(name, "x", 1); }
           unsetenv("LD_PRELOAD");
           void *run(void *unused) { return (void *)(long)refused(); }
           pthread_t thread; pthread_attr_t attributes; void *result;
           pthread_attr_init(&attributes);
           if (pthread_attr_setstacksize(&attributes, 16384)) abort();
           pthread_create(&thread, &attributes, run, NULL); pthread_join(thread, &result);
           printf("refused %ld\n", (long)result)"#,
        CALLS,
    );
}

#[test]
fn a_child_is_started_from_a_stack_of_16_kib_whatever_its_environment() {
    same(
        r#"void *run(void *unused) {
               static char *made[900], *words[] = {"true", NULL}; pid_t pid; int status, n = 0;
               for (; n < 890; n++) made[n] = "A=1";
               for (int size = 0; size <= 890; size += 89) {
                   made[890 - size] = NULL;
                   if (posix_spawn(&pid, "/bin/true", NULL, NULL, words, made) || waitpid(pid, &status, 0) != pid || status) abort();
               }
               return NULL;
           }
           pthread_t thread; pthread_attr_t attributes; pthread_attr_init(&attributes);
           if (pthread_attr_setstacksize(&attributes, 16384)) abort();
           pthread_create(&thread, &attributes, run, NULL); pthread_join(thread, NULL); puts("done")"#,
    );
}

#[test]
fn every_call_is_refused_in_a_signal_handler_on_a_stack_of_its_own() {
    defended(
        r#"static volatile int result; void handler(int signal) { int e = errno; result = refused(); errno = e; }
           stack_t stack = {.ss_size = 24576}; stack.ss_sp = mmap(NULL, 28672, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
           mprotect(stack.ss_sp, 4096, PROT_NONE); stack.ss_sp = (char *)stack.ss_sp + 4096;
           sigaltstack(&stack, NULL);
           struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
           sigaction(SIGUSR1, &action, NULL); raise(SIGUSR1); printf("refused %d\n", result)"#,
        CALLS,
    );
}

#[test]
fn every_call_is_refused_in_a_forked_child() {
    defended(
        r#"int status; if (fork() == 0) _exit(refused()); wait(&status); printf("refused %d\n", status)"#,
        CALLS,
    );
}

#[test]
fn every_call_is_refused_in_a_vfork_child_and_its_parent_is_whole() {
    defended(
        r#"volatile long canary[64]; for (int i = 0; i < 64; i++) canary[i] = i; int status, bad = 0;
           if (vfork() == 0) _exit(refused()); wait(&status);
           for (int i = 0; i < 64; i++) bad |= canary[i] != i;
           printf("refused %d\n", status | bad | refused())"#,
        2 * CALLS,
    );
}

#[test]
fn every_call_is_refused_after_all_descriptors_were_closed() {
    defended(
        r#"int out = fcntl(1, F_DUPFD, 900); close_range(3, 899, 0); close(0); close(1); close(2);
           int result = refused();
           int first = open("/dev/null", O_RDWR), second = open("file", O_RDWR | O_CREAT, 0600); struct stat stat;
           fstat(second, &stat); result |= stat.st_size != 0 || first != 0 || second != 1;
           dprintf(out, "refused %d\n", result)"#,
        CALLS,
    );
}

#[test]
fn every_call_is_refused_without_an_address_space_to_spare() {
    defended(
        r#"struct rlimit none = {0, RLIM_INFINITY}; getrlimit(RLIMIT_AS, &none); none.rlim_cur = 1 << 20; setrlimit(RLIMIT_AS, &none);
           printf("refused %d\n", refused())"#,
        CALLS,
    );
}

/// Forks 2,000 times while eight threads hammer the hooks; `closing` is how each gets rid of its descriptors. The number of
/// lines under each effect.
fn storm(closing: &str) -> [usize; 2] {
    // One at a time: two of them leave no machine to either.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    ["prevent", "alert"].map(|effect| {
        let with = run(
            &r#"static volatile int stop; void *run(void *n) {
                   char *words[] = {"true", NULL};
                   for (long i = 0; !stop; i++) {
                       hammer(); int pin = open("secret", O_RDONLY | O_CLOEXEC | O_PATH); (void)pin;
                       if ((long)n == 0 && i % 64 == 0) { pid_t pid; if (posix_spawn(&pid, "/bin/true", NULL, NULL, words, environ) == 0) waitpid(pid, NULL, 0); }
                       CLOSING; usleep(200);
                   }
                   return NULL;
               }
               pthread_t threads[8]; int bad = 0;
               for (long i = 0; i < 8; i++) pthread_create(&threads[i], NULL, run, (void *)i);
               for (int i = 0; i < 2000; i++) {
                   pid_t child = fork(); int status;
                   if (child == 0) { int fd = open("secret", O_RDONLY); _exit(fd < 0 && errno == EACCES ? 0 : fd >= 0 ? 1 : 2); }
                   if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) abort();
                   bad += WEXITSTATUS(status);
               }
               stop = 1; for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
               printf("forked, %d\n", bad)"#
                .replace("CLOSING", closing),
        )
        .within(120);
        let rules = strict(effect, &with);
        let with = with.policy(&rules).go();
        let expected = if effect == "prevent" {
            "forked, 0\n"
        } else {
            "forked, 2000\n"
        };
        assert_eq!(
            (with.code(), &*with.text()),
            (0, expected),
            "{effect} {}",
            with.errors()
        );
        let audits = with.audits();
        let odd: Vec<_> = audits
            .iter()
            .filter(|audit| !audit.path.as_deref().is_some_and(|path| path.ends_with("/secret")))
            .collect();
        assert!(odd.is_empty(), "{effect}: {odd:?}");
        audits.len()
    })
}

#[test]
fn a_fork_storm_in_a_hammered_process_never_hangs() {
    assert_eq!(storm("close(pin)"), [2000, 2000]);
}

#[test]
fn a_fork_storm_in_a_process_that_closes_everything_never_hangs_and_makes_nobody_an_attacker() {
    assert_eq!(storm("close_range(3, ~0u, 0)"), [2000, 2000]);
}

#[test]
fn a_program_is_taken_for_what_it_is_while_threads_start_it_and_close_everything() {
    // Where one's descriptor of it was closed, another's may have got the number.
    let with = run(r#"static volatile int stop; static int bad;
           void *run(void *unused) {
               char *words[] = {"true", NULL};
               for (int i = 0; i < 1000; i++) { pid_t pid; if (posix_spawn(&pid, "/bin/true", NULL, NULL, words, environ) || waitpid(pid, NULL, 0) != pid) __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED); }
               return NULL;
           }
           void *close_everything(void *unused) { while (!stop) close_range(3, ~0u, 0), usleep(1); return NULL; }
           pthread_t threads[4], closer; pthread_create(&closer, NULL, close_everything, NULL);
           for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, run, NULL);
           for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
           stop = 1; pthread_join(closer, NULL); printf("%d\n", bad)"#);
    let rules = strict("prevent", &with);
    let with = with.policy(&rules).go();
    assert_eq!(with.text(), "0\n", "{}", with.story());
    assert_eq!(with.audits().len(), 0, "{}", with.story());
}

#[test]
fn a_process_that_leaves_its_first_thread_ends_with_its_last() {
    same(
        r#"void *nap(void *unused) { usleep(50000); puts("last"); return NULL; }
            pthread_t thread; pthread_create(&thread, NULL, nap, NULL); puts("first"); pthread_exit(NULL)"#,
    );
}

#[test]
fn a_thread_in_a_blocking_open_can_be_cancelled() {
    same(
        r#"void *wait_for_writer(void *unused) { open("pipe", O_RDONLY); return NULL; }
            mkfifo("pipe", 0600); pthread_t thread; void *result; struct timespec end;
            pthread_create(&thread, NULL, wait_for_writer, NULL); usleep(50000); pthread_cancel(thread);
            clock_gettime(CLOCK_REALTIME, &end); end.tv_sec += 3;
            int error = pthread_timedjoin_np(thread, &result, &end);
            printf("%s\n", error ? "stuck" : result == PTHREAD_CANCELED ? "cancelled" : "returned"); fflush(stdout); _exit(0)"#,
    );
}

#[test]
fn what_is_no_cancellation_point_ends_no_thread_that_is_to_be_cancelled() {
    // opendir(3) opens like open(2), which is one; and what glibc has for its own libraries is there to be none.
    same(
        r#"void *list(void *name) {
                pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL); pthread_cancel(pthread_self());
                pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
                opendir(name); pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL); return name;
            }
            void *open_privately(void *name) {
                long (*of_libc)(long, const char *, int) = dlsym(dlopen("libc.so.6", RTLD_NOW), name); if (!of_libc) return name;
                pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL); pthread_cancel(pthread_self());
                pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
                long done = strstr(name, "open") ? of_libc((long)"link", (char *)O_RDONLY, 0) : of_libc(1, "", 0);
                pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL); return done < 0 ? NULL : name;
            }
            symlink("/tmp", "link");
            char *names[] = {"/tmp", ".", "link", "/proc/self/fd", "/never/there", "none", ""};
            for (int i = 0; i < 7; i++) {
                pthread_t thread; void *result;
                pthread_create(&thread, NULL, list, names[i]); pthread_join(thread, &result);
                printf("%d %d\n", i, result == PTHREAD_CANCELED);
            }
            char *private[] = {"__open_nocancel", "__open64_nocancel", "__write_nocancel", "__read_nocancel"};
            for (int i = 0; i < 4; i++) {
                pthread_t thread; void *result;
                pthread_create(&thread, NULL, open_privately, private[i]); pthread_join(thread, &result);
                printf("%s %d %d\n", private[i], result == PTHREAD_CANCELED, result == private[i]);
            }"#,
    );
}

#[test]
fn a_thread_in_a_blocking_connect_can_be_cancelled_and_cleans_up() {
    // A listener whose queue is full: the next connection waits.
    same(
        r#"static struct sockaddr_in port = {AF_INET}; port.sin_addr.s_addr = htonl(INADDR_LOOPBACK); socklen_t size = sizeof port;
            int listener = socket(AF_INET, SOCK_STREAM, 0); bind(listener, (void *)&port, size); listen(listener, 0);
            getsockname(listener, (void *)&port, &size);
            for (int i = 0; i < 4; i++) connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (void *)&port, size);
            void clean(void *unused) { puts("cleaned"); }
            void *wait_for_room(void *unused) {
                pthread_cleanup_push(clean, NULL);
                connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&port, sizeof port);
                pthread_cleanup_pop(0); return NULL;
            }
            pthread_t thread; void *result; struct timespec end;
            pthread_create(&thread, NULL, wait_for_room, NULL); usleep(50000); pthread_cancel(thread);
            clock_gettime(CLOCK_REALTIME, &end); end.tv_sec += 3;
            int error = pthread_timedjoin_np(thread, &result, &end);
            printf("%s\n", error ? "stuck" : result == PTHREAD_CANCELED ? "cancelled" : "returned"); fflush(stdout); _exit(0)"#,
    );
}

#[test]
fn errno_is_zero_when_main_begins() {
    same(r#"printf("%d\n", at_main)"#);
    let broken = run(r#"printf("%d\n", at_main)"#)
        .env("PALISADE_POLICY", "{")
        .env("PALISADE_ON_ERROR", "open")
        .go();
    assert_eq!(broken.text(), "0\n", "{}", broken.story());
}

#[test]
fn hundred_thousand_arguments_are_passed_on() {
    same(
        r#"if (count > 1) { printf("%d\n", count); return 0; }
            static char *words[100001]; for (int i = 0; i < 100000; i++) words[i] = "x"; execv("/proc/self/exe", words)"#,
    );
}

#[test]
fn hundred_thousand_arguments_are_refused_with_one_line() {
    let make = || {
        run(
            r#"struct rlimit small = {65536, RLIM_INFINITY}; (void)small;
               static char *words[100001]; for (int i = 0; i < 100000; i++) words[i] = i ? "x" : "echo";
               execv("/bin/echo", words); printf("refused %d\n", errno)"#,
        )
    };
    let with = make();
    let rules = strict("prevent", &with);
    let with = with.policy(&rules).go();
    assert_eq!(with.text(), "refused 13\n", "{}", with.story());
    let audit = with.audit();
    assert!(audit.truncated.contains(&"command".to_owned()), "{audit:?}");
    assert!(
        audit
            .command
            .is_some_and(|command| command.starts_with("echo x x x"))
    );
    let natural = make().without_library().go();
    assert!(natural.text().starts_with("x x x"), "the control");
}

#[test]
fn an_argument_of_128_kib_is_passed_on() {
    same(
        r#"if (count > 1) { printf("%zu\n", strlen(arguments[1])); return 0; }
            char *long_one = malloc(131072); memset(long_one, 'y', 131071); long_one[131071] = 0;
            char *words[] = {"program", long_one, NULL}; execv("/proc/self/exe", words)"#,
    );
}

#[test]
fn the_main_process_may_start_itself_again_and_stays_the_main_process() {
    let main_only = || policy(json!({ "processes": { "effect": "prevent", "main_only": true } }));
    let code = r#"char *again[] = {"program", "again", NULL}, *echo[] = {"echo", "ran", NULL};
        if (count == 1) { execv("/proc/self/exe", again); puts("not even once"); return 1; }
        if (strcmp(arguments[1], "again") == 0) { again[1] = "last"; execve("/proc/self/exe", again, NULL); puts("only once"); return 1; }
        if (fork() == 0) { execv("/proc/self/exe", again); printf("child %d\n", errno); return 0; }
        wait(NULL); execv("/bin/echo", echo); printf("other %d\n", errno)"#;
    let with = run(code).policy(&main_only()).go();
    assert_eq!(with.text(), "child 13\nother 13\n", "{}", with.story());
    let audits = with.audits();
    assert_eq!(audits.len(), 2, "{}", with.story());
    assert!(
        audits
            .iter()
            .all(|audit| audit.attack == "unexpected-process"),
        "{audits:?}"
    );
    assert_eq!(audits[1].pid, with.id);
}

#[test]
fn a_malloc_that_opens_a_file_on_its_first_use_does_no_harm() {
    let malloc = palisade_tests::compile(
        r#"
        #include <dlfcn.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <stddef.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        static char *place, *end; static int inside;
        static void first(void) {
            if (inside++) _exit(111); /* a hook has allocated */
            char settings[64]; int fd = open("/proc/self/comm", O_RDONLY);
            if (fd < 0 || read(fd, settings, sizeof settings) <= 0) _exit(112);
            close(fd);
            place = mmap(NULL, 1 << 28, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            end = place + (1 << 28);
        }
        void *malloc(size_t size) {
            if (!place) first();
            char *given = __atomic_fetch_add(&place, (size + 31) & ~15ul, __ATOMIC_RELAXED);
            if (given + size + 32 > end) { errno = ENOMEM; return NULL; }
            *(size_t *)given = size;
            return given + 16;
        }
        void free(void *memory) {}
        void *calloc(size_t count, size_t size) { return malloc(count * size); }
        void *realloc(void *memory, size_t size) {
            void *more = malloc(size);
            if (more && memory) { size_t old = ((size_t *)memory)[-2]; memcpy(more, memory, old < size ? old : size); }
            return more;
        }
        void *memalign(size_t alignment, size_t size) { return (void *)(((size_t)malloc(size + alignment) + alignment - 1) & -alignment); }
        void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
        int posix_memalign(void **memory, size_t alignment, size_t size) { *memory = memalign(alignment, size); return 0; }
        "#,
        &["-shared", "-fPIC", "-O1"],
    );
    let library = palisade_tests::library();
    for order in [[&library, &malloc], [&malloc, &library]] {
        let preload = format!("{}:{}", order[0].display(), order[1].display());
        let with = run(r#"char *x = malloc(100); printf("refused %d\n", refused() + !x)"#);
        let rules = strict("prevent", &with);
        let with = with.env("LD_PRELOAD", &preload).policy(&rules).go();
        assert_eq!(
            (with.code(), &*with.text()),
            (0, "refused 0\n"),
            "{preload} {}",
            with.story()
        );
        assert_eq!(with.audits().len(), CALLS, "{preload}");
    }
}

#[test]
fn descriptors_and_threads_are_the_same_while_nothing_waits_to_be_written() {
    let show = || {
        Run::new("/bin/sh").args([
            "-c",
            "ls /proc/self/fd /proc/self/task /proc/$$/fd /proc/$$/task >seen; wc -l <seen",
        ])
    };
    let natural = show().without_library().go();
    for policy in [crate::quiet("prevent"), policy(json!({}))] {
        let ours = show().policy(&policy).go();
        assert_eq!(ours.text(), natural.text(), "{}", ours.story());
    }
}

#[test]
fn signals_are_the_programs_own() {
    // Dispositions and masks as without the library, whatever runs beside the program; and a program may block them all.
    let code = r#"struct sigaction now; sigset_t mask, all;
        for (int s = 1; s < 65; s++) { if (s == 32 || s == 33) continue; sigaction(s, NULL, &now); printf("%d %d %x\n", s, now.sa_handler == SIG_DFL ? 0 : now.sa_handler == SIG_IGN ? 1 : 2, now.sa_flags); }
        pthread_sigmask(SIG_SETMASK, NULL, &mask); for (int s = 1; s < 65; s++) printf("%d", sigismember(&mask, s)); puts("");
        signal(SIGSYS, SIG_IGN); sigfillset(&all); pthread_sigmask(SIG_SETMASK, &all, NULL);
        hammer(); if (fork() == 0) _exit(refused()); wait(NULL); sigpending(&mask); for (int s = 1; s < 65; s++) printf("%d", sigismember(&mask, s)); puts("");
        pid_t pid; int status; char *words[] = {"grep", "Sig[BIC]", "/proc/self/status", NULL}; posix_spawnattr_t attributes; posix_spawnattr_init(&attributes);
        posix_spawn(&pid, "/bin/grep", NULL, NULL, words, environ); waitpid(pid, &status, 0);
        posix_spawnattr_setsigdefault(&attributes, &all); sigemptyset(&mask); posix_spawnattr_setsigmask(&attributes, &mask);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        posix_spawn(&pid, "/bin/grep", NULL, &attributes, words, environ); waitpid(pid, &status, 0);
        if (fork() == 0) { execv("/bin/grep", words); _exit(1); } wait(&status)"#;
    let natural = run(code).without_library().go();
    assert!(natural.text().contains("SigIgn"), "{}", natural.story());
    for effect in ["alert", "prevent"] {
        let with = run(code);
        let rules = strict(effect, &with);
        let with = with.policy(&rules).go();
        // All that is refused is the echo.
        let text = with.text().replace("ran\n", "");
        assert_eq!(
            (with.code(), text),
            (natural.code(), natural.text().replace("ran\n", "")),
            "{effect}"
        );
    }
}

#[test]
fn a_child_is_started_by_whatever_its_file_actions_make_of_its_descriptors() {
    same(
        r#"posix_spawn_file_actions_t actions; pid_t pid; int status, ends[2]; char *echo[] = {"echo", "ran", NULL}, *own[] = {"own", "again", NULL};
        if (count > 1) { puts("again"); return 0; }
        int program = open("/bin/echo", O_RDONLY | O_CLOEXEC), folder = open("/bin", O_RDONLY | O_CLOEXEC); if (pipe2(ends, O_CLOEXEC)) abort();
        void start(const char *name, char **words) {
            int error = posix_spawn(&pid, name, &actions, NULL, words, environ); if (!error) waitpid(pid, &status, 0);
            printf("%s %d %x\n", name, error, error ? 0 : status); posix_spawn_file_actions_destroy(&actions); posix_spawn_file_actions_init(&actions);
        }
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, 1, 2); start("/proc/self/exe", own);
        posix_spawn_file_actions_adddup2(&actions, program, 50); start("/proc/self/fd/50", echo);
        posix_spawn_file_actions_addopen(&actions, 50, "/bin/echo", O_RDONLY, 0); start("/dev/fd/50", echo);
        posix_spawn_file_actions_adddup2(&actions, folder, 50); posix_spawn_file_actions_addfchdir_np(&actions, 50); start("./echo", echo);
        posix_spawn_file_actions_addopen(&actions, 50, "/bin", O_RDONLY, 0); posix_spawn_file_actions_addfchdir_np(&actions, 50); start("./echo", echo);
        posix_spawn_file_actions_addchdir_np(&actions, "/"); start("bin/echo", echo);
        posix_spawn_file_actions_addclose(&actions, program); char name[40]; sprintf(name, "/proc/self/fd/%d", program); start(name, echo);
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1); posix_spawn_file_actions_addopen(&actions, 2, "/dev/stdout", O_WRONLY, 0); start("/bin/echo", echo);
        char read_back[9] = {0}; printf("%zd %s", read(ends[0], read_back, 8), read_back);
        posix_spawn_file_actions_addopen(&actions, 1, "new", O_WRONLY | O_CREAT | O_EXCL, 0600); start("/bin/echo", echo); printf("%d\n", access("new", F_OK));
        posix_spawn_file_actions_adddup2(&actions, 1, 2); start("/none/such", echo);
        posix_spawn_file_actions_adddup2(&actions, 1, 2); posix_spawnp(&pid, "echo", &actions, NULL, echo, environ); waitpid(pid, &status, 0); printf("%x\n", status)"#,
    );
}

#[test]
fn a_thread_that_is_cancelled_while_it_waits_for_a_pipe_leaves_no_descriptor() {
    // By a name that leads to it through /proc, it is held from the verdict to the call.
    same(
        r#"if (mkfifo("fifo", 0600)) abort();
        void *wait_for(void *name) { open(name, O_RDONLY); return NULL; }
        char *names[] = {"fifo", "/proc/self/cwd/fifo"};
        for (int n = 0; n < 2; n++) for (int times = 0; times < 3; times++) {
            int before = dup(0); close(before); pthread_t thread; void *end; pthread_create(&thread, NULL, wait_for, names[n]);
            usleep(50000); pthread_cancel(thread); pthread_join(thread, &end);
            int now = dup(0); close(now); printf("%s %d %d\n", names[n], end == PTHREAD_CANCELED, now == before);
        }
        int held = 0; for (int fd = 3; fd < 1024; fd++) held += fcntl(fd, F_GETFD) >= 0; printf("%d\n", held);"#,
    );
}

#[test]
fn a_program_of_a_long_name_is_started_on_a_stack_of_16_kib() {
    crate::same(
        r#"void *start(void *unused) { (void)unused;
               static char name[500] = "/bin"; while (strlen(name) < 440) strcat(name, "/."); strcat(name, "/true");
               char *words[] = {"true", NULL}; pid_t pid; int status;
               for (int i = 0; i < 2; i++) {
                   int error = i ? posix_spawnp(&pid, name, NULL, NULL, words, environ) : posix_spawn(&pid, name, NULL, NULL, words, environ);
                   if (error || waitpid(pid, &status, 0) != pid) abort();
                   printf("%x\n", status);
               }
               /* No file has a longer name than 255 bytes. */
               memset(name, 'x', 300); name[300] = 0; printf("%d\n", posix_spawnp(&pid, name, NULL, NULL, words, environ));
               return NULL; }
           pthread_attr_t attributes; pthread_attr_init(&attributes); pthread_t thread;
           if (pthread_attr_setstacksize(&attributes, 16384)) abort();
           if (pthread_create(&thread, &attributes, start, NULL) || pthread_join(thread, NULL)) abort();"#,
    );
}
