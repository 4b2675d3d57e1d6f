// In front of a program that times what it does in turns.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

// On the last processor that is allowed: what another one has to be woken for takes as long as it likes.
static void stay(void) {
    cpu_set_t all, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof all, &all)) perror("sched_getaffinity"), exit(1);
    int cpu = CPU_SETSIZE - 1;
    while (cpu > 0 && !CPU_ISSET(cpu, &all)) cpu--;
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one)) perror("sched_setaffinity"), exit(1);
}

