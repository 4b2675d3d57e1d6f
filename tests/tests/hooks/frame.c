/* Makes one call, or many, and says what the caller saw of it: the result, errno (which was 4242 before), what became of
   the child. ROWS is put in front: one function for each row of rows.rs, over the settings. */
#include <aio.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 // Linux 6.6
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463 // Linux 6.13
#define SYS_removexattrat 466
#endif
#include <mntent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <ucontext.h>
#include <unistd.h>
#include <utime.h>
#include <utmp.h>
#include <utmpx.h>
#include <wordexp.h>
#include "raw.h"

extern char **environ;

/* What libc exports and no header declares; weak where this libc may not have it. */
extern FILE *_IO_fopen(const char *, const char *), *_IO_popen(const char *, const char *);
extern int __libc_system(const char *), __connect(int, const struct sockaddr *, socklen_t);
extern int __open(const char *, int, ...), __open64(const char *, int, ...), __open_2(const char *, int);
extern int __open64_2(const char *, int), __openat_2(int, const char *, int), __openat64_2(int, const char *, int);
extern int __sendmmsg(int, struct mmsghdr *, unsigned, int);
extern ssize_t __send(int, const void *, size_t, int), __write(int, const void *, size_t);
extern ssize_t __read(int, void *, size_t), __read_chk(int, void *, size_t, size_t);
extern ssize_t __recv_chk(int, void *, size_t, size_t, int);
extern ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
extern ssize_t __readlink_chk(const char *, char *, size_t, size_t);
extern ssize_t __readlinkat_chk(int, const char *, char *, size_t, size_t);
extern int __xmknod(int, const char *, mode_t, dev_t *), __xmknodat(int, int, const char *, mode_t, dev_t *);
extern int openat2(int, const char *, const struct open_how *, size_t) __attribute__((weak));
extern int pidfd_spawn(int *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *,
                       char *const *) __attribute__((weak));
extern __typeof(pidfd_spawn) pidfd_spawnp __attribute__((weak));
extern pid_t pidfd_getpid(int) __attribute__((weak));

extern FILE *__setmntent(const char *, const char *);

/* Programs that were built with glibc before 2.34 have these; the linker gives them to no new program. */
#ifdef __aarch64__
#define OLDEST "GLIBC_2.17"
#else
#define OLDEST "GLIBC_2.2.5"
#endif
#ifdef __aarch64__
__asm__(".symver __send,__send@" OLDEST);
#endif
#define OLD(name, ...) extern int old_##name(__VA_ARGS__); __asm__(".symver old_" #name "," #name "@" OLDEST)
OLD(__res_query, const char *, int, int, unsigned char *, int);
OLD(__res_search, const char *, int, int, unsigned char *, int);
OLD(__res_querydomain, const char *, const char *, int, int, unsigned char *, int);
OLD(__res_send, const unsigned char *, int, unsigned char *, int);
OLD(__res_nquery, res_state, const char *, int, int, unsigned char *, int);
OLD(__res_nsearch, res_state, const char *, int, int, unsigned char *, int);
OLD(__res_nquerydomain, res_state, const char *, const char *, int, int, unsigned char *, int);
OLD(__res_nsend, res_state, const unsigned char *, int, unsigned char *, int);

/* What a call is made with. Each call finds it as it was at the start. */
#define SETTING __attribute__((section("settings"), visibility("hidden")))
extern char __start_settings[], __stop_settings[];

