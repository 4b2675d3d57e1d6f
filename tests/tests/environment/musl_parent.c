/* Starts a program that is linked to musl in one of the ways, and says how it ended. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char **made, *ours;
static int n;

/* An entry that names our library between these texts, if it is preloaded here. */
static void preload(const char *before, const char *behind) {
    if (asprintf(&made[n++], "%s%s%s", before, ours, behind) < 0) abort();
    made[n] = NULL;
}

static void script(const char *line) {
    FILE *file = fopen("script", "w");
    fputs(line, file);
    fclose(file);
    chmod("script", 0755);
}

int main(int count, char **arguments) {
    char *way = arguments[1], *musl = arguments[2], *name = strrchr(musl, '/') + 1, command[5000];
    char *folder = strndup(musl, name - musl), *words[] = {name, "child", NULL};
    pid_t pid;
    int status;
    (void)count, (void)pid, (void)command, (void)script, (void)preload;
    made = malloc(70000 * sizeof *made);
    ours = getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "";
    fflush(stdout);
    if (fork() == 0) {
        switch (atoi(way)) {
CASES
        }
        while (wait(&status) > 0) printf("ended with %x\n", status);
        fflush(stdout);
        _exit(0);
    }
    while (wait(&status) > 0) printf("ended with %x\n", status);
    (void)folder;
    return 0;
}
