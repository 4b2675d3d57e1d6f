// The floor of every hook: a preload that stands in front of the same calls, looks whether it has anything to do, and passes them on.
#define _GNU_SOURCE
// Not fcntl.h, whose open has no third argument to pass on.
#include <dlfcn.h>
#include <netdb.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static volatile int active;

#define PASS(result, name, parameters, arguments)                        \
    static result (*next_##name) parameters;                             \
    result name parameters {                                             \
        if (active) abort();                                             \
        return next_##name arguments;                                    \
    }

PASS(int, open, (const char *path, int flags, unsigned mode), (path, flags, mode))
PASS(FILE *, fopen, (const char *path, const char *mode), (path, mode))
PASS(int, connect, (int fd, const struct sockaddr *to, socklen_t length), (fd, to, length))
PASS(int, bind, (int fd, const struct sockaddr *to, socklen_t length), (fd, to, length))
PASS(int, listen, (int fd, int backlog), (fd, backlog))
PASS(ssize_t, sendto, (int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length), (fd, data, size, flags, to, length))
PASS(ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags))
PASS(int, getaddrinfo, (const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result), (node, service, hints, result))
PASS(int, posix_spawn, (pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]), (pid, path, actions, attributes, argv, envp))
PASS(int, execve, (const char *path, char *const argv[], char *const envp[]), (path, argv, envp))

__attribute__((constructor)) static void start(void) {
    next_open = dlsym(RTLD_NEXT, "open");
    next_fopen = dlsym(RTLD_NEXT, "fopen");
    next_connect = dlsym(RTLD_NEXT, "connect");
    next_bind = dlsym(RTLD_NEXT, "bind");
    next_listen = dlsym(RTLD_NEXT, "listen");
    next_sendto = dlsym(RTLD_NEXT, "sendto");
    next_recv = dlsym(RTLD_NEXT, "recv");
    next_getaddrinfo = dlsym(RTLD_NEXT, "getaddrinfo");
    next_posix_spawn = dlsym(RTLD_NEXT, "posix_spawn");
    next_execve = dlsym(RTLD_NEXT, "execve");
    // What a child loads, if that is not this.
    char *child = getenv("FLOOR_CHILD");
    if (child) putenv(child);
}