SETTING const char *path = "/none/such", *name = "localhost", *mode = "r", *base = "missing", *command = "echo ran";
SETTING char *words[] = {"echo", "ran", NULL};
SETTING char **argv = words, **envp;
SETTING int fd = -1, dir = AT_FDCWD, flags = 0, backlog = 5, permissions = 0640;
SETTING pid_t pid;
SETTING struct sockaddr_storage storage;
SETTING const struct sockaddr *address = (void *)&storage;
SETTING socklen_t length = sizeof(struct sockaddr_in);
SETTING struct addrinfo *found;
SETTING const char *second = "/none/second", *host = NULL;
SETTING char template[PATH_MAX], room[PATH_MAX];
SETTING unsigned char answer[512];
SETTING struct hostent entry, *entries;
SETTING int why, reverse = AF_INET, size = sizeof answer, pidfd = -1;
SETTING struct in_addr reversed;
SETTING wordexp_t words_of;
SETTING struct open_how how;
SETTING FILE *stream;
/* A question for denied.test, as a program puts it to a name server (RFC 1035). */
static const char question[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\0\6denied\4test\0\0\1\0\1";
SETTING char asked[300];
SETTING const void *payload = question;
SETTING size_t payload_size = sizeof question - 1;
SETTING struct iovec vectors[2];
SETTING struct msghdr message = {.msg_iov = vectors, .msg_iovlen = 2};
SETTING const struct msghdr *messages = &message;
SETTING struct mmsghdr many[2];
SETTING struct mmsghdr *manies = many;
SETTING struct gaicb request, *requests[] = {&request};
SETTING size_t amount = 100;
SETTING struct sockaddr_storage sent_by;
SETTING struct sockaddr *sender = (void *)&sent_by;
SETTING socklen_t sender_size = sizeof sent_by;
SETTING struct iovec pieces[2] = {{room, 5}, {room + 5, 95}};
SETTING struct msghdr incoming_one = {.msg_iov = pieces, .msg_iovlen = 2}, *incoming = &incoming_one;
SETTING struct mmsghdr incoming_many[2], *incomings = incoming_many;

/* A number needs no name server: it is resolved by the time that the thread which does it has run. */
static struct gaicb *settled(void) {
    static struct gaicb number;
    int before = errno;
    number.ar_name = name;
    getaddrinfo_a(GAI_WAIT, (struct gaicb *[]){&number}, 1, NULL);
    errno = before;
    return &number;
}

/* Of traps.c, if that is loaded. */
extern void trap(int) __attribute__((weak));
SETTING int is_trapped, is_measured;

static void arm(int on) {
    if (trap) trap(on && is_trapped);
}

static struct aiocb job, *jobs[] = {&job};

static void make_job(void) {
    job = (struct aiocb){.aio_fildes = fd, .aio_buf = (void *)payload, .aio_nbytes = payload_size, .aio_lio_opcode = LIO_WRITE};
}

static ssize_t written(int started) {
    if (started) return started;
    /* It is not the waiting that is asked about. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    while (aio_error(&job) == EINPROGRESS) aio_suspend((const struct aiocb *const *)jobs, 1, NULL);
    return aio_return(&job);
}

/* io_submit(2), which no libc has: the number of requests taken, or what came of the one. */
static long submitted(void) {
    aio_context_t context = 0;
    struct iocb one = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = fd, .aio_buf = (uintptr_t)payload, .aio_nbytes = payload_size};
    struct iocb *list[] = {&one};
    struct io_event event;
    int before = errno;
    raw(SYS_io_setup, 1, &context);
    errno = before;
    long result = syscall(SYS_io_submit, context, 1L, list);
    before = errno;
    if (result == 1 && raw(SYS_io_getevents, context, 1, 1, &event, NULL) == 1) result = event.res;
    raw(SYS_io_destroy, context);
    errno = before;
    return result;
}

static int payload_file(void) {
    int file = memfd_create("payload", 0);
    raw(SYS_pwrite64, file, payload, payload_size, 0);
    return file;
}

static int payload_pipe(void) {
    int two[2];
    if (pipe(two)) perror("pipe");
    raw(SYS_write, two[1], payload, payload_size);
    return two[0];
}

/* An object of shared memory is a file of glibc's (shm_overview(7), sem_overview(7)), which is left behind by nobody. */
#define MEMORY "/dev/shm/%s"
#define SEMAPHORE "/dev/shm/sem.%s"

static int without_shared(const char *pattern, int result) {
    char path[PATH_MAX];
    int error = errno;
    snprintf(path, sizeof path, pattern, name + strspn(name, "/"));
    raw(SYS_unlinkat, AT_FDCWD, path, 0);
    errno = error;
    return result;
}

static void with_shared(const char *pattern) {
    char path[PATH_MAX];
    int error = errno;
    snprintf(path, sizeof path, pattern, name + strspn(name, "/"));
    raw(SYS_close, raw(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    errno = error;
}

/* A descriptor for one that was opened, as shm_open would give. */
static int without_semaphore(sem_t *opened) {
    without_shared(SEMAPHORE, 0);
    return opened == SEM_FAILED ? -1 : raw(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
}

static res_state resolver(void) {
    static struct __res_state state;
    static int is_ready;
    int before = errno;
    if (!is_ready++) res_ninit(&state);
    errno = before;
    return &state;
}

/* From here on memory and locks are traps while a row is called, and this thread is killed where it waits for another. */
static void set_traps(void) {
    struct sock_filter waits[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof waits / sizeof *waits, waits};
    resolver();
    if (!trap || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) perror("traps");
    is_trapped = 1;
}

/* From here on the kernel answers that number with this errno, but for what goes to standard output. */
static void set_answer(long number, int error) {
    struct sock_filter answers[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof answers / sizeof *answers, answers};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) perror("answer");
}

/* The errno with which the kernel answers the row's number, if somebody asked; and is somebody about to end this thread? */
SETTING int answer_of_kernel, is_cancelled;

static int opened_how(void) {
    how = (struct open_how){.flags = flags, .mode = flags & (O_CREAT | O_TMPFILE) ? permissions : 0};
    return openat2 ? openat2(dir, path, &how, sizeof how) : (int)raw(SYS_openat2, dir, path, &how, sizeof how);
}

static long called_how(void) {
    how = (struct open_how){.flags = flags, .mode = flags & (O_CREAT | O_TMPFILE) ? permissions : 0};
    return syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static int spawned(int result) {
    if (result == 0 && pidfd_getpid) pid = pidfd_getpid(pidfd);
    return result;
}

static int told_why(int result) {
    /* A failure is told in both places, and there are callers who look in the other one. */
    if (result != 0 && h_errno != why) printf("h_errno %d, and not %d\n", h_errno, why);
    h_errno = why;
    return result;
}

enum kind { EXEC, SPAWN, SHELL, STREAM_OF_SHELL, SOCKET, LISTEN, NAME, LOOKUP, ENTRY, OPEN, STREAM, FOLDER, POINTER, END };
struct row { const char *name; enum kind kind; intptr_t (*call)(void); long number; };

ROWS

static void *pointer(const char *text) {
    return text[0] == '@' ? (void *)(intptr_t)atol(text + 1) : (void *)text;
}

static void set(const char *key, const char *value) {
#define IS(k) (strcmp(key, k) == 0)
    if (IS("path")) path = pointer(value);
    else if (IS("traps")) set_traps();
    else if (IS("measure")) is_measured = 1;
    else if (IS("kernel")) answer_of_kernel = atoi(value);
    else if (IS("cancelled")) is_cancelled = 1;
    else if (IS("base")) base = pointer(value);
    else if (IS("name")) name = pointer(value);
    else if (IS("mode")) mode = pointer(value);
    else if (IS("command")) command = pointer(value);
    else if (IS("argv")) argv = pointer(value);
    else if (IS("envp")) envp = pointer(value);
    else if (IS("argv0")) words[0] = pointer(value);
    else if (IS("word")) words[1] = pointer(value);
    else if (IS("length")) length = atoi(value);
    else if (IS("address")) address = pointer(value);
    else if (IS("flags")) flags = strtol(value, NULL, 0);
    else if (IS("fd")) fd = atoi(value);
    else if (IS("dirfd")) dir = atoi(value);
    else if (IS("dir")) dir = open(value, O_PATH | O_DIRECTORY);
    else if (IS("program")) fd = open(value, O_PATH);
    else if (IS("file")) fd = open(value, O_RDONLY);
    else if (IS("umask")) umask(strtol(value, NULL, 8));
    else if (IS("family")) ((struct sockaddr *)&storage)->sa_family = atoi(value);
    else if (IS("chdir")) { if (chdir(value)) perror("chdir"); }
    else if (IS("reopen")) stream = fopen(value, "r");
    else if (IS("second")) second = pointer(value);
    else if (IS("template")) strncpy(template, value, sizeof template - 1);
    else if (IS("host")) host = value;
    else if (IS("reverse")) inet_pton(AF_INET, value, &reversed);
    else if (IS("reverse-family")) reverse = atoi(value);
    else if (IS("messages")) messages = pointer(value);
    else if (IS("manies")) manies = pointer(value);
    else if (IS("size")) size = atoi(value);
    else if (IS("payload")) payload = pointer(value);
    else if (IS("question")) { /* as the one for denied.test, for another name */
        char *end = mempcpy(asked, question, 12);
        for (const char *label = value; *label; label += strcspn(label, "."), label += *label == '.') {
            size_t size = strcspn(label, ".");
            *end++ = size, end = mempcpy(end, label, size);
        }
        payload = asked, payload_size = (char *)mempcpy(end, question + sizeof question - 6, 5) - asked;
    }
    else if (IS("amount")) amount = strtoul(value, NULL, 0);
    else if (IS("sender")) sender = pointer(value);
    else if (IS("incoming")) incoming = pointer(value), incomings = pointer(value);
    else if (IS("arrived")) { /* a datagram from somebody, or two */
        int two[2];
        socketpair(AF_UNIX, SOCK_DGRAM, 0, two);
        for (int i = 0; i < atoi(value); i++) raw(SYS_write, two[1], "hello, hello", 12);
        fd = two[0];
    }
    else if (IS("to") || IS("bound") || IS("pending") || IS("datagram") || IS("resolver")) {
        /* IP:PORT, over TCP; bound: the socket is bound there; pending: it listens there, and somebody waits; datagram: over UDP; resolver:
           connected over UDP */
        char ip[64];
        const char *colon = strrchr(value, ':');
        snprintf(ip, sizeof ip, "%.*s", (int)(colon - value), value);
        struct sockaddr_in *v4 = (void *)&storage;
        struct sockaddr_in6 *v6 = (void *)&storage;
        if (strchr(ip, ':')) {
            v6->sin6_family = AF_INET6, v6->sin6_port = htons(atoi(colon + 1)), length = sizeof *v6;
            inet_pton(AF_INET6, ip, &v6->sin6_addr);
        } else {
            v4->sin_family = AF_INET, v4->sin_port = htons(atoi(colon + 1)), length = sizeof *v4;
            inet_pton(AF_INET, ip, &v4->sin_addr);
        }
        int is_stream = IS("to") || IS("bound") || IS("pending");
        if (fd < 0) fd = socket(storage.ss_family, is_stream ? SOCK_STREAM : SOCK_DGRAM, 0);
        if (IS("bound") && bind(fd, (void *)&storage, length)) perror("bind");
        if (IS("pending")) {
            /* The port is free, and yet the kernel may remember a connection of the run before. */
            raw(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
            if (raw(SYS_bind, fd, &storage, length) || raw(SYS_listen, fd, 5)) perror("pending");
            raw(SYS_getsockname, fd, &storage, &length);
            if (raw(SYS_connect, raw(SYS_socket, AF_INET, SOCK_STREAM, 0), &storage, length)) perror("pending");
        }
        if (IS("resolver")) {
            if (connect(fd, (void *)&storage, length)) perror("connect");
            address = NULL, length = 0;
        }
    } else if (IS("unix")) { /* a Unix socket, and a file that may become its name */
        struct sockaddr_un *file = (void *)&storage;
        file->sun_family = AF_UNIX, strncpy(file->sun_path, value, sizeof file->sun_path - 1);
        length = offsetof(struct sockaddr_un, sun_path) + strlen(value) + 1;
        if (fd < 0) fd = socket(AF_UNIX, SOCK_STREAM, 0);
    } else if (IS("nonblocking")) fcntl(fd, F_SETFL, O_NONBLOCK);
    else { dprintf(2, "unknown key %s\n", key); _exit(99); }
}

static void told(const char *what, int status) {
    if (WIFEXITED(status)) dprintf(1, "%s exited %d\n", what, WEXITSTATUS(status));
    else dprintf(1, "%s killed by %d\n", what, WTERMSIG(status));
}

static void descriptor(int opened) {
    struct stat stat;
    fstat(opened, &stat);
    dprintf(1, "opened %d flags %o descriptor %d mode %o size %ld\n", opened, fcntl(opened, F_GETFL), fcntl(opened, F_GETFD),
            stat.st_mode, (long)stat.st_size);
}

/* The call, and how many bytes of stack it took if somebody asked. */
static const struct row *measured;
static intptr_t result_of;
static int errno_of;
static char stack[512 * 1024] __attribute__((aligned(16)));

static void call_measured(void) {
    errno = 4242;
    result_of = measured->call();
    errno_of = errno;
}

static intptr_t call(const struct row *row) {
    if (!is_measured) return row->call();
    static ucontext_t here, there;
    size_t untouched = 0;
    memset(stack, 'c', sizeof stack);
    getcontext(&there);
    there.uc_stack.ss_sp = stack, there.uc_stack.ss_size = sizeof stack, there.uc_link = &here, measured = row;
    makecontext(&there, call_measured, 0);
    swapcontext(&here, &there);
    while (stack[untouched] == 'c') untouched++;
    dprintf(1, "stack %zu\n", sizeof stack - untouched);
    errno = errno_of;
    return result_of;
}

static void act(const struct row *row) {
    int status;
    vectors[0] = (struct iovec){(void *)payload, 7}, vectors[1] = (struct iovec){(char *)payload + 7, payload_size - 7};
    if (address && storage.ss_family) message.msg_name = (void *)address, message.msg_namelen = length;
    many[0].msg_hdr = many[1].msg_hdr = message;
    incoming_many[0].msg_hdr = incoming_many[1].msg_hdr = incoming_one;
    request.ar_name = name;
    h_errno = 0;
    if (answer_of_kernel) set_answer(row->number, answer_of_kernel);
    if (is_cancelled) pthread_cancel(pthread_self());
    arm(1);
    errno = 4242;
    intptr_t result = call(row);
    int after = errno;
    arm(0);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    switch (row->kind) {
    case STREAM_OF_SHELL:
        dprintf(1, "result %s errno %d\n", result ? "stream" : "null", after);
        if (result) {
            char text[100] = "";
            if (fgets(text, sizeof text, (FILE *)result)) dprintf(1, "read %s", text);
            told("command", pclose((FILE *)result));
        }
        break;
    case OPEN:
        dprintf(1, "result %s errno %d\n", result < 0 ? "-1" : "descriptor", after);
        if (result >= 0) descriptor(result), close(result);
        break;
    case LOOKUP:
        dprintf(1, "result %ld h_errno %d errno %d\n", (long)result, h_errno, after);
        break;
    case ENTRY:
        dprintf(1, "result %s h_errno %d errno %d\n", result ? ((struct hostent *)result)->h_name : "null", h_errno, after);
        break;
    case POINTER:
        dprintf(1, "result %s errno %d\n", result ? "pointer" : "null", after);
        break;
    case FOLDER:
        dprintf(1, "result %s errno %d\n", result ? "stream" : "null", after);
        if (result) {
            int count = 0;
            while (readdir((DIR *)result)) count++;
            dprintf(1, "%d entries\n", count), descriptor(dirfd((DIR *)result)), closedir((DIR *)result);
        }
        break;
    case STREAM:
        dprintf(1, "result %s errno %d\n", result ? "stream" : "null", after);
        if (result) descriptor(fileno((FILE *)result)), fclose((FILE *)result);
        break;
    case SPAWN:
        dprintf(1, "result %ld errno %d\n", (long)result, after);
        if (result == 0 && waitpid(pid, &status, 0) == pid) told("program", status);
        break;
    default:
        dprintf(1, "result %ld errno %d\n", (long)result, after);
    }
}

/* What is open from the start on, and the settings as they were then. */
static char *kept, is_kept[64];
static mode_t mask;

static void keep(void) {
    size_t size = __stop_settings - __start_settings;
    envp = environ, mask = umask(0), umask(mask);
    kept = memcpy(malloc(size), __start_settings, size);
    for (int i = 0; i < (int)sizeof is_kept; i++) is_kept[i] = raw(SYS_fcntl, i, F_GETFD) >= 0;
}

/* No call finds anything of the one before it. */
static void tidy(void) {
    memcpy(__start_settings, kept, __stop_settings - __start_settings);
    for (int i = 0; i < (int)sizeof is_kept; i++)
        if (!is_kept[i]) raw(SYS_close, i);
    umask(mask);
}

/* The settings KEY=VALUE... up to the next "--" or the end. */
static void set_all(char **words, char **end) {
    for (; words < end && strcmp(*words, "--"); words++) {
        char *equals = strchr(*words, '=');
        if (!equals) continue;
        *equals = 0;
        set(*words, equals + 1);
    }
}

static void act_in(const char *place, const struct row *row, char **words, char **end) {
    volatile unsigned canary = 0xdefaced;
    int status, is_vfork = strcmp(place, "vfork") == 0;
    /* A child of vfork(2) has the memory of its parent, who is asked to do as little as can be. */
    if (is_vfork) set_all(words, end);
    pid_t child = strcmp(place, "main") == 0 ? 0 : is_vfork ? vfork() : fork();
    if (child == 0) {
        if (!is_vfork) set_all(words, end);
        act(row);
        if (strcmp(place, "main") == 0) return;
        _exit(0);
    }
    if (waitpid(child, &status, 0) == child) told("child", status);
    if (canary != 0xdefaced) dprintf(1, "the parent's stack was written to\n");
}

/* The words of a file, each with a zero behind it. */
static char **words_of_file(const char *path, char ***end) {
    static char text[4 << 20], *words[1 << 18];
    size_t size = 0, count = 0;
    int file = raw(SYS_openat, AT_FDCWD, path, O_RDONLY);
    for (ssize_t n; (n = raw(SYS_read, file, text + size, sizeof text - size)) > 0;) size += n;
    raw(SYS_close, file);
    if (file < 0 || size == sizeof text) _exit(98);
    for (char *word = text; word < text + size; word += strlen(word) + 1) words[count++] = word;
    *end = words + count;
    return words;
}

/* ROW PLACE [KEY=VALUE]...: one call. --from FILE: the calls in it, each with "--" behind it; "call N" is said before each, and "end" at the end. */
int main(int count, char **arguments) {
    char **word = arguments + 1, **end = arguments + count;
    int is_many = count == 3 && strcmp(*word, "--from") == 0;
    if (is_many) word = words_of_file(word[1], &end);
    keep();
    for (int number = 0; word < end; number++) {
        if (is_many) tidy(), dprintf(1, "call %d\n", number);
        const struct row *row = rows;
        while (row->name && strcmp(row->name, *word)) row++;
        if (!row->name) return dprintf(2, "unknown row %s\n", *word), 99;
        act_in(word[1], row, word + 2, end);
        while (word < end && strcmp(*word, "--")) word++;
        word++;
    }
    if (is_many) dprintf(1, "end\n");
    return 0;
}
