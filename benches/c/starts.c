// starts ROUNDS WITHOUT CASE...: starts each case in turns with the one without, and prints the nanoseconds from posix_spawn(3) to the end: for each
// case a line of those without, and one of its own.
// A case is a file: its environment, one entry a line, an empty line, and the words of the command.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FEW 10

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
    stay();
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
    long *took = malloc(sizeof(long) * cases * 2 * rounds);
    // A few rounds of each case, and of all of them again: whatever else the machine does meets all alike.
    for (int from = 0; from < rounds; from += FEW)
        for (int with = 1; with < cases; with++)
            for (int round = from - 1; round < from + FEW && round < rounds; round++)
                for (int each = 0; each < 2; each++) {
                    // Every other round backwards, so that none always follows the other.
                    int is_with = (each + round) & 1, i = is_with ? with : 0;
                    pid_t pid;
                    int status;
                    long start = now();
                    errno = posix_spawn(&pid, commands[i].list[0], &quiet, NULL, commands[i].list, environments[i].list);
                    if (errno) return perror(commands[i].list[0]), 1;
                    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
                    long end = now();
                    if (status) return fprintf(stderr, "%s: status %x\n", argv[i + 2], status), 1;
                    // The first round of each few fills the caches.
                    if (round >= from) took[(with * 2 + is_with) * rounds + round] = end - start;
                }
    for (int i = 2 * rounds; i < cases * 2 * rounds; i++) printf("%ld%c", took[i], (i + 1) % rounds ? ' ' : '\n');
}
