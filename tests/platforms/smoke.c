/* Goes through every kind of hook once, and says what came of it: one line a case, `name result`. The same source runs on each
 * architecture and each glibc, so it asks for nothing that glibc 2.17 lacks.
 *
 *     smoke acts DENIED_FILE DENIED_PROGRAM    what the policy refuses, and what it must leave alone
 *     smoke alerts COUNT DENIED_FILE           opens that often what is only reported
 *     smoke words ARGUMENT...                  says how it was started
 *     smoke exec FUNCTION COUNT                becomes `smoke words` through execl, execle or execlp
 *     smoke newer                              calls what an old glibc has not got
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif
#ifndef SYS_renameat2
#ifdef __x86_64__
#define SYS_renameat2 316
#else
#define SYS_renameat2 276
#endif
#endif

extern char **environ;

static void say(const char *name, long result) {
    int error = errno;
    if (result >= 0) printf("%s %ld\n", name, result > 2 ? 2 : result); /* a descriptor, an address: it went well */
    else printf("%s %s\n", name, strerror(error));
    fflush(stdout);
    errno = 0;
}

static struct sockaddr_in address(void) {
    struct sockaddr_in it = {.sin_family = AF_INET, .sin_port = htons(80)};
    inet_pton(AF_INET, "203.0.113.7", &it.sin_addr);
    return it;
}

/* What became of a child that does this. */
#define IN_CHILD(how, act) \
    ({ \
        int status_ = -1; \
        pid_t child_ = how(); \
        if (child_ == 0) { act; _exit(errno == EACCES ? 13 : 99); } \
        waitpid(child_, &status_, 0); \
        WIFEXITED(status_) ? WEXITSTATUS(status_) : 1000 + WTERMSIG(status_); \
    })

