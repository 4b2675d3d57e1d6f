#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "raw.h"

extern char **environ;

/* One record: 0 if it was refused, 1 if not. */
static int act(void) {
    int fd = open("secret", O_RDONLY);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static int create(const char *name) { return open(name, O_RDWR | O_CREAT | O_APPEND, 0600); }

/* Appends to a file of the run's folder, whatever became of the streams. */
static void tell(const char *name, const char *text) {
    int fd = create(name);
    if (write(fd, text, strlen(text)) < 0) abort();
    close(fd);
}

int main(int count, char **arguments) {
    (void)count, (void)arguments, (void)act, (void)tell;
    CODE;
    return 0;
}
