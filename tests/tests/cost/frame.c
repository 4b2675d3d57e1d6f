/* Makes one call of the table as often as the second argument says. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *words[] = {"true", NULL};
static struct sockaddr_in closed = {AF_INET}, any = {AF_INET};
static struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST}, *found;
static struct iovec piece = {"x", 1};
static struct msghdr message = {.msg_name = &closed, .msg_namelen = sizeof closed, .msg_iov = &piece, .msg_iovlen = 1};
static struct mmsghdr messages[1];
static int tcp, udp, status;
static char room[4096];
static pid_t pid;

static int wait_for(int error) {
    return error ? error : waitpid(pid, &status, 0);
}

int main(int count, char **arguments) {
    int row = atoi(arguments[1]), times = atoi(arguments[2]);
    closed.sin_addr.s_addr = any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    closed.sin_port = htons(1);
    tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    messages[0].msg_hdr = message;
    if (mkdir("here", 0700) || symlink("file", "link")) abort();
    close(creat("file", 0600));
    for (int i = 0; i < times; i++) {
        switch (row) {
ROWS        default: abort();
        }
    }
    return 0;
}