static void exec_family(const char *program) {
    char *const argv[] = {"dash", "-c", "echo ran", NULL};
    printf("execl-of-1 %d\n", IN_CHILD(fork, execl(program, (char *)0)));
    printf("execl-of-8 %d\n", IN_CHILD(fork, execl(program, "1", "2", "3", "4", "5", "6", "7", "8", NULL)));
    printf("execle-of-12 %d\n",
           IN_CHILD(fork, execle(program, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", NULL, environ)));
    printf("execlp %d\n", IN_CHILD(fork, execlp("dash", "dash", "-c", "echo ran", NULL)));
    printf("execv %d\n", IN_CHILD(fork, execv(program, argv)));
    printf("execve %d\n", IN_CHILD(fork, execve(program, argv, environ)));
    printf("execvp %d\n", IN_CHILD(fork, execvp("dash", argv)));
    printf("execvpe %d\n", IN_CHILD(fork, execvpe("dash", argv, environ)));
    printf("vfork-execve %d\n", IN_CHILD(vfork, execve(program, argv, environ)));
    printf("fexecve %d\n", IN_CHILD(fork, fexecve(open(program, O_RDONLY | O_CLOEXEC), argv, environ)));
    printf("syscall-execve %d\n", IN_CHILD(fork, syscall(SYS_execve, program, argv, environ)));
    printf("syscall-execveat %d\n", IN_CHILD(fork, syscall(SYS_execveat, AT_FDCWD, program, argv, environ, 0)));
    pid_t pid;
    printf("posix_spawn %d\n", posix_spawn(&pid, program, NULL, NULL, argv, environ));
    printf("posix_spawnp %d\n", posix_spawnp(&pid, "dash", NULL, NULL, argv, environ));
    printf("system %d\n", WEXITSTATUS(system("echo ran")));
    errno = 0;
    printf("popen %s\n", popen("echo ran", "r") ? "opened" : strerror(errno));
    errno = 0;
}

static void network(void) {
    struct sockaddr_in to = address();
    struct iovec part = {.iov_base = "x", .iov_len = 1};
    struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1};
    int stream = socket(AF_INET, SOCK_STREAM, 0), datagram = socket(AF_INET, SOCK_DGRAM, 0);
    say("connect", connect(stream, (void *)&to, sizeof to));
    say("sendto", sendto(datagram, "x", 1, 0, (void *)&to, sizeof to));
    say("sendmsg", sendmsg(datagram, &message, 0));
    say("syscall-connect", syscall(SYS_connect, stream, &to, sizeof to));
    say("syscall-sendto", syscall(SYS_sendto, datagram, "x", 1, 0, &to, sizeof to));
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(2222)};
    say("bind", bind(stream, (void *)&here, sizeof here));
    struct addrinfo *found = NULL;
    int code = getaddrinfo("evil.example", "80", NULL, &found);
    printf("getaddrinfo %s\n", code == EAI_FAIL ? "EAI_FAIL" : gai_strerror(code));
    h_errno = 0;
    printf("gethostbyname %s\n", gethostbyname("evil.example") ? "found" : h_errno == NO_RECOVERY ? "NO_RECOVERY" : "other");
    close(stream), close(datagram);
    errno = 0;
}

static void files(const char *denied) {
    say("open", open(denied, O_RDONLY));
    say("openat", openat(AT_FDCWD, denied, O_RDONLY));
    say("syscall-openat", syscall(SYS_openat, AT_FDCWD, denied, O_RDONLY, 0));
    say("fopen", fopen(denied, "r") ? 0 : -1);
    say("unlink", unlink(denied));
    say("rename", rename(denied, "/tmp/elsewhere"));
    say("open-allowed", open("/tmp", O_RDONLY | O_DIRECTORY));
    /* The third argument of open is variadic: the mode has to arrive. */
    int made = open("/tmp/made", O_CREAT | O_EXCL | O_WRONLY, 0640);
    umask(0);
    int again = openat(AT_FDCWD, "/tmp/made2", O_CREAT | O_EXCL | O_WRONLY, 0604);
    say("open-creates", made);
    say("openat-creates", again);
    errno = 0;
}

/* Six arguments that are all different, and a number that nobody judges: the page at that offset is only there if all arrived. */
static void passes_six(void) {
    int fd = open("/tmp/pages", O_CREAT | O_RDWR | O_TRUNC, 0600);
    long page = sysconf(_SC_PAGESIZE);
    if (ftruncate(fd, 3 * page) || pwrite(fd, "six", 4, 2 * page) != 4) perror("pages");
    void *hint = (void *)0x7e0000000000;
    char *at = (char *)syscall(SYS_mmap, hint, page, PROT_READ, MAP_PRIVATE, fd, 2 * page);
    printf("syscall-of-6 %s\n", at == MAP_FAILED ? strerror(errno) : at);
    int64_t from = 2 * page, to = 7;
    int copy = open("/tmp/copy", O_CREAT | O_RDWR | O_TRUNC, 0600);
    printf("syscall-of-6-result %ld\n", syscall(SYS_copy_file_range, fd, &from, copy, &to, 4L, 0L));
    printf("syscall-of-6-pointers %d\n", from == 2 * page + 4 && to == 11);
    close(copy);
    say("syscall-fails", syscall(SYS_close, -1));
    say("syscall-io_uring_setup", syscall(SYS_io_uring_setup, 8, NULL));
    close(fd);
}

/* glibc before 2.34 exports these for its own libraries, and ctypes finds them. */
static void private_look_ups(void *libc, int fd) {
    static const char *const names[] = {"__libc_dlsym", "__libc_dlvsym", "__libc_dlopen_mode"};
    struct sockaddr_in to = address();
    for (int i = 0; i < 6; i++) {
        const char *name = names[i % 3];
        void *found = dlsym(i < 3 ? libc : RTLD_DEFAULT, name), *handle = libc;
        char what[64];
        snprintf(what, sizeof what, "%s%s", name, i < 3 ? "" : "-default");
        if (!found) {
            printf("%s absent\n", what);
            continue;
        }
        int (*call)(int, const struct sockaddr *, socklen_t) = NULL;
        if (i % 3 == 0) *(void **)&call = ((void *(*)(void *, const char *))found)(handle, "connect");
#ifdef __x86_64__
        if (i % 3 == 1) *(void **)&call = ((void *(*)(void *, const char *, const char *))found)(handle, "connect", "GLIBC_2.2.5");
#else
        if (i % 3 == 1) *(void **)&call = ((void *(*)(void *, const char *, const char *))found)(handle, "connect", "GLIBC_2.17");
#endif
        if (i % 3 == 2) {
            handle = ((void *(*)(const char *, int))found)("libc.so.6", (int)0x80000000 | RTLD_NOW | RTLD_DEEPBIND);
            if (handle) *(void **)&call = dlsym(handle, "connect");
        }
        if (call) say(what, call(fd, (void *)&to, sizeof to));
        else printf("%s nothing\n", what);
    }
}

static void symbols(void) {
    struct sockaddr_in to = address();
    int (*found)(int, const struct sockaddr *, socklen_t);
    void *libc = dlopen("libc.so.6", RTLD_NOW);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *(void **)&found = dlsym(libc, "connect");
    say("dlsym-of-libc", found(fd, (void *)&to, sizeof to));
#ifdef __x86_64__
    *(void **)&found = dlvsym(libc, "connect", "GLIBC_2.2.5");
#else
    *(void **)&found = dlvsym(libc, "connect", "GLIBC_2.17");
#endif
    say("dlvsym-of-libc", found(fd, (void *)&to, sizeof to));
    *(void **)&found = dlsym(RTLD_DEFAULT, "connect");
    say("dlsym-default", found(fd, (void *)&to, sizeof to));
    private_look_ups(libc, fd);
    printf("dlsym-other %s\n", dlsym(libc, "strlen") == dlsym(RTLD_DEFAULT, "strlen") ? "same" : "other");
    printf("dlsym-nothing %s\n", dlsym(libc, "no_such_function") ? "found" : "none");
    printf("dlopen-deepbind %s\n", dlopen("libm.so.6", RTLD_NOW | RTLD_DEEPBIND) ? "opened" : dlerror());
    printf("dlmopen %s\n", dlmopen(LM_ID_NEWLM, "libm.so.6", RTLD_NOW) ? "opened" : "refused");
    close(fd);
    errno = 0;
}

static int acts(const char *denied, const char *program) {
    printf("errno-at-start %d\n", errno);
    fflush(stdout);
    exec_family(program);
    network();
    files(denied);
    passes_six();
    symbols();
    return 0;
}

static void *open_often(void *many) {
    char **words = many;
    for (int left = atoi(words[0]); left > 0; left--) {
        char name[4096];
        snprintf(name, sizeof name, "%s%d", words[1], left);
        close(open(name, O_RDONLY));
    }
    return NULL;
}

static int alerts(char **words) {
    pthread_t threads[4];
    int tasks = -2; /* but `.` and `..` */
    DIR *folder = opendir("/proc/self/task");
    while (readdir(folder)) tasks++;
    printf("threads %d\n", tasks);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, open_often, words);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    puts("done");
    return 0;
}

