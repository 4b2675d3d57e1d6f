// starts ROUNDS CASE...: starts programs in turns and prints, for each case, the nanoseconds from posix_spawn(3) to the end, one line for each.
// A case is a file: its environment, one entry a line, an empty line, and the words of the command.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct words {
    char **list;
    size_t count;
};

static void add(struct words *words, char *word) {
    words->list = realloc(words->list, (words->count + 2) * sizeof(char *));
    words->list[words->count++] = word;
    words->list[words->count] = NULL;
}

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

int main(int argc, char **argv) {
    int rounds = atoi(argv[1]), cases = argc - 2;
    struct words *environments = calloc(cases, sizeof(struct words)), *commands = calloc(cases, sizeof(struct words));
    for (int i = 0; i < cases; i++) {
        FILE *file = fopen(argv[i + 2], "r");
        if (!file) return perror(argv[i + 2]), 1;
        char *line = NULL;
        size_t room = 0;
        struct words *words = &environments[i];
        for (ssize_t length; (length = getline(&line, &room, file)) > 0;) {
            if (line[length - 1] == '\n') line[--length] = 0;
            if (length) add(words, strdup(line));
            else words = &commands[i];
        }
        if (!environments[i].count) add(&environments[i], "NOTHING=1");
        fclose(file);
    }
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    for (int fd = 0; fd < 3; fd++) posix_spawn_file_actions_addopen(&quiet, fd, "/dev/null", O_RDWR, 0);
    long *took = malloc(sizeof(long) * rounds * cases);
    int *order = malloc(sizeof(int) * cases);
    for (int i = 0; i < cases; i++) order[i] = i;
    // The same numbers each time.
    uint64_t random = 88172645463325252;
    for (int round = -1; round < rounds; round++) {
        // Shuffled: who follows a program with the same library finds that in the caches.
        for (int left = cases; left > 1; left--) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            int other = random % left, last = order[left - 1];
            order[left - 1] = order[other];
            order[other] = last;
        }
        for (int each = 0; each < cases; each++) {
            int i = order[each];
            pid_t pid;
            int status;
            long start = now();
            errno = posix_spawn(&pid, commands[i].list[0], &quiet, NULL, commands[i].list, environments[i].list);
            if (errno) return perror(commands[i].list[0]), 1;
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
            long end = now();
            if (status) return fprintf(stderr, "%s: status %x\n", argv[i + 2], status), 1;
            if (round >= 0) took[round * cases + i] = end - start;
        }
    }
    for (int i = 0; i < cases; i++)
        for (int round = 0; round < rounds; round++) printf("%ld%c", took[round * cases + i], round + 1 < rounds ? ' ' : '\n');
}
