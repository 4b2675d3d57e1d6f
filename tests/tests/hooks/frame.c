/* Makes one call, or many, and says what the caller saw of it: the result, errno (which was 4242 before), what became of
   the child. ROWS is put in front: one function for each row of rows.rs, over these variables. */
#include <arpa/inet.h>
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *path = "/none/such", *name = "localhost", *mode = "r", *base = "missing", *command = "echo ran";
static char *words[] = {"echo", "ran", NULL};
static char **argv = words, **envp;
static int fd = -1, dir = AT_FDCWD, flags = 0, backlog = 5, permissions = 0640;
static pid_t pid;
static struct sockaddr_storage storage;
static const struct sockaddr *address = (void *)&storage;
static socklen_t length = sizeof(struct sockaddr_in);
static struct addrinfo *found;

enum kind { EXEC, SPAWN, SHELL, STREAM_OF_SHELL, SOCKET, LISTEN, NAME, OPEN, STREAM, END };
struct row { const char *name; enum kind kind; intptr_t (*call)(void); };

ROWS

static void *pointer(const char *text) {
    return text[0] == '@' ? (void *)(intptr_t)atol(text + 1) : (void *)text;
}

static void set(const char *key, const char *value) {
#define IS(k) (strcmp(key, k) == 0)
    if (IS("path")) path = pointer(value);
    else if (IS("base")) base = pointer(value);
    else if (IS("name")) name = pointer(value);
    else if (IS("mode")) mode = pointer(value);
    else if (IS("command")) command = pointer(value);
    else if (IS("argv")) argv = pointer(value);
    else if (IS("envp")) envp = pointer(value);
    else if (IS("argv0")) words[0] = pointer(value);
    else if (IS("word")) words[1] = pointer(value);
    else if (IS("length")) length = atoi(value);
    else if (IS("address")) address = pointer(value);
    else if (IS("flags")) flags = strtol(value, NULL, 0);
    else if (IS("fd")) fd = atoi(value);
    else if (IS("dirfd")) dir = atoi(value);
    else if (IS("dir")) dir = open(value, O_PATH | O_DIRECTORY);
    else if (IS("program")) fd = open(value, O_PATH);
    else if (IS("file")) fd = open(value, O_RDONLY);
    else if (IS("umask")) umask(strtol(value, NULL, 8));
    else if (IS("family")) ((struct sockaddr *)&storage)->sa_family = atoi(value);
    else if (IS("chdir")) { if (chdir(value)) perror("chdir"); }
    else if (IS("to") || IS("bound")) { /* IP:PORT, over TCP; bound: the socket is bound there */
        char ip[64];
        const char *colon = strrchr(value, ':');
        snprintf(ip, sizeof ip, "%.*s", (int)(colon - value), value);
        struct sockaddr_in *v4 = (void *)&storage;
        struct sockaddr_in6 *v6 = (void *)&storage;
        if (strchr(ip, ':')) {
            v6->sin6_family = AF_INET6, v6->sin6_port = htons(atoi(colon + 1)), length = sizeof *v6;
            inet_pton(AF_INET6, ip, &v6->sin6_addr);
        } else {
            v4->sin_family = AF_INET, v4->sin_port = htons(atoi(colon + 1)), length = sizeof *v4;
            inet_pton(AF_INET, ip, &v4->sin_addr);
        }
        if (fd < 0) fd = socket(storage.ss_family, SOCK_STREAM, 0);
        if (IS("bound") && bind(fd, (void *)&storage, length)) perror("bind");
    } else if (IS("nonblocking")) fcntl(fd, F_SETFL, O_NONBLOCK);
    else { dprintf(2, "unknown key %s\n", key); _exit(99); }
}

static void told(const char *what, int status) {
    if (WIFEXITED(status)) dprintf(1, "%s exited %d\n", what, WEXITSTATUS(status));
    else dprintf(1, "%s killed by %d\n", what, WTERMSIG(status));
}

static void descriptor(int opened) {
    struct stat stat;
    fstat(opened, &stat);
    dprintf(1, "opened %d flags %o descriptor %d mode %o size %ld\n", opened, fcntl(opened, F_GETFL), fcntl(opened, F_GETFD),
            stat.st_mode, (long)stat.st_size);
}

static void act(const struct row *row) {
    int status;
    errno = 4242;
    intptr_t result = row->call();
    int after = errno;
    switch (row->kind) {
    case STREAM_OF_SHELL:
        dprintf(1, "result %s errno %d\n", result ? "stream" : "null", after);
        if (result) {
            char text[100] = "";
            if (fgets(text, sizeof text, (FILE *)result)) dprintf(1, "read %s", text);
            told("command", pclose((FILE *)result));
        }
        break;
    case OPEN:
        dprintf(1, "result %s errno %d\n", result < 0 ? "-1" : "descriptor", after);
        if (result >= 0) descriptor(result), close(result);
        break;
    case STREAM:
        dprintf(1, "result %s errno %d\n", result ? "stream" : "null", after);
        if (result) descriptor(fileno((FILE *)result)), fclose((FILE *)result);
        break;
    case SPAWN:
        dprintf(1, "result %ld errno %d\n", (long)result, after);
        if (result == 0 && waitpid(pid, &status, 0) == pid) told("program", status);
        break;
    default:
        dprintf(1, "result %ld errno %d\n", (long)result, after);
    }
}

static void act_in(const char *place, const struct row *row) {
    volatile unsigned canary = 0xdefaced;
    int status;
    if (strcmp(place, "main") == 0) {
        act(row);
        return;
    }
    pid_t child = strcmp(place, "vfork") == 0 ? vfork() : fork();
    if (child == 0) {
        act(row);
        _exit(0);
    }
    if (waitpid(child, &status, 0) == child) told("child", status);
    if (canary != 0xdefaced) dprintf(1, "the parent's stack was written to\n");
}

/* ROW PLACE [KEY=VALUE]... [-- ROW PLACE ...]: each in a process of its own if there is more than one. */
int main(int count, char **arguments) {
    int many = 0;
    envp = environ;
    for (int i = 1; i < count; i++) many += strcmp(arguments[i], "--") == 0;
    for (int i = 1; i < count; i++) {
        const struct row *row = rows;
        while (row->name && strcmp(row->name, arguments[i])) row++;
        if (!row->name) return dprintf(2, "unknown row %s\n", arguments[i]), 99;
        const char *place = arguments[++i];
        pid_t child = many ? fork() : 0;
        for (i++; i < count && strcmp(arguments[i], "--"); i++) {
            char *equals = strchr(arguments[i], '=');
            if (child != 0 || !equals) continue;
            *equals = 0;
            set(arguments[i], equals + 1);
        }
        if (child == 0) {
            act_in(place, row);
            if (many) _exit(0);
        } else {
            int status;
            waitpid(child, &status, 0);
            told(row->name, status);
        }
    }
    return 0;
}
