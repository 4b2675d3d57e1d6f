/* Starts itself in each way; as the child, says whether the library is in it, and what it was given to preload. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int child(const char *how) {
    char line[5000], *preloads = getenv("LD_PRELOAD");
    int is_there = 0, has_math = 0, count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) {
        is_there |= strstr(line, "libpalisade") != NULL;
        has_math |= strstr(line, "libm.so") != NULL;
    }
    fclose(maps);
    while (environ[count]) count++;
    printf("%s:%s%s, %s, %d variables\n", how, is_there ? " defended" : "", has_math ? " math" : "",
           preloads && strstr(preloads, "palisade") ? "named" : "not named", count);
    return 0;
}

int main(int count, char **words) {
    char command[5000], *self = words[0];
    int status;
    pid_t pid;
    if (count == 2) return child(words[1]);
#define START(how, code) \
    fflush(stdout); \
    if ((pid = fork()) == 0) { \
        char *child[] = {self, how, NULL}; \
        snprintf(command, sizeof command, "%s '%s'", self, how); \
        (void)child; \
        code; \
        while (wait(&status) > 0); \
        fflush(stdout); \
        _exit(0); \
    } \
    waitpid(pid, &status, 0);
    START("execve", execve(self, child, environ))
    START("execv", execv(self, child))
    START("posix_spawn", posix_spawn(&pid, self, NULL, NULL, child, environ))
    START("vfork", if (vfork() == 0) execve(self, child, environ))
    START("system", if (system(command)) abort())
    START("popen", int c; FILE *from = popen(command, "r"); while ((c = getc(from)) != EOF) putchar(c); pclose(from))
    START("syscall", syscall(SYS_execve, self, child, environ))
    START("a grandchild", execlp("sh", "sh", "-c", command, NULL))
    /* What the kernel has of this process's environment: no entry of it is empty. */
    char text[50000];
    int fd = open("/proc/self/environ", O_RDONLY), entries = 0;
    ssize_t length = read(fd, text, sizeof text), at = 0;
    while (at < length && text[at]) at += strlen(text + at) + 1, entries++;
    printf("%d entries, %s\n", entries, at == length ? "all of them" : "and more behind an empty one");
    return 0;
}
