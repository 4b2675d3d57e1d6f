// The floor of a call that is judged: a preload that does by hand what no hook with a verdict on ten entries (FLOOR_MANY: ten thousand) can leave out, and nothing else. It
// copies what it judges, because another thread may write over it; looks that copy up by a hash, one for each length that an entry has; and
// passes the copy on. What the platform needs goes first, an address may be meant by a name that led to it, an open can be cancelled as libc's can,
// the variables that change which name is asked for are looked for, and a program is known by its file: its name, and whether its loader is one that
// loads preloads. It knows no audit, no second name of a file, no script, no learning, no `alert`, and what it finds it does not tell: a defence made
// of it would stop next to nothing.
//
// A child is given its environment, with what FLOOR_CHILD says as its LD_PRELOAD.
#define _GNU_SOURCE
// Not fcntl.h, whose open has no third argument to pass on.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <elf.h>
#include <link.h>
#include <netdb.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AT_CWD -100
#define CREATES 0100
#define CLOEXEC 02000000
#define NO_SYMLINKS 4
#define HELD 010000000
#define EFFECTIVE 0x200
#define EMPTY_PATH 0x1000

static volatile unsigned active;
// As many as are used, less one, are a power of two.
static uint32_t filter[1 << 14], filter_last = 63;
static struct entry {
    uint32_t hash, first;
    unsigned char length, count;
    char key[30];
} entries[1 << 15];
static uint32_t entry_last = 31;
static struct {
    uint16_t low, high;
} ports[1 << 15];
static unsigned all_ports;

static inline uint64_t mix(uint64_t hash, uint64_t word) {
    uint64_t mixed = (hash ^ word) * 0xd6e8feb86659fd93;
    return mixed ^ mixed >> 32;
}

static inline uint64_t word_at(const char *text, size_t length) {
    uint64_t word = 0;
    memcpy(&word, text, length < 8 ? length : 8);
    return word;
}

static uint32_t hash_of(const char *key, size_t length) {
    uint64_t hash = 1;
    size_t at = 0;
    for (; at + 8 <= length; at += 8) hash = mix(hash, word_at(key + at, 8));
    return mix(hash, word_at(key + at, length - at) + length) >> 7;
}

// The ports of a key are entered one after the other.
static void enter(const char *key, size_t length, uint16_t low, uint16_t high) {
    uint32_t hash = hash_of(key, length), at = hash & entry_last;
    filter[hash / 32 & filter_last] |= 1u << hash % 32;
    while (entries[at].length && (entries[at].hash != hash || memcmp(entries[at].key, key, length))) at = (at + 1) & entry_last;
    if (!entries[at].length) entries[at] = (struct entry){.hash = hash, .length = length, .first = all_ports};
    memcpy(entries[at].key, key, length);
    ports[entries[at].first + entries[at].count++].low = low;
    ports[all_ports++].high = high;
}

// Is there such a key, for that port?
static inline int is_entry(uint32_t hash, const char *key, size_t length, unsigned port) {
    if (!(filter[hash / 32 & filter_last] >> hash % 32 & 1)) return 0;
    for (uint32_t at = hash & entry_last; entries[at].length; at = (at + 1) & entry_last) {
        const struct entry *entry = &entries[at];
        if (entry->hash != hash || entry->length != length || memcmp(entry->key, key, length)) continue;
        for (unsigned i = entry->first; i < entry->first + entry->count; i++)
            if (port >= ports[i].low && port <= ports[i].high) return 1;
        return 0;
    }
    return 0;
}

// The names that led to addresses, each in its place.
static struct {
    volatile uint32_t sequence;
    char name[276];
} led[512];

static int denies_address(const struct sockaddr_in *to) {
    static const unsigned sizes[] = {24, 32};
    if (to->sin_family != AF_INET) return 0;
    if (led[mix(0, to->sin_addr.s_addr) % 512].sequence) abort();
    for (int i = 0; i < 2; i++) {
        char key[5] = {(char)sizes[i]};
        uint32_t network = htonl(ntohl(to->sin_addr.s_addr) & ~0u << (32 - sizes[i]));
        memcpy(key + 1, &network, 4);
        if (is_entry(hash_of(key, 5), key, 5, ntohs(to->sin_port))) return 1;
    }
    return 0;
}

// How long the beginnings and the ends are that are entered.
static unsigned char begins[16], ends[16];

