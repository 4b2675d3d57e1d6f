/* Starts a child in one of the ways; as the child, says whether it is defended, and what its environment is. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* "refused" if a denied file cannot be opened, then each entry of the environment, ended by a NUL. */
static int child(const char *secret) {
    int fd = open(secret, O_RDONLY);
    fputs(fd < 0 && errno == EACCES ? "refused" : "undefended", stdout);
    putchar(0);
    for (char **entry = environ; *entry; entry++) fwrite(*entry, 1, strlen(*entry) + 1, stdout);
    return 0;
}

int main(int count, char **arguments) {
    char *self = arguments[0], *way = arguments[1], *secret = arguments[2], command[5000];
    char *words[] = {self, "child", secret, NULL}, **made = malloc(70000 * sizeof *made);
    pid_t pid;
    int n = 0;
    (void)count, (void)pid, (void)n, (void)made;
    if (strcmp(way, "child") == 0) return child(secret);
    snprintf(command, sizeof command, "exec %s child %s", self, secret);
    switch (atoi(way)) {
CASES
    }
    while (wait(NULL) > 0);
    return 0;
}
