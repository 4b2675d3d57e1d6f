# A compiler driver with its passes, make with many jobs, and what they built.
# needs: bash gcc make
cat >Makefile <<'END'
all: program; ./program < Makefile; ./program nowhere; echo "exit $$?"
program: main.o $(foreach i,1 2 3 4 5 6 7 8,part$(i).o); $(CC) -o $@ $^ -pthread
%.o: %.c; @$(CC) -O1 -Wall -pipe -c -o $@ $<
sub:; +@$(MAKE) --no-print-directory -f sub.mk
fails:; @false
END
printf 'all: a b\na b:; @sleep 0.05; echo $@ >>built\n' >sub.mk
for i in 1 2 3 4 5 6 7 8; do echo "int part$i(void) { return $i; }" >part$i.c; done
cat >main.c <<'END'
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *run(void *x) { errno = 7; FILE *f = fopen("/nowhere/at/all", "r"); printf("%p %s\n", (void *)f, strerror(errno)); return x; }
int main(int argc, char **argv) {
    int before = errno; pthread_t t; char line[64] = "";
    printf("errno %d, next descriptor %d\n", before, open("/dev/null", O_RDONLY));
    pthread_create(&t, 0, run, 0); pthread_join(t, 0);
    FILE *p = popen("echo from a shell; exit 3", "r"); fgets(line, sizeof line, p); printf("%s%d\n", line, pclose(p));
    printf("%d\n", system("exit 4")); fflush(stdout);
    if (argc > 1) { execlp(argv[1], argv[1], (char *)0); perror("exec"); return 5; }
    int c, n = 0; while ((c = getchar()) != EOF) n += c == '\n'; printf("%d lines\n", n); return 0;
}
END
make -s -j4; make -s -j2 sub; sort built; make fails; echo "make $?"; make nothing; echo "make $?"
echo 'int main(void) { return missing(); }' >bad.c; gcc -fno-diagnostics-color bad.c 2>&1 | grep -c undefined; gcc nothing.c; echo "gcc $?"
gcc -E -x c - <<<'#include "nowhere.h"'; gcc -save-temps -O2 -flto -o lto part1.c main.c 2>&1 | grep -v serial; ls *.s *.i; gcc -static -o static part1.c -x c - <<<'#include <stdio.h>
int main(void) { puts("a static program"); return 0; }' && ./static; gcc -print-prog-name=cc1 | xargs test -x; echo $?
