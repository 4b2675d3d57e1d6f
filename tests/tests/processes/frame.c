#define _GNU_SOURCE
#include "raw.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

extern char **environ;
static int start_errno;
__attribute__((constructor)) static void note(void) { start_errno = errno; }

/* Each hooked kind of call once, on what a strict policy denies: 0 if each was refused as it must be. */
static int refused(void) {
    struct sockaddr_in nine = {AF_INET, htons(9), {htonl(INADDR_LOOPBACK)}};
    struct addrinfo *found;
    char *words[] = {"echo", "ran", NULL};
    int bad = 0, s = socket(AF_INET, SOCK_STREAM, 0);
    pid_t pid;
    if (connect(s, (void *)&nine, sizeof nine) != -1 || errno != EACCES) bad |= 1;
    if (bind(s, (void *)&nine, sizeof nine) != -1 || errno != EACCES) bad |= 2;
    close(s);
    if (open("secret", O_RDONLY) != -1 || errno != EACCES) bad |= 4;
    if (getaddrinfo("denied.test", NULL, NULL, &found) != EAI_FAIL) bad |= 8;
    if (posix_spawn(&pid, "/bin/echo", NULL, NULL, words, environ) != EACCES) bad |= 16;
    if (execve("/bin/echo", words, environ) != -1 || errno != EACCES) bad |= 32;
    if (fopen("secret", "r") || errno != EACCES) bad |= 64;
    return bad;
}

/* The same calls on what is allowed and fails or succeeds quickly. */
static void hammer(void) {
    struct sockaddr_in one = {AF_INET, htons(1), {htonl(INADDR_LOOPBACK)}};
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connect(s, (void *)&one, sizeof one);
    close(s);
    close(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (getaddrinfo("127.0.0.1", NULL, &hints, &found) == 0) freeaddrinfo(found);
}

int main(int count, char **arguments) {
    int at_main = start_errno | errno;
    (void)at_main, (void)count, (void)arguments, (void)refused, (void)hammer;
    setvbuf(stdout, NULL, _IOLBF, 0);
    CODE;
    return 0;
}
