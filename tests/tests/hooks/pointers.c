/* Calls with a bad pointer `p`, each in a child of its own, and what became of it: signal and errno. Where libc looks by itself, the program ends by
   one signal or the other. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    char *room = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(room, '/', 3 * 4096); mprotect(room + 2 * 4096, 4096, PROT_NONE);
    char *edge = room + 2 * 4096, *gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); munmap(gone, 4096);
    int empty = open("empty", O_RDWR | O_CREAT, 0600);
    char *behind = mmap(NULL, 4096, PROT_READ, MAP_SHARED, empty, 0);
    char *bad[] = {
        edge, gone, edge - 3, NULL, (char *)1, (char *)-4096,
#ifdef __x86_64__ // QEMU, which runs the others, is itself ended by it.
        behind,
#endif
    };
    (void)behind;
    int u = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, dns = to;
    dns.sin_port = htons(53); connect(c, (void *)&dns, sizeof dns);
    char *word[] = {"true", NULL}, *none[] = {NULL}, buffer[99]; struct iovec x = {"x", 1};
    struct { uint64_t flags, mode, resolve; } how = {O_RDONLY, 0, 0};
    #define NULLS(...) (char *[]){__VA_ARGS__, NULL}
    #define MESSAGE(...) &(struct msghdr){__VA_ARGS__}
    #define SPAWN(path, words, names) pid_t s; int w; errno = posix_spawn(&s, path, NULL, NULL, words, names); if (!errno) waitpid(s, &w, 0), errno = w >> 8
    #define CALLS \
        X(open(p, O_RDONLY)) X(open64(p, O_RDWR)) X(openat(AT_FDCWD, p, O_WRONLY)) X(creat(p, 0)) X(open(p, O_PATH)) \
        X(syscall(SYS_openat, AT_FDCWD, p, 0)) X(syscall(SYS_openat2, AT_FDCWD, p, &how, sizeof how)) \
        X(syscall(SYS_openat2, AT_FDCWD, "/dev/null", p, sizeof how)) X(fopen(p, "r")) X(fopen("/dev/null", p)) X(freopen(p, "r", stdin)) X(opendir(p)) \
        X(unlink(p)) X(unlinkat(AT_FDCWD, p, 0)) X(remove(p)) X(rmdir(p)) X(mkdir(p, 0)) X(rename(p, "none/x")) X(rename("none/x", p)) X(rename(p, p)) \
        X(link(p, "none/x")) X(link("none/x", p)) X(symlink(p, "none/x")) X(symlink("none", p)) X(chmod(p, 0)) X(chown(p, 0, 0)) X(truncate(p, 0)) \
        X(mknod(p, S_IFIFO, 0)) X(utimensat(AT_FDCWD, p, NULL, 0)) X(readlink(p, buffer, 9)) X(access(p, 0)) X(mkstemp(p)) \
        X(connect(u, (void *)p, 16)) X(connect(u, (void *)p, 28)) X(connect(u, (void *)p, 110)) X(bind(t, (void *)p, 16)) X(syscall(SYS_connect, u, p, 16)) \
        X(sendto(u, "x", 1, 0, (void *)p, 16)) X(sendto(u, p, 4, 0, (void *)&to, 16)) X(sendto(u, p, 4, 0, (void *)&dns, 16)) \
        X(sendmsg(u, (void *)p, 0)) X(sendmsg(u, MESSAGE(p, 16, &x, 1), 0)) X(sendmsg(u, MESSAGE(&to, 16, (void *)p, 1), 0)) \
        X(sendmsg(u, MESSAGE(&to, 16, &(struct iovec){p, 5}, 1), 0)) X(sendmsg(u, MESSAGE(&dns, 16, &(struct iovec){p, 5}, 1), 0)) \
        X(sendmmsg(u, (void *)p, 1, 0)) X(sendmmsg(u, (void *)p, 0, 0)) \
        X(errno = 100 + sendmmsg(u, (struct mmsghdr[]){{{&to, 16, &x, 1}, 0}, {{p, 16, &x, 1}, 0}}, 2, 0)) \
        X(send(c, p, 4, 0)) X(write(c, p, 4)) X(writev(c, (void *)p, 1)) X(writev(c, &(struct iovec){p, 5}, 1)) X(sendmsg(c, MESSAGE(0, 0, (void *)p, 1), 0)) \
        X(execve(p, word, none)) X(execve("/bin/true", (void *)p, none)) X(execve("/bin/true", NULLS(p), none)) X(execve("/bin/true", NULLS("true", p), none)) \
        X(execve("/bin/true", word, (void *)p)) X(execve("/bin/true", word, NULLS(p))) X(execve("/bin/true", word, NULLS("A=b", p))) X(execv(p, word)) \
        X(execvp("true", NULLS("true", p))) X(execveat(AT_FDCWD, p, word, none, 0)) X(fexecve(0, NULLS(p), none)) X(execl(p, "true", NULL)) \
        X(SPAWN(p, word, none)) X(SPAWN("/bin/true", NULLS(p), none)) X(SPAWN("/bin/true", word, NULLS(p))) X(SPAWN("/bin/true", word, (void *)p)) \
        X(errno = system(p) >> 8) X(errno = pclose(popen(p, "r")) >> 8) \
        X(getaddrinfo(p, "80", NULL, (void *)buffer)) X(dlopen(p, RTLD_NOW)) X(dlsym(RTLD_DEFAULT, p)) X(shm_open(p, 0, 0))
    #define X(...) names[calls++] = #__VA_ARGS__;
    const char *names[200]; int calls = 0; CALLS
    #undef X
    #define X(...) if (which == number++) { __VA_ARGS__; }
    for (int which = 0; which < calls; which++) {
        printf("%s:", names[which]);
        for (unsigned k = 0; k < sizeof bad / sizeof *bad; k++) {
            fflush(stdout);
            pid_t child = fork(); int status;
            if (child == 0) {
                char *p = bad[k]; int number = 0;
                close(2); setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); errno = 0; CALLS
                _exit(errno);
            }
            waitpid(child, &status, 0); printf(" %d/%d", WTERMSIG(status) == SIGBUS ? SIGSEGV : WTERMSIG(status), WEXITSTATUS(status));
        }
        printf("\n");
    }
    return 0;
}
