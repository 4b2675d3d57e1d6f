// The floor of a call that is judged: a preload that does by hand what no hook with a verdict on ten entries can leave out, and nothing else. It
// copies what it judges, because another thread may write over it; looks that copy up by a hash, one for each length that an entry could have; and
// passes the copy on. It knows no audit, no child, no second name of a file, no resolver of the program's own, no learning, no `alert`, and
// what it finds it does not tell: a defence made of it would stop next to nothing.
#define _GNU_SOURCE
// Not fcntl.h, whose open has no third argument to pass on.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AT_CWD -100
#define CREATES 0100
#define CLOEXEC 02000000
#define NO_SYMLINKS 4

static volatile unsigned active;
static uint32_t filter[64];
static struct entry {
    uint32_t hash, low, high;
    unsigned char length;
    char key[31];
} entries[32];

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

static void enter(const char *key, size_t length, unsigned low, unsigned high) {
    uint32_t hash = hash_of(key, length), at = hash % 32;
    filter[hash / 32 % 64] |= 1u << hash % 32;
    while (entries[at].length) at = (at + 1) % 32;
    entries[at] = (struct entry){hash, low, high, length, ""};
    memcpy(entries[at].key, key, length);
}

// Is there such a key, for that port?
static inline int is_entry(uint32_t hash, const char *key, size_t length, unsigned port) {
    if (!(filter[hash / 32 % 64] >> hash % 32 & 1)) return 0;
    for (uint32_t at = hash % 32; entries[at].length; at = (at + 1) % 32) {
        const struct entry *entry = &entries[at];
        if (entry->hash == hash && entry->length == length && !memcmp(entry->key, key, length))
            return port >= entry->low && port <= entry->high;
    }
    return 0;
}

static int denies_address(const struct sockaddr_in *to) {
    static const unsigned sizes[] = {24, 32};
    if (to->sin_family != AF_INET) return 0;
    for (int i = 0; i < 2; i++) {
        char key[5] = {(char)sizes[i]};
        uint32_t network = htonl(ntohl(to->sin_addr.s_addr) & ~0u << (32 - sizes[i]));
        memcpy(key + 1, &network, 4);
        if (is_entry(hash_of(key, 5), key, 5, ntohs(to->sin_port))) return 1;
    }
    return 0;
}

// By every beginning that stops at an edge, by the whole, and by its last part.
static int denies_name(const char *name, size_t length, char edge) {
    uint64_t hash = 1;
    size_t done = 0, last = 0;
    for (size_t at = 0; at < length; at++) {
        if (name[at] != edge) continue;
        last = at;
        while (done + 8 <= at) hash = mix(hash, word_at(name + done, 8)), done += 8;
        if (is_entry(mix(hash, word_at(name + done, at - done) + at) >> 7, name, at, 0)) return 1;
    }
    return is_entry(hash_of(name, length), name, length, 0) || is_entry(hash_of(name + last, length - last), name + last, length - last, 0);
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

NEXT(int, getaddrinfo, (const char *, const char *, const struct addrinfo *, struct addrinfo **));
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    char name[1025];
    size_t length;
    if (!active || !node || (hints && hints->ai_flags & AI_NUMERICHOST) || !(length = copied(name, sizeof name, node))) return next_getaddrinfo(node, service, hints, result);
    char folded[1025];
    for (size_t at = 0; at < length; at++) folded[at] = name[at] >= 'A' && name[at] <= 'Z' ? name[at] | 0x20 : name[at];
    if (denies_name(folded, length, '.')) return EAI_FAIL;
    resolves++;
    int status = next_getaddrinfo(name, service, hints, result);
    resolves--;
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
    if (strstr(name, "//") || strstr(name, "/.")) return -2;
    struct {
        uint64_t flags, mode, resolve;
    } how = {(unsigned)flags, 0, NO_SYMLINKS};
    int fd = syscall(SYS_openat2, AT_CWD, name, &how, sizeof how);
    return fd < 0 && errno == ELOOP ? -2 : fd;
}

NEXT(int, open, (const char *, int, unsigned));
int open(const char *path, int flags, unsigned mode) {
    int fd = proved(path, flags);
    return fd == -2 ? next_open(path, flags, mode) : fd;
}

NEXT(FILE *, fopen, (const char *, const char *));
FILE *fopen(const char *path, const char *mode) {
    int fd = mode[0] == 'r' && !mode[1] ? proved(path, 0) : -2;
    return fd == -2 ? next_fopen(path, mode) : fd < 0 ? NULL : fdopen(fd, mode);
}

__attribute__((constructor)) static void start(void) {
    next_connect = dlsym(RTLD_NEXT, "connect");
    next_sendto = dlsym(RTLD_NEXT, "sendto");
    next_bind = dlsym(RTLD_NEXT, "bind");
    next_listen = dlsym(RTLD_NEXT, "listen");
    next_getaddrinfo = dlsym(RTLD_NEXT, "getaddrinfo");
    next_open = dlsym(RTLD_NEXT, "open");
    next_fopen = dlsym(RTLD_NEXT, "fopen");
    enter("\x18\x0a\x00\x02\x00", 5, 0, 65535);
    enter("\x20\xc0\x00\x02\x07", 5, 1031, 1031);
    enter(".evil3.example", 14, 0, 0);
    enter("evil8.example", 13, 0, 0);
    enter("/srv/secret0/key.pem", 20, 0, 0);
    enter("/srv/private4", 13, 0, 0);
    enter("/id_rsa9", 8, 0, 0);
    active = 1;
}
