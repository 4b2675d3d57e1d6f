// alerts RATE SECONDS: as many acts a second as it can or as it is told, each of which is reported. Prints how many there were, and in how many
// nanoseconds; the reports go to descriptor 1 of its own.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

int main(int argc, char **argv) {
    (void)argc;
    double rate = atof(argv[1]), seconds = atof(argv[2]);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    inet_pton(AF_INET, "127.0.0.9", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    long acts = 0, start = now(), end = start + (long)(seconds * 1e9), time = start;
    while (time < end) {
        // In bursts of a millisecond's worth, as a program does that has work: not evenly, which would be easier.
        double due = rate * (double)(time - start) / 1e9 + rate / 1000;
        for (; acts < due && now() < end; acts++) connect(fd, (struct sockaddr *)&to, sizeof to);
        struct timespec nap = {0, 200000};
        if (acts >= due) nanosleep(&nap, NULL);
        time = now();
    }
    fprintf(stderr, "%ld %ld\n", acts, now() - start);
}
