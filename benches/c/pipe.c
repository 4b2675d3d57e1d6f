// pipe LINES SECONDS: the floor of an audit line, without Palisade. One thread asks the kernel for what an alert asks it for (is it a socket, the
// act, the time, two process ids) and fills a line; another makes sure that descriptor 1 is what it was, and writes LINES of them at a time. Prints to
// standard error how many lines a second have been written.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 1024, LENGTH = 600 };
static char slots[SLOTS][LENGTH];
static _Alignas(64) atomic_long made;
static _Alignas(64) atomic_long written;
static atomic_int is_over;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *make(void *unused) {
    (void)unused;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    while (!atomic_load(&is_over)) {
        long count = atomic_load(&made);
        if (count - atomic_load(&written) >= SLOTS) {
            sched_yield();
            continue;
        }
        int type = 0;
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof type});
        connect(fd, (struct sockaddr *)&to, sizeof to);
        struct timespec time;
        clock_gettime(CLOCK_REALTIME, &time);
        memset(slots[count % SLOTS], (int)(syscall(SYS_getpid) + syscall(SYS_getppid) + time.tv_nsec) & 63, LENGTH - 1);
        slots[count % SLOTS][LENGTH - 1] = '\n';
        atomic_store(&made, count + 1);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 3) return 1;
    int lines = atoi(argv[1]);
    pthread_t maker;
    pthread_create(&maker, NULL, make, NULL);
    double start = now(), end = start + atof(argv[2]);
    static char batch[16 * LENGTH];
    while (now() < end) {
        long done = atomic_load(&written);
        if (atomic_load(&made) - done < lines) {
            sched_yield();
            continue;
        }
        struct stat stat;
        for (int i = 0; i < lines; i++) memcpy(batch + i * LENGTH, slots[(done + i) % SLOTS], LENGTH);
        if (fstat(1, &stat) || write(1, batch, (size_t)lines * LENGTH) < 0) return 1;
        atomic_store(&written, done + lines);
    }
    fprintf(stderr, "%.0f\n", (double)atomic_load(&written) / (now() - start));
    atomic_store(&is_over, 1);
    pthread_join(maker, NULL);
}
