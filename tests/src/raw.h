/* System calls that no hook sees: for what a test prepares, and for what cannot be stopped. */
#ifndef RAW_H
#define RAW_H
#include <errno.h>
#include <sys/syscall.h>

static inline long raw6(long number, long a, long b, long c, long d, long e, long f) {
    long result;
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    result = x0;
#endif
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

#define RAW_6(n, a, b, c, d, e, f, ...) raw6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define raw(...) RAW_6(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

/* The plain names that arm64 has no number for. */
static inline int raw_unlink(const char *path) { return (int)raw(SYS_unlinkat, -100, path, 0); }
static inline int raw_rmdir(const char *path) { return (int)raw(SYS_unlinkat, -100, path, 0x200); }
static inline int raw_mkdir(const char *path, int mode) { return (int)raw(SYS_mkdirat, -100, path, mode); }
static inline int raw_mkfifo(const char *path, int mode) { return (int)raw(SYS_mknodat, -100, path, 0010000 | mode, 0); }
static inline int raw_symlink(const char *target, const char *path) { return (int)raw(SYS_symlinkat, target, -100, path); }
static inline int raw_chmod(const char *path, int mode) { return (int)raw(SYS_fchmodat, -100, path, mode); }
#endif