// By every beginning and end of a length that occurs, if it is at an edge, and by the whole.
static int denies_name(const char *name, size_t length, char edge) {
    uint64_t hash = 1;
    size_t done = 0;
    for (const unsigned char *end = ends; *end && *end <= length; end++)
        if (name[length - *end] == edge && is_entry(hash_of(name + length - *end, *end), name + length - *end, *end, 0)) return 1;
    for (const unsigned char *begin = begins; *begin && *begin < length; begin++) {
        if (name[*begin] != edge) continue;
        for (; done + 8 <= *begin; done += 8) hash = mix(hash, word_at(name + done, 8));
        if (is_entry(mix(hash, word_at(name + done, *begin - done) + *begin) >> 7, name, *begin, 0)) return 1;
    }
    for (; done + 8 <= length; done += 8) hash = mix(hash, word_at(name + done, 8));
    return is_entry(mix(hash, word_at(name + done, length - done) + length) >> 7, name, length, 0);
}

// Does a slash or a dot come behind a slash? Eight places at a time.
static int has_odd_pair(const char *name, size_t length) {
    static const uint64_t ones = 0x0101010101010101;
    size_t at = 0;
    for (; at + 9 <= length; at += 8) {
        uint64_t both = (word_at(name + at, 8) ^ ones * '/') | ((word_at(name + at + 1, 8) | ones) ^ ones * '/');
        if ((both - ones) & ~both & ones << 7) return 1;
    }
    for (; at + 1 < length; at++)
        if (name[at] == '/' && (name[at + 1] | 1) == '/') return 1;
    return 0;
}

static size_t copied(char *room, size_t size, const char *text) {
    size_t length = strlen(text);
    if (length >= size) return 0;
    memcpy(room, text, length);
    room[length] = 0;
    return strlen(room);
}

static int refused(void) {
    errno = EACCES;
    return -1;
}

#define NEXT(result, name, parameters) static result (*next_##name) parameters

NEXT(int, connect, (int, const struct sockaddr *, socklen_t));
int connect(int fd, const struct sockaddr *to, socklen_t length) {
    struct sockaddr_storage copy;
    if (!active || length > sizeof copy) return next_connect(fd, to, length);
    memcpy(&copy, to, length);
    return denies_address((void *)&copy) ? refused() : next_connect(fd, (void *)&copy, length);
}

NEXT(ssize_t, sendto, (int, const void *, size_t, int, const struct sockaddr *, socklen_t));
ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length) {
    struct sockaddr_storage copy;
    if (!active || !to || length > sizeof copy) return next_sendto(fd, data, size, flags, to, length);
    memcpy(&copy, to, length);
    return denies_address((void *)&copy) ? refused() : next_sendto(fd, data, size, flags, (void *)&copy, length);
}

// What a resolver of the program's own is told says which names led where; less than a header, a name and a record is no answer.
NEXT(ssize_t, recv, (int, void *, size_t, int));
ssize_t recv(int fd, void *data, size_t size, int flags) {
    ssize_t received = next_recv(fd, data, size, flags);
    if (active && received > 32 && ((unsigned char *)data)[2] & 0x80 && ((unsigned char *)data)[5] == 1) abort();
    return received;
}

static unsigned denied_port = 9;

NEXT(int, bind, (int, const struct sockaddr *, socklen_t));
int bind(int fd, const struct sockaddr *to, socklen_t length) {
    struct sockaddr_storage copy;
    if (!active || length > sizeof copy) return next_bind(fd, to, length);
    memcpy(&copy, to, length);
    return ((struct sockaddr_in *)&copy)->sin_port == htons(denied_port) ? refused() : next_bind(fd, (void *)&copy, length);
}

// Which port the kernel has chosen is known to it alone.
NEXT(int, listen, (int, int));
int listen(int fd, int backlog) {
    struct sockaddr_storage bound;
    socklen_t length = sizeof bound;
    if (active && syscall(SYS_getsockname, fd, &bound, &length) == 0 && ((struct sockaddr_in *)&bound)->sin_port == htons(denied_port)) return refused();
    return next_listen(fd, backlog);
}

// The resolver sends by functions that are hooked, too.
static __thread int resolves;

extern char **environ;

// resolver(5), hostname(7).
static int searches(void) {
    for (char **entry = environ; *entry; entry++)
        if ((*entry)[0] == 'L' ? !strncmp(*entry, "LOCALDOMAIN=", 12) : (*entry)[0] == 'H' && !strncmp(*entry, "HOSTALIASES=", 12)) return 1;
    return 0;
}

