// threads COUNT SECONDS: opens a file, connects a datagram socket and asks for a number, in so many threads at once; prints how many nanoseconds
// one round of the three took, of all threads' time.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char path[4200];
static atomic_int is_over;

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *work(void *count) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
        close(open(path, O_RDONLY | O_CLOEXEC));
        connect(udp, (struct sockaddr *)&to, sizeof to);
        if (getaddrinfo("127.0.0.1", "80", &hints, &found) == 0) freeaddrinfo(found);
        ++*(long *)count;
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 3 || !getcwd(path, 4000)) return 1;
    snprintf(path + __builtin_strlen(path), 100, "/file");
    int count = atoi(argv[1]);
    pthread_t threads[64];
    static struct { _Alignas(128) long rounds; } counts[64];
    double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, &counts[i].rounds);
    usleep((useconds_t)(atof(argv[2]) * 1e6));
    atomic_store(&is_over, 1);
    long rounds = 0;
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL), rounds += counts[i].rounds;
    printf("%.2f\n", (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) * 1e9 / (double)rounds);
}