static int becomes(const char *function, int count) {
    char *with[] = {"SMOKE=from-execle", NULL};
    const char *self = "/proc/self/exe";
    char path[4096] = "";
    if (readlink(self, path, sizeof path - 1) < 0) return 1;
    int ends_with_e = !strcmp(function, "execle"), searches = !strcmp(function, "execlp");
#define BECOME(...) \
    if (ends_with_e) execle(path, __VA_ARGS__, (char *)NULL, with); \
    else if (searches) execlp(path, __VA_ARGS__, (char *)NULL); \
    else execl(path, __VA_ARGS__, (char *)NULL);
    if (count == 1) { BECOME("words") }
    if (count == 8) { BECOME("smoke", "words", "2", "3", "4", "5", "6", "7") }
    if (count == 12) { BECOME("smoke", "words", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11") }
    perror(function);
    return 1;
}

/* What came after 2.17: where libc has it, it works; where not, nobody can tell that we have a hook for it. */
static int newer(const char *self) {
    const char *const names[] = {"execveat", "renameat2", "getrandom", "pidfd_spawn", "openat2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
        printf("%s %s %s\n", names[i], dlsym(libc, names[i]) ? "in-libc" : "not-in-libc",
               dlsym(RTLD_DEFAULT, names[i]) ? "seen" : "unseen");
    }
    int (*spawn)(int *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[]);
    *(void **)&spawn = dlsym(RTLD_DEFAULT, "pidfd_spawn");
    char *const argv[] = {"words", NULL};
    int fd = -1;
    printf("pidfd_spawn-called %s\n", spawn ? strerror(spawn(&fd, self, NULL, NULL, argv, environ)) : "absent");
    wait(NULL);
    /* The kernel has it, whatever libc has. */
    close(open("/tmp/newer", O_CREAT | O_WRONLY, 0600));
    say("syscall-renameat2", syscall(SYS_renameat2, AT_FDCWD, "/tmp/newer", AT_FDCWD, "/tmp/newest", 0));
    return 0;
}

/* Has libc's resolver ask for `carrier`, which becomes carrier.corp.test (LOCALDOMAIN), and then asks for that itself. Without resolv.conf(5) the name server
   is expected on this machine. */
static int resolves(void) {
    static const char question[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\7carrier\4corp\4test\0\0\1\0\1";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct addrinfo *found = NULL;
    printf("getaddrinfo %s\n", gai_strerror(getaddrinfo("carrier", "80", NULL, &found)));
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    say("connect", connect(fd, (void *)&to, sizeof to));
    say("send", send(fd, question, sizeof question - 1, 0));
    return 0;
}

int main(int argc, char **argv) {
    /* `execl(path, "words", NULL)` leaves nothing but the name. */
    if (!strcmp(argv[0], "words") || (argc > 1 && !strcmp(argv[1], "words"))) {
        const char *preload = getenv("LD_PRELOAD"), *set = getenv("SMOKE");
        printf("%d:", argc);
        for (int i = 0; i < argc; i++) printf(" %s", argv[i]);
        printf(" | %s %s\n", set ? set : "-", preload && strstr(preload, "libpalisade") ? "defended" : "undefended");
        return 0;
    }
    if (argc == 4 && !strcmp(argv[1], "acts")) return acts(argv[2], argv[3]);
    if (argc == 4 && !strcmp(argv[1], "alerts")) return alerts(argv + 2);
    if (argc == 4 && !strcmp(argv[1], "exec")) return becomes(argv[2], atoi(argv[3]));
    if (argc == 2 && !strcmp(argv[1], "newer")) return newer(argv[0]);
    if (argc == 2 && !strcmp(argv[1], "resolves")) return resolves();
    fputs("smoke: wrong arguments\n", stderr);
    return 2;
}
