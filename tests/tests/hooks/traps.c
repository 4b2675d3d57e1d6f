/* Memory and locks, which end the program while trap(1) is in force in a thread. */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <unistd.h>

static __thread int is_armed __attribute__((tls_model("initial-exec")));

void trap(int on) { is_armed = on; }

static void sprung(const char *what, size_t length) {
    is_armed = 0;
    if (write(2, what, length) < 0) _exit(121);
    _exit(120);
}
#define SPRING(what) if (is_armed) sprung(what " in a hook\n", sizeof what " in a hook\n" - 1)

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);
void *malloc(size_t size) { SPRING("malloc"); return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { SPRING("calloc"); return __libc_calloc(count, size); }
void *realloc(void *memory, size_t size) { SPRING("realloc"); return __libc_realloc(memory, size); }
void *memalign(size_t alignment, size_t size) { SPRING("memalign"); return __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { SPRING("aligned_alloc"); return __libc_memalign(alignment, size); }
int posix_memalign(void **memory, size_t alignment, size_t size) {
    SPRING("posix_memalign");
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : 12;
}
void free(void *memory) { SPRING("free"); __libc_free(memory); }

#define LOCK(name, ...) \
    int name(__VA_ARGS__ *lock) { \
        SPRING(#name); \
        int (*next)(__VA_ARGS__ *) = dlsym(RTLD_NEXT, #name); \
        return next(lock); \
    }
LOCK(pthread_mutex_lock, pthread_mutex_t)
LOCK(pthread_mutex_trylock, pthread_mutex_t)
LOCK(pthread_mutex_unlock, pthread_mutex_t)
LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
LOCK(pthread_spin_lock, pthread_spinlock_t)
LOCK(sem_wait, sem_t)
