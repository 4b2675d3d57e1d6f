/* Tries one way around the hooks, and says whether it led through. */
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <iconv.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <linux/vm_sockets.h>
#include <locale.h>
#include <mntent.h>
#include <netdb.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <nl_types.h>
#include <pthread.h>
#include <pwd.h>
#include <resolv.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/gmon.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <utmp.h>
#include <unistd.h>
#include <wordexp.h>
#include "raw.h"

extern char **environ;

/* A question for denied.test (RFC 1035). */
static const char question[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\6denied\4test\0\0\1\0\1";
#define QUESTION_SIZE ((ssize_t)sizeof question - 1)

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}};
}

/* A datagram socket connected to port 53 of this machine. */
static int to_resolver(void) {
    struct sockaddr_in to = loopback(53);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(s, (void *)&to, sizeof to)) abort();
    return s;
}

/* What another thread does to what is being read, over and over, until `stop`; `rounds`: how often it was done. */
static volatile int stop;
static volatile long rounds;

static void *over_and_over(void *act) {
    for (; !stop; rounds++) ((void (*)(void))act)();
    return NULL;
}

/* A race goes on until it was run `often` times, and the other thread has made as many rounds; with UNTIL_WON, until it is won. */
static int goes_on(long runs, long often, int won) {
    return getenv("UNTIL_WON") ? !won : runs < often || rounds < often;
}

static int through(int done) {
    int error = errno;
    if (done) puts("through");
    else printf("stopped %d\n", error);
    fflush(stdout);
    return done;
}

/* Runs a program in a child, and says by its exit status whether it ran. */
static int ran(pid_t child) {
    int status;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#define RAN(call) ({ \
    int two[2], error = 0; \
    pid_t child; \
    if (pipe2(two, O_CLOEXEC)) abort(); \
    if ((child = fork()) == 0) { call; error = errno; raw(SYS_write, two[1], &error, sizeof error); _exit(1); } \
    close(two[1]); \
    int is_there = ran(child); \
    if (read(two[0], &error, sizeof error) == sizeof error) errno = error; \
    is_there; })

int main(int count, char **arguments) {
    char *true_words[] = {"true", NULL}, *none[] = {NULL};
    (void)count, (void)arguments, (void)true_words, (void)none, (void)to_resolver, (void)loopback, (void)question;
    CODE;
    return 0;
}
