/* Linked to musl: says so, and what its environment is without the settings that are ours. */
#include <stdio.h>
#include <string.h>

extern char **environ;

int main(int count, char **words) {
    printf("musl, %d words, the last is %s\n", count, words[count - 1]);
    for (char **entry = environ; *entry; entry++) {
        if (!strncmp(*entry, "PALISADE_", 9)) continue;
        if (strncmp(*entry, "LD_PRELOAD=", 11)) puts(*entry);
        else
            /* How they are separated is nothing that a loader could tell. */
            for (char *path = strtok(*entry + 11, ": "); path; path = strtok(NULL, ": ")) printf("preload %s\n", path);
    }
    return 7;
}
