// calls calls|floors: a line with the names of the calls; then, for each number of one that is read, a batch of it, and the nanoseconds that
// each took on average. Works in the current directory. The floors are what a hook cannot do without, made by hand.
//
// So several of them, each under another preload, can make the same batch in turns within a few milliseconds, on one processor: what neighbours do
// then happens to all.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netdb.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static char *child[] = {"/bin/true", NULL};
static struct sockaddr_in udp, tcp;
static int sender, receiver;
static char path[4200];
static char *mapped;

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void need(int good, const char *what) {
    if (!good) perror(what), exit(1);
}

static void open_file(void) { int fd = open(path, O_RDONLY | O_CLOEXEC); need(fd >= 0, "open"); close(fd); }
static void open_relative(void) { int fd = open("file", O_RDONLY | O_CLOEXEC); need(fd >= 0, "open"); close(fd); }
static void open_link(void) { int fd = open("link", O_RDONLY | O_CLOEXEC); need(fd >= 0, "open"); close(fd); }
// Whether the name is there to be read, nobody knows but the kernel.
static void open_mapped(void) { int fd = open(mapped, O_RDONLY | O_CLOEXEC); need(fd >= 0, "open"); close(fd); }
static void fopen_file(void) { FILE *file = fopen(path, "r"); need(file != NULL, "fopen"); fclose(file); }

// How a name is proved to be its file's own.
static int open_proved(const char *name, int flags, int resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
    return syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof how);
}
static void open_by_hand(void) {
    int fd = open_proved(path, O_RDONLY, RESOLVE_NO_SYMLINKS);
    need(fd >= 0, "openat2");
    close(fd);
}
// A relative name means nothing before it is known where it begins.
static void open_relative_by_hand(void) {
    char room[4096];
    need(syscall(SYS_getcwd, room, sizeof room) > 0, "getcwd");
    int fd = open_proved("file", O_RDONLY, RESOLVE_NO_SYMLINKS);
    need(fd >= 0, "openat2");
    close(fd);
}
// The name is not the file's; the kernel would follow the link; where to; and that is the file's name.
static void open_link_by_hand(void) {
    char room[4096];
    need(syscall(SYS_getcwd, room, sizeof room) > 0, "getcwd");
    need(open_proved("link", O_RDONLY, RESOLVE_NO_SYMLINKS) < 0, "openat2 of a link");
    int fd = open_proved("link", O_PATH, RESOLVE_NO_MAGICLINKS);
    need(fd >= 0, "openat2 of what is behind a link");
    close(fd);
    need(readlink("link", room, sizeof room) > 0, "readlink");
    fd = open_proved("file", O_RDONLY, RESOLVE_NO_SYMLINKS);
    need(fd >= 0, "openat2");
    close(fd);
}
static void fopen_by_hand(void) {
    FILE *file = fdopen(open_proved(path, O_RDONLY, RESOLVE_NO_SYMLINKS), "r");
    need(file != NULL, "fdopen");
    fclose(file);
}

static void connect_to(int kind, struct sockaddr_in *to) {
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    need(connect(fd, (struct sockaddr *)to, sizeof *to) == 0, "connect");
    if (kind == SOCK_STREAM) {
        // No TIME_WAIT: a thousand of them would slow the next ones down.
        struct linger none = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    }
    close(fd);
}
static void connect_udp(void) { connect_to(SOCK_DGRAM, &udp); }
// The other end, by the system call itself: no hook is to be measured twice.
static int accept_bare(void) {
    long fd;
#if defined(__x86_64__)
    register long flags __asm__("r10") = 0;
    __asm__ volatile("syscall" : "=a"(fd) : "a"(SYS_accept4), "D"((long)receiver), "S"(0), "d"(0), "r"(flags) : "rcx", "r11", "memory");
#else
    fd = accept(receiver, NULL, NULL);
#endif
    return fd;
}
static void connect_tcp(void) {
    connect_to(SOCK_STREAM, &tcp);
    close(accept_bare());
}
static void connect_and_accept(void) {
    connect_to(SOCK_STREAM, &tcp);
    close(accept(receiver, NULL, NULL));
}

static void bind_listen(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(bind(fd, (struct sockaddr *)&any, sizeof any) == 0 && listen(fd, 8) == 0, "listen");
    close(fd);
}

// Which port the kernel has chosen is known to it alone.
static void bind_listen_by_hand(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(bind(fd, (struct sockaddr *)&any, sizeof any) == 0 && getsockname(fd, (struct sockaddr *)&any, &length) == 0 && listen(fd, 8) == 0, "listen");
    close(fd);
}