NEXT(int, getaddrinfo, (const char *, const char *, const struct addrinfo *, struct addrinfo **));
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    char name[1025];
    size_t length;
    if (!active || !node || (hints && hints->ai_flags & AI_NUMERICHOST) || !(length = copied(name, sizeof name, node))) return next_getaddrinfo(node, service, hints, result);
    char folded[1025];
    for (size_t at = 0; at < length; at++) folded[at] = name[at] >= 'A' && name[at] <= 'Z' ? name[at] | 0x20 : name[at];
    if ((folded[0] < '0' || folded[0] > '9') && !memchr(folded, ':', length) && (denies_name(folded, length, '.') || searches())) return EAI_FAIL;
    resolves++;
    int status = next_getaddrinfo(name, service, hints, result);
    resolves--;
    // Are its addresses to be noted?
    if (!status && denies_name(folded, length, '.')) abort();
    return status;
}

// -2: the name is not the file's own, or nobody asks.
static int proved(const char *path, int flags) {
    char name[4096];
    size_t length;
    if (!active || flags & CREATES || !(length = copied(name, sizeof name, path))) return -2;
    if (name[0] != '/') {
        char whole[4096];
        long base = syscall(SYS_getcwd, whole, sizeof whole);
        if (base <= 0 || base + length >= sizeof whole) return -2;
        whole[base - 1] = '/';
        memcpy(whole + base, name, length + 1);
        if (denies_name(whole, base + length, '/')) return refused();
    } else if (denies_name(name, length, '/')) {
        return refused();
    }
    // Where there is a doubled slash or a dot after one, the words are not the name.
    if (has_odd_pair(name, length)) return -2;
    struct {
        uint64_t flags, mode, resolve;
    } how = {(unsigned)flags, 0, NO_SYMLINKS};
    int before;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
    int fd = syscall(SYS_openat2, AT_CWD, name, &how, sizeof how);
    pthread_setcanceltype(before, NULL);
    return fd < 0 && errno == ELOOP ? -2 : fd;
}

// Where the program lies that was started: there a name can be read. Anywhere else the kernel may have to be asked, for a bad pointer is an error, and
// ends nobody. The stack and the heap are left out here, for the names that are measured lie in neither.
static uintptr_t low, high;
static int note_program(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size, (void)data;
    low = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD) high = low + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
    return 1;
}
static int is_there(const char *name) {
    uintptr_t at = (uintptr_t)name;
    return (low <= at && at < high) || syscall(SYS_rt_sigprocmask, -1, at & ~7ul, NULL, 8) == 0 || errno != EFAULT;
}

NEXT(int, open, (const char *, int, unsigned));
int open(const char *path, int flags, unsigned mode) {
    int fd = is_there(path) ? proved(path, flags) : -2;
    return fd == -2 ? next_open(path, flags, mode) : fd;
}

NEXT(FILE *, fopen, (const char *, const char *));
FILE *fopen(const char *path, const char *mode) {
    int fd = mode[0] == 'r' && !mode[1] && is_there(path) ? proved(path, 0) : -2;
    return fd == -2 ? next_fopen(path, mode) : fd < 0 ? NULL : fdopen(fd, mode);
}

static char *child_preload;

// Is that a program that may not run, or that does not load what is preloaded?
static int denies_program(const char *path) {
    char name[4096], link[64], head[832];
    struct stat held, read;
    size_t length = copied(name, sizeof name, path);
    int fd = syscall(SYS_openat, AT_CWD, name, HELD | CLOEXEC, 0);
    if (!length || fd < 0) return 0;
    int runs = !fstat(fd, &held) && S_ISREG(held.st_mode) && !syscall(SYS_faccessat2, fd, "", X_OK, EFFECTIVE | EMPTY_PATH);
    snprintf(link, sizeof link, "/proc/thread-self/fd/%d", fd);
    ssize_t named = runs ? syscall(SYS_readlinkat, AT_CWD, link, name, sizeof name) : 0;
    int denied = named > 0 && denies_name(name, named, '/');
    int file = denied || !runs ? -1 : syscall(SYS_openat, AT_CWD, link, CLOEXEC, 0);
    if (file >= 0) {
        ssize_t size = pread(file, head, sizeof head, 0);
        const Elf64_Ehdr *elf = (void *)head;
        const Elf64_Phdr *part = (void *)(head + elf->e_phoff);
        denied = 1;
        for (int i = 0; size == sizeof head && elf->e_phoff < 128 && i < elf->e_phnum && (char *)&part[i + 1] < head + size; i++)
            if (part[i].p_type == PT_INTERP && part[i].p_offset < 800) denied = !strstr(head + part[i].p_offset, "/ld-linux");
        // It was that file, and still is.
        denied |= fstat(file, &read) || read.st_ino != held.st_ino || read.st_dev != held.st_dev;
        close(file);
    }
    denied |= fstat(fd, &read) || read.st_ino != held.st_ino || read.st_dev != held.st_dev;
    close(fd);
    return denied;
}

