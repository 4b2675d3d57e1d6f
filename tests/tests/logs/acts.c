/* One act, as the arguments say it: exit 0 if it was let be, 1 if it was refused, 2 if it could not be tried. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int answer(int failed) { return failed && errno == EACCES; }

static struct sockaddr_storage address(const char *ip, const char *port, socklen_t *size) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;
    struct sockaddr_storage out = {0};
    if (getaddrinfo(ip, port, &hints, &found)) exit(2);
    memcpy(&out, found->ai_addr, found->ai_addrlen);
    *size = found->ai_addrlen;
    return out;
}

static int start(char **words, int descriptor) {
    pid_t child = fork();
    if (!child) {
        if (descriptor >= 0) fexecve(descriptor, words, environ);
        else execve(words[0], words, environ);
        _exit(answer(1) ? 101 : 102);
    }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 2;
    return WEXITSTATUS(status) == 101 ? 1 : WEXITSTATUS(status) == 102 ? 2 : 0;
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "";
    socklen_t size;
    if (!strcmp(what, "exec")) return start(words + 2, -1);
    if (!strcmp(what, "memory")) {
        int program = open(words[2], O_RDONLY), copy = memfd_create("copy", 0);
        struct stat found;
        if (fstat(program, &found) || sendfile(copy, program, NULL, found.st_size) != found.st_size) return 2;
        return start(words + 2, copy);
    }
    if (!strcmp(what, "connect")) {
        /* A datagram socket: it is connected, and nothing is sent. */
        struct sockaddr_storage to = address(words[2], words[3], &size);
        return answer(connect(socket(to.ss_family, SOCK_DGRAM, 0), (void *)&to, size));
    }
    if (!strcmp(what, "listen")) {
        struct sockaddr_storage to = address("127.0.0.1", words[2], &size);
        return answer(bind(socket(to.ss_family, SOCK_STREAM, 0), (void *)&to, size));
    }
    if (!strcmp(what, "resolve")) {
        struct addrinfo *found;
        return getaddrinfo(words[2], NULL, NULL, &found) == EAI_FAIL;
    }
    if (!strcmp(what, "nonsense")) {
        struct sockaddr_storage to = address("127.0.0.1", "53", &size);
        return answer(sendto(socket(AF_INET, SOCK_DGRAM, 0), "?", 1, 0, (void *)&to, size) < 0);
    }
    if (!strcmp(what, "namespace")) return !dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
    if (!strcmp(what, "read")) return answer(open(words[2], O_RDONLY) < 0);
    if (!strcmp(what, "write")) return answer(open(words[2], O_WRONLY | O_CREAT, 0600) < 0);
    if (!strcmp(what, "change")) return answer(open(words[2], O_RDWR | O_CREAT, 0600) < 0);
    return 2;
}