static void resolve(const char *name, int flags) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = flags}, *found;
    need(getaddrinfo(name, "80", &hints, &found) == 0, "getaddrinfo");
    freeaddrinfo(found);
}
static void resolve_number(void) { resolve("127.0.0.1", AI_NUMERICHOST); }
static void resolve_localhost(void) { resolve("localhost", 0); }

static void ended(pid_t pid) {
    int status;
    need(waitpid(pid, &status, 0) == pid && status == 0, child[0]);
}
static void spawn(void) {
    pid_t pid;
    need(posix_spawn(&pid, child[0], NULL, NULL, child, environ) == 0, "posix_spawn");
    ended(pid);
}
static void vfork_exec(void) {
    pid_t pid = vfork();
    if (pid == 0) {
        execve(child[0], child, environ);
        _exit(127);
    }
    ended(pid);
}

static void send_to(void) {
    char byte;
    need(sendto(sender, "x", 1, 0, (struct sockaddr *)&udp, sizeof udp) == 1, "sendto");
    recv(receiver + 1, &byte, 1, MSG_DONTWAIT);
}
static void get_pid(void) { syscall(SYS_getpid); }
static void look_up(void) { need(dlsym(RTLD_DEFAULT, "getpid") != NULL, "dlsym"); }
static void look_up_handle(void) {
    static void *libc;
    if (!libc) libc = dlopen("libc.so.6", RTLD_NOW);
    need(dlsym(libc, "getpid") != NULL, "dlsym");
}
static void nothing(void) { __asm__ volatile("" ::: "memory"); }

struct call {
    const char *name;
    void (*call)(void);
    int times;
};

static const struct call FLOORS[] = {
    {"open", open_file, 300},
    {"open, by hand", open_by_hand, 300},
    {"bind and listen", bind_listen, 100},
    {"bind and listen, by hand", bind_listen_by_hand, 100},
    {"open relative", open_relative, 300},
    {"open relative, by hand", open_relative_by_hand, 300},
    {"open through a link", open_link, 200},
    {"open through a link, by hand", open_link_by_hand, 200},
    {"fopen", fopen_file, 200},
    {"fopen, by hand", fopen_by_hand, 200},
    {NULL, NULL, 0},
};

static const struct call CALLS[] = {
    {"open", open_file, 300},
    {"open relative", open_relative, 300},
    {"open through a link", open_link, 200},
    {"open, name in a mapping", open_mapped, 300},
    {"fopen", fopen_file, 200},
    {"connect udp", connect_udp, 200},
    {"connect tcp", connect_tcp, 40},
    {"connect and accept", connect_and_accept, 40},
    {"bind and listen", bind_listen, 100},
    {"getaddrinfo number", resolve_number, 300},
    {"getaddrinfo localhost", resolve_localhost, 20},
    {"sendto", send_to, 300},
    {"syscall(SYS_getpid)", get_pid, 5000},
    {"dlsym(RTLD_DEFAULT)", look_up, 3000},
    {"dlsym(handle)", look_up_handle, 3000},
    {"posix_spawn", spawn, 1},
    {"vfork+execve", vfork_exec, 1},
    {"nothing", nothing, 5000},
    {NULL, NULL, 0},
};

static double batch(const struct call *call) {
    // What the others left in the caches is not what is measured.
    for (int n = 0; n < call->times / 10; n++) call->call();
    long start = now();
    for (int n = 0; n < call->times; n++) call->call();
    return (double)(now() - start) / call->times;
}

int main(int argc, char **argv) {
    need(argc == 2, "calls calls|floors");
    const struct call *calls = strcmp(argv[1], "floors") ? CALLS : FLOORS;
    int count = 0;
    stay();
    need(getcwd(path, 4000) != NULL, "getcwd");
    strcat(path, "/file");
    mapped = mmap(NULL, sizeof path, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(mapped != MAP_FAILED, "mmap");
    strcpy(mapped, path);
    socklen_t length = sizeof udp;
    udp = tcp = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    // The listening socket, and behind it the one that takes datagrams.
    receiver = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    need(datagrams == receiver + 1, "descriptors");
    need(bind(datagrams, (struct sockaddr *)&udp, sizeof udp) == 0, "bind");
    getsockname(datagrams, (struct sockaddr *)&udp, &length);
    need(bind(receiver, (struct sockaddr *)&tcp, sizeof tcp) == 0 && listen(receiver, 64) == 0, "listen");
    getsockname(receiver, (struct sockaddr *)&tcp, &length);
    sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (; calls[count].name; count++) printf("%s%s", count ? "\t" : "", calls[count].name);
    puts("");
    fflush(stdout);
    for (char line[16]; fgets(line, sizeof line, stdin);) {
        int number = atoi(line);
        need(number >= 0 && number < count, "a number of a call");
        printf("%.2f\n", batch(&calls[number]));
        fflush(stdout);
    }
}
