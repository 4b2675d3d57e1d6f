#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "raw.h"

static char room[PATH_MAX * 2], *root;

/* A path that is put together. */
static const char *text(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(room, sizeof room, format, list);
    va_end(list);
    return room;
}

static void ignore(int signal) { (void)signal; }

static int stream(FILE *file) { return file ? fileno(file) : -1; }

int main(int count, char **arguments) {
    /* Volatile: a child of vfork() writes to them, too. */
    volatile int fd = -1, other = -1;
    (void)other;
    root = getcwd(NULL, 0);
    errno = 4242;
    switch (atoi(arguments[1])) {
CASES
    }
    int error = errno;
    struct stat stat;
    printf("%d errno %d", fd, error);
    if (fd >= 0 && fstat(fd, &stat) == 0) {
        char content[16] = "";
        ssize_t n = S_ISREG(stat.st_mode) ? pread(fd, content, 15, 0) : 0;
        printf(" flags %o close %d mode %o size %ld at %ld: %.*s", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD), stat.st_mode,
               S_ISDIR(stat.st_mode) ? 0L : (long)stat.st_size, (long)lseek(fd, 0, SEEK_CUR), n > 0 ? (int)n : 0, content);
    }
    puts("");
    return 0;
}