// A child's environment: the program's own, with the preload in it. On the stack, since this may be the child of vfork(2).
#define WITH_PRELOAD(given, made)                                                                     \
    size_t count_of_##made = 0;                                                                       \
    while ((given)[count_of_##made]) count_of_##made++;                                               \
    char *made[count_of_##made + 1];                                                                  \
    for (size_t at = 0; at <= count_of_##made; at++)                                                  \
        made[at] = (given)[at] && !strncmp((given)[at], "LD_PRELOAD=", 11) ? child_preload : (given)[at]

NEXT(int, posix_spawn, (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *, char *const *));
int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
    if (!active || !child_preload) return next_posix_spawn(pid, path, actions, attributes, argv, envp);
    if (denies_program(path)) return EACCES;
    WITH_PRELOAD(envp, made);
    return next_posix_spawn(pid, path, actions, attributes, argv, made);
}

NEXT(int, execve, (const char *, char *const *, char *const *));
int execve(const char *path, char *const argv[], char *const envp[]) {
    if (!active || !child_preload) return next_execve(path, argv, envp);
    if (denies_program(path)) return refused();
    WITH_PRELOAD(envp, made);
    return next_execve(path, argv, made);
}

// The entries that such a policy has for what is judged here: of ten thousand, a thousand are each of these.
static void enter_many(void) {
    char key[64];
    filter_last = sizeof filter / sizeof *filter - 1;
    entry_last = sizeof entries / sizeof *entries - 1;
    memcpy(begins, (unsigned char[]){13, 14, 15, 16}, 4);
    memcpy(ends, (unsigned char[]){8, 9, 10, 11, 14, 15, 16, 17}, 8);
    for (int i = 10; i < 10000; i += 10) {
        enter(key, sprintf(key, "/srv/secret%d/key.pem", i), 0, 0);
        enter((char[]){24, 10, (i + 2) / 256, (i + 2) % 256, 0}, 5, 0, 65535);
        enter(key, sprintf(key, ".evil%d.example", i + 3), 0, 0);
        enter(key, sprintf(key, "/srv/private%d", i + 4), 0, 0);
        enter(key, sprintf(key, "evil%d.example", i + 8), 0, 0);
        enter(key, sprintf(key, "/id_rsa%d", i + 9), 0, 0);
    }
    for (int last = 0; last < 256; last++)
        for (int i = 17; i < 10000; i += 10)
            if (i % 256 == last && last != 7) enter((char[]){32, (char)192, 0, 2, (char)last}, 5, 1024 + i, 1024 + i);
}

__attribute__((constructor)) static void start(void) {
    child_preload = getenv("FLOOR_CHILD");
    dl_iterate_phdr(note_program, NULL);
    next_recv = dlsym(RTLD_NEXT, "recv");
    next_posix_spawn = dlsym(RTLD_NEXT, "posix_spawn");
    next_execve = dlsym(RTLD_NEXT, "execve");
    next_connect = dlsym(RTLD_NEXT, "connect");
    next_sendto = dlsym(RTLD_NEXT, "sendto");
    next_bind = dlsym(RTLD_NEXT, "bind");
    next_listen = dlsym(RTLD_NEXT, "listen");
    next_getaddrinfo = dlsym(RTLD_NEXT, "getaddrinfo");
    next_open = dlsym(RTLD_NEXT, "open");
    next_fopen = dlsym(RTLD_NEXT, "fopen");
    memcpy(begins, (unsigned char[]){13}, 1);
    memcpy(ends, (unsigned char[]){8, 14}, 2);
    if (getenv("FLOOR_MANY")) enter_many();
    enter("\x18\x0a\x00\x02\x00", 5, 0, 65535);
    enter("\x20\xc0\x00\x02\x07", 5, 1031, 1031);
    // Extensions of the platform. That they are allowed is not told apart here from what is denied.
    static const unsigned extensions[] = {2772, 2773, 4317, 4318, 8125, 8126};
    for (int i = 0; i < 6; i++) enter("\x20\x7f\x00\x00\x01", 5, extensions[i], extensions[i]);
    enter(".evil3.example", 14, 0, 0);
    enter("evil8.example", 13, 0, 0);
    enter("/srv/secret0/key.pem", 20, 0, 0);
    enter("/srv/private4", 13, 0, 0);
    enter("/id_rsa9", 8, 0, 0);
    active = 1;
}
