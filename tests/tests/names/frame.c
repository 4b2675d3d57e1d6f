/* A machine of its own: loopback, and two name servers on port 53 that know the domain `test`. CODE is the program. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "raw.h"

extern char **environ;
extern ssize_t __read(int, void *, size_t), __read_chk(int, void *, size_t, size_t);

/* The one of /etc/resolv.conf, and another one. */
#define SERVER "127.0.0.53"
#define OTHER_SERVER "127.0.0.54"

static struct sockaddr_in at(const char *ip, int port) {
    struct sockaddr_in to = {AF_INET, htons(port)};
    inet_pton(AF_INET, ip, &to.sin_addr);
    return to;
}

/* The answer to a question, RFC 1035 section 4.1: good.test is 127.9.0.1; alias.test is an alias of real.test, which is 127.9.0.2;
   nNUMBER.test is 127.10.0.0 and so much; evil.test is 127.9.0.66; everything else is not there. */
static int answer(unsigned char *m, int length) {
    if (length < 17) return 0;
    char name[256] = "";
    int place = 12, kind, aliased = 0;
    for (int size = m[place]; size && place < 250; place += size + 1, size = m[place])
        strncat(name, (char *)m + place + 1, size), strcat(name, ".");
    kind = m[place + 2];
    place += 5;
    for (char *c = name; *c; c++) if (*c >= 'A' && *c <= 'Z') *c |= 32;
    struct in_addr ip = {0};
    if (!strcmp(name, "good.test.")) inet_pton(AF_INET, "127.9.0.1", &ip);
    else if (!strcmp(name, "evil.test.")) inet_pton(AF_INET, "127.9.0.66", &ip);
    else if (!strcmp(name, "real.test.")) inet_pton(AF_INET, "127.9.0.2", &ip);
    else if (!strcmp(name, "alias.test.")) inet_pton(AF_INET, "127.9.0.2", &ip), aliased = 1;
    else if (name[0] == 'n') ip.s_addr = htonl(0x7f0a0000 + atoi(name + 1));
    m[2] = 0x81, m[3] = 0x80 | (ip.s_addr ? 0 : 3);
    memset(m + 6, 0, 6);
    if (ip.s_addr && aliased) {
        memcpy(m + place, "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\7\4real\xc0\x12", 19), place += 19;
        m[7]++;
    }
    if (ip.s_addr && kind == 1) {
        memcpy(m + place, aliased ? "\xc0\x28\0\1\0\1\0\0\0\x3c\0\4" : "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4", 12);
        memcpy(m + place + 12, &ip, 4), place += 16;
        m[7]++;
    }
    return place;
}

/* By system calls that no hook sees. */
static void serve(const char *ip) {
    struct sockaddr_in here = at(ip, 53), from;
    int one = 1, udp = raw(SYS_socket, AF_INET, SOCK_DGRAM, 0), tcp = raw(SYS_socket, AF_INET, SOCK_STREAM, 0);
    raw(SYS_setsockopt, tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (raw(SYS_bind, udp, &here, sizeof here) || raw(SYS_bind, tcp, &here, sizeof here) || raw(SYS_listen, tcp, 5)) perror("name server");
    int ready[2];
    char byte;
    raw(SYS_pipe2, ready, 0);
    if (raw(SYS_clone, SIGCHLD, 0, 0, 0, 0)) {
        // They end with the program, once they have said so to the kernel.
        for (int i = 0; i < 2; i++) raw(SYS_read, ready[0], &byte, 1);
        raw(SYS_close, ready[0]), raw(SYS_close, ready[1]), raw(SYS_close, udp), raw(SYS_close, tcp);
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int is_tcp = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    raw(SYS_write, ready[1], "x", 1);
    for (;;) {
        unsigned char m[600];
        socklen_t size = sizeof from;
        if (is_tcp) {
            int peer = raw(SYS_accept4, tcp, 0, 0, 0), length;
            while ((length = raw(SYS_read, peer, m, sizeof m)) > 2) {
                length = answer(m + 2, length - 2), m[0] = length >> 8, m[1] = length;
                raw(SYS_write, peer, m, length + 2);
            }
            raw(SYS_close, peer);
        } else {
            int length = answer(m, raw(SYS_recvfrom, udp, m, sizeof m, 0, &from, &size));
            raw(SYS_sendto, udp, m, length, 0, &from, size);
        }
    }
}

/* Nobody listens anywhere: a connection that may be made is refused by the kernel. */
static const char *reach(const char *ip, int port) {
    struct sockaddr_in to = at(ip, port);
    int s = socket(AF_INET, SOCK_STREAM, 0), result = connect(s, (void *)&to, sizeof to);
    const char *said = result == 0 ? "through" : errno == ECONNREFUSED ? "through" : errno == EACCES ? "stopped" : strerror(errno);
    close(s);
    return said;
}
#define REACH(ip) printf("%s ", reach(ip, 80))

static int looked_up(const char *name) {
    struct addrinfo *found = NULL, hints = {.ai_family = AF_INET};
    int why = getaddrinfo(name, NULL, &hints, &found);
    if (why == 0) freeaddrinfo(found);
    return why;
}

/* What a program with a resolver of its own does: a question for `name`, of kind A. */
static unsigned char message[600];
static int question(const char *name) {
    memcpy(message, "\x12\x34\1\0\0\1\0\0\0\0\0\0", 12);
    return 12 + ns_name_compress(name, message + 12, 300, NULL, NULL) + (memcpy(message + 12 + strlen(name) + 2, "\0\1\0\1", 4), 4);
}
static int to_server(const char *ip, int kind) {
    struct sockaddr_in to = at(ip, 53);
    int s = socket(AF_INET, kind, 0);
    if (connect(s, (void *)&to, sizeof to)) perror("connect");
    return s;
}

int main(int count, char **arguments) {
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int any = raw(SYS_socket, AF_INET, SOCK_DGRAM, 0);
    if (count == 1 && ioctl(any, SIOCSIFFLAGS, &up)) perror("loopback");
    raw(SYS_close, any);
    setvbuf(stdout, NULL, _IONBF, 0);
    (void)question, (void)to_server, (void)looked_up;
    if (count > 1 && strcmp(arguments[1], "reach") == 0) {
        for (int i = 2; i < count; i++) REACH(arguments[i]);
        return 0;
    }
    if (count == 1) serve(SERVER), serve(OTHER_SERVER);
    CODE;
    puts("");
    return 0;
}
