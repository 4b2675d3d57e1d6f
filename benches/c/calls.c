// calls BATCHES CHILD: one line for each call, its name and the nanoseconds that it took on average in each batch.
// Works in the current directory; CHILD is started by the two that start programs.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
static void fopen_file(void) { FILE *file = fopen(path, "r"); need(file != NULL, "fopen"); fclose(file); }

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
static void connect_tcp(void) {
    connect_to(SOCK_STREAM, &tcp);
    close(accept(receiver, NULL, NULL));
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
static void call(void) { syscall(SYS_getpid); }
static void look_up(void) { need(dlsym(RTLD_DEFAULT, "getpid") != NULL, "dlsym"); }
static void look_up_handle(void) {
    static void *libc;
    if (!libc) libc = dlopen("libc.so.6", RTLD_NOW);
    need(dlsym(libc, "getpid") != NULL, "dlsym");
}
static void nothing(void) { __asm__ volatile("" ::: "memory"); }

static const struct {
    const char *name;
    void (*call)(void);
    int times;
} CALLS[] = {
    {"open", open_file, 300},
    {"open relative", open_relative, 300},
    {"open through a link", open_link, 200},
    {"fopen", fopen_file, 200},
    {"connect udp", connect_udp, 200},
    {"connect tcp", connect_tcp, 40},
    {"getaddrinfo number", resolve_number, 300},
    {"getaddrinfo localhost", resolve_localhost, 20},
    {"sendto", send_to, 300},
    {"syscall(SYS_getpid)", call, 5000},
    {"dlsym(RTLD_DEFAULT)", look_up, 3000},
    {"dlsym(handle)", look_up_handle, 3000},
    {"posix_spawn", spawn, 1},
    {"vfork+execve", vfork_exec, 1},
    {"nothing", nothing, 5000},
};

int main(int argc, char **argv) {
    int batches = atoi(argv[1]);
    if (argc > 2) child[0] = argv[2];
    need(getcwd(path, 4000) != NULL, "getcwd");
    strcat(path, "/file");
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
    for (unsigned i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
        printf("%s", CALLS[i].name);
        for (int batch = -1; batch < batches; batch++) {
            long start = now();
            for (int n = 0; n < CALLS[i].times; n++) CALLS[i].call();
            if (batch >= 0) printf("\t%.2f", (double)(now() - start) / CALLS[i].times);
        }
        puts("");
    }
}
