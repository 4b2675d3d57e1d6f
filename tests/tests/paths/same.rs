//! What an open gives, and what it leaves, is the same with the library: where the policy says nothing about the file, and
//! where it has to look twice.

use palisade_tests::{Log, Run, compile, policy, records};
use serde_json::json;

use crate::{Way, furnish, program};

#[rustfmt::skip]
pub const WAYS: &[Way] = &[
    ("the lowest descriptor through a link", r#"close(0); fd = open("link", O_RDONLY)"#),
    ("the lowest descriptor for a new file", r#"other = open("/dev/null", O_RDONLY); open("/dev/null", O_RDONLY); close(other); fd = open("new", O_RDWR | O_CREAT, 0644)"#),
    ("the lowest descriptor for a stream", r#"close(0); fd = stream(fopen("link", "r"))"#),
    ("O_EXCL on a file that is there", r#"fd = open("secret", O_RDWR | O_CREAT | O_EXCL, 0644)"#),
    ("O_CREAT on a file that is there", r#"fd = open("secret", O_RDWR | O_CREAT, 0644)"#),
    ("O_CREAT and O_TRUNC on a file that is there", r#"fd = open("here/secret", O_WRONLY | O_CREAT | O_TRUNC, 0644)"#),
    ("O_EXCL on a link to nothing", r#"fd = open("dangling", O_RDWR | O_CREAT | O_EXCL, 0644)"#),
    ("O_NOFOLLOW on a link", r#"fd = open("link", O_RDONLY | O_NOFOLLOW)"#),
    ("O_NOFOLLOW on a file", r#"fd = open("secret", O_RDONLY | O_NOFOLLOW)"#),
    ("O_NOFOLLOW and O_CREAT on a link to nothing", r#"fd = open("dangling", O_RDWR | O_CREAT | O_NOFOLLOW, 0644)"#),
    ("O_TMPFILE", r#"fd = open("dir", O_TMPFILE | O_RDWR, 0640)"#),
    ("O_TMPFILE on a file", r#"fd = open("secret", O_TMPFILE | O_RDWR, 0640)"#),
    ("O_DIRECTORY", r#"fd = open("jump", O_RDONLY | O_DIRECTORY)"#),
    ("O_DIRECTORY on a file", r#"fd = open("link", O_RDONLY | O_DIRECTORY)"#),
    ("a directory to write", r#"fd = open("dir", O_RDWR)"#),
    ("O_PATH of a link", r#"fd = open("link", O_PATH | O_NOFOLLOW)"#),
    ("O_APPEND", r#"fd = open("link", O_RDWR | O_APPEND)"#),
    ("O_CLOEXEC", r#"fd = open("chain", O_RDONLY | O_CLOEXEC)"#),
    ("O_SYNC", r#"fd = open("chain", O_RDWR | O_SYNC | O_NOATIME)"#),
    ("O_NONBLOCK on a pipe that nobody writes", r#"raw_mkfifo("pipe", 0600); fd = open("pipe", O_RDONLY | O_NONBLOCK)"#),
    ("O_NONBLOCK on a pipe that nobody reads", r#"raw_mkfifo("pipe", 0600); errno = 4242; fd = open("pipe", O_WRONLY | O_NONBLOCK)"#),
    ("both ends of a pipe through a link", r#"raw_mkfifo("pipe", 0600); if (raw_symlink("pipe", "p")) abort(); fd = open("p", O_RDWR)"#),
    ("a pipe through a link, until a signal comes", r#"raw_mkfifo("pipe", 0600); if (raw_symlink("pipe", "p")) abort(); struct sigaction handled = {0}; handled.sa_handler = ignore; sigaction(SIGALRM, &handled, NULL); ualarm(50000, 0); errno = 4242; fd = open("p", O_RDONLY); alarm(2); close(open("secret", O_RDONLY))"#),
    ("a link that has become a file", r#"for (int i = 0; i < 3; i++) close(open("link", O_RDONLY)); if (raw_unlink("link")) abort(); close(open("link", O_RDWR | O_CREAT, 0600)); errno = 4242; fd = open("link", O_RDONLY)"#),
    ("a link that leads elsewhere than before", r#"for (int i = 0; i < 3; i++) close(open("link", O_RDONLY)); if (raw_unlink("link") || raw_symlink("dir", "link")) abort(); errno = 4242; fd = open("link", O_RDONLY)"#),
    ("a stream through a link", r#"fd = stream(fopen("link", "r+e"))"#),
    ("a stream of a folder", r#"fd = stream(fopen("dir", "rb"))"#),
    ("a pipe that a child opens", r#"raw_mkfifo("pipe", 0600); if (fork() == 0) { fd = open("pipe", O_WRONLY); _exit(0); } fd = open("pipe", O_RDONLY); wait(NULL)"#),
    ("a socket", r#"other = socket(AF_UNIX, SOCK_STREAM, 0); struct sockaddr a = {AF_UNIX, "sock"}; bind(other, &a, 7); errno = 4242; fd = open("sock", O_RDWR)"#),
    ("/dev/stdin", r#"fd = open("/dev/stdin", O_RDONLY)"#),
    ("/dev/null", r#"fd = open("/dev/null", O_RDWR | O_CREAT | O_TRUNC, 0666)"#),
    ("a terminal that is not there", r#"fd = open("/dev/tty", O_RDWR)"#),
    ("a file of /proc", r#"fd = open("/proc/self/comm", O_RDWR)"#),
    ("the mode of a new file", r#"umask(027); fd = open("new", O_RDWR | O_CREAT, 0777)"#),
    ("the mode of a new file with odd bits", r#"umask(0); fd = open("here/new", O_RDWR | O_CREAT, 07777 | 0100000)"#),
    ("the mode of a new file through a link to nothing", r#"umask(077); fd = open("chain.new", O_RDWR | O_CREAT | O_TRUNC, 0666)"#),
    ("the mode of a new stream", r#"umask(026); fd = stream(fopen("here/new", "w"))"#),
    ("a new file in a folder that is not there", r#"fd = open("no/new", O_RDWR | O_CREAT, 0644)"#),
    ("a new file below a file", r#"fd = open("secret/new", O_RDWR | O_CREAT, 0644)"#),
    ("a new file with a slash behind it", r#"fd = open("new/", O_RDWR | O_CREAT, 0644)"#),
    ("a folder with a slash behind it", r#"fd = open("jump/", O_RDONLY)"#),
    ("a file with a slash behind it", r#"fd = open("link/", O_RDONLY)"#),
    ("creating a folder", r#"fd = open("dir", O_RDWR | O_CREAT, 0644)"#),
    ("creating a folder that is only read", r#"fd = open("dir", O_RDONLY | O_CREAT, 0644)"#),
    ("creating a folder past the cache", r#"fd = open("dir", O_RDONLY | O_CREAT | O_DIRECT, 0644)"#),
    ("creating a folder behind a link past the cache", r#"fd = open("jump", O_RDONLY | O_CREAT | O_DIRECT, 0644)"#),
    ("creating a folder without opening it", r#"fd = open("dir", O_PATH | O_CREAT | O_DIRECT, 0644)"#),
    ("creating what ends in dots", r#"fd = open("dir/..", O_RDWR | O_CREAT, 0644)"#),
    ("a loop", r#"fd = open("loop", O_RDONLY)"#),
    ("creating a loop", r#"fd = open("loop", O_RDWR | O_CREAT, 0644)"#),
    ("a component of 255 bytes", r#"fd = open(text("%0255d", 7), O_RDWR | O_CREAT, 0644)"#),
    ("a component of 256 bytes", r#"fd = open(text("%0256d", 7), O_RDWR | O_CREAT, 0644)"#),
    ("a path of 4095 bytes", r#"memset(room, '/', 4095); memcpy(room, ".", 1); memcpy(room + 4089, "secret", 7); fd = open(room, O_RDONLY)"#),
    ("a path of 4096 bytes", r#"memset(room, '/', 4096); memcpy(room, ".", 1); memcpy(room + 4090, "secret", 7); fd = open(room, O_RDONLY)"#),
    ("a new file behind 4095 bytes", r#"memset(room, '/', 4095); memcpy(room, "here", 4); memcpy(room + 4092, "new", 4); fd = open(room, O_RDWR | O_CREAT, 0644)"#),
    ("a file below 5000 bytes of folders", r#"memset(room, 'd', 250); room[250] = 0; for (int i = 0; i < 20; i++) if (raw_mkdir(room, 0755) || chdir(room)) abort(); fd = open("deep", O_RDWR | O_CREAT, 0644)"#),
    ("a file in a folder that was deleted", r#"if (chdir("dir/deep") || raw_rmdir("../deep")) abort(); fd = open("x", O_RDWR | O_CREAT, 0644)"#),
    ("a name that ends as deleted ones do", r#"fd = open("x (deleted)", O_RDWR | O_CREAT, 0644)"#),
    ("a name that is no text", r#"fd = open("\xff\x01\n", O_RDWR | O_CREAT, 0644)"#),
    ("a full table of descriptors", r#"while ((other = dup(1)) >= 0); fd = open("link", O_RDONLY)"#),
    ("a table of descriptors with one place", r#"while ((other = dup(1)) >= 0) fd = other; close(fd); errno = 4242; fd = open("link", O_RDONLY)"#),
    ("a table of descriptors with one place for a stream", r#"while ((other = dup(1)) >= 0) fd = other; close(fd); errno = 4242; fd = stream(fopen("link", "r"))"#),
    ("record locks of a file that is opened again", r#"
        struct flock lock = {.l_type = F_WRLCK}; other = open("secret", O_RDWR); if (fcntl(other, F_SETLK, &lock)) abort();
        fd = open("chain", O_RDONLY); int status;
        if (fork() == 0) { struct flock asked = {.l_type = F_WRLCK}; fcntl(other, F_GETLK, &asked); _exit(asked.l_type == F_UNLCK); }
        wait(&status); printf("lock %s ", status ? "lost" : "kept"); errno = 4242"#),
    ("record locks of a program that is started again", r#"
        struct flock lock = {.l_type = F_WRLCK}; other = open("secret", O_RDWR); if (fcntl(other, F_SETLK, &lock)) abort();
        FILE *twice = fopen("link", "r"); fd = stream(twice); int status;
        if (fork() == 0) { struct flock asked = {.l_type = F_WRLCK}; fcntl(other, F_GETLK, &asked); _exit(asked.l_type == F_UNLCK); }
        wait(&status); printf("lock %s ", status ? "lost" : "kept"); errno = 4242"#),
    ("as another user", r#"if (raw_chmod("secret", 0600) || raw_chmod(".", 0755) || setgid(65534) || setuid(65534)) abort(); errno = 4242; fd = open("link", O_RDONLY)"#),
    ("as another user in a folder that must not be looked into", r#"if (raw_chmod(".", 0755) || raw_chmod("dir", 0311) || raw_chmod("secret", 0644) || setgid(65534) || setuid(65534)) abort(); errno = 4242; fd = open("dir/up", O_RDONLY)"#),
    ("a file that may be written and not read", r#"fd = open("new", O_RDWR | O_CREAT, 0622); close(fd); if (raw_chmod(".", 0755) || setgid(65534) || setuid(65534)) abort(); errno = 4242; fd = open("here/new", O_WRONLY)"#),
    ("on a thread whose first thread has gone", r#"fd = open("/proc/thread-self/root/proc/self/../../dev/null", O_RDONLY)"#),
    ("a stream that is opened again", r#"FILE *first = fopen("secret", "r"); fd = stream(freopen("link", "r+", first))"#),
    ("a stream that is opened again on another file", r#"FILE *first = fopen("/dev/null", "r"); fd = stream(freopen("here/new", "w", first))"#),
    ("a stream that gets another mode", r#"FILE *first = fopen("secret", "r+"); fd = stream(freopen(NULL, "r", first))"#),
    ("standard input that becomes a file", r#"fd = stream(freopen("link", "r", stdin))"#),
    ("a folder's stream", r#"DIR *folder = opendir("jump"); fd = dirfd(folder); errno = 4242"#),
    ("a file's stream of entries", r#"fd = opendir("link") ? 1 : -1"#),
];

/// Ways that are not the same yet.
#[rustfmt::skip]
const DIFFERENT: &[Way] = &[
    ("/proc/self/fd of a pipe", r#"int two[2]; if (pipe(two)) abort(); fd = open(text("/proc/self/fd/%d", two[0]), O_RDONLY)"#),
    ("the folder that was deleted", r#"if (chdir("dir/deep") || raw_rmdir("../deep")) abort(); fd = open(".", O_RDONLY)"#),
    ("a table of descriptors with one place for a new file", r#"while ((other = dup(1)) >= 0) fd = other; close(fd); errno = 4242; fd = open("dangling", O_RDWR | O_CREAT, 0644)"#),
];

/// Runs a program where the kernel answers `openat2` as one before Linux 5.6 does, or as a filter that has not heard of it.
const OLDER_KERNEL: &str = r#"#include <errno.h>
    #include <linux/filter.h>
    #include <linux/seccomp.h>
    #include <stddef.h>
    #include <stdio.h>
    #include <sys/prctl.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    int main(int count, char **words) {
        struct sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog filter = {sizeof code / sizeof *code, code};
        if (count < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) return perror("filter"), 99;
        execv(words[1], words + 1);
        return perror(words[1]), 98;
    }"#;

fn compare(ways: &[Way], effect: &str, deny: &str, audits: bool) {
    compare_under(&[], ways, effect, deny, audits);
}

fn compare_under(under: &[&str], ways: &[Way], effect: &str, deny: &str, audits: bool) {
    let program = program(ways);
    let mut differences = String::new();
    let mut heard = 0;
    for (index, (way, _)) in ways.iter().enumerate() {
        let make = || {
            let run = Run::new(&program).arg(index.to_string()).under(under);
            furnish(run.folder());
            run
        };
        let natural = make().without_library().go();
        let sections = json!({ "filesystem": { "effect": effect, "deny": [deny] } });
        // To standard error: the writer, at work beside the program, opens a file anew for each line.
        let ours = make().policy(&policy(sections)).log(Log::Unset).go();
        if natural.text() != ours.text() || natural.code() != ours.code() {
            differences.push_str(&format!(
                "{way}\n  without: {} {}  with:    {} {}",
                natural.code(),
                natural.text(),
                ours.code(),
                ours.text()
            ));
        }
        heard += records(&ours.stderr).len();
    }
    assert!(differences.is_empty(), "{differences}");
    assert_eq!(heard > 0, audits, "{heard} audits");
}

#[test]
fn an_open_that_no_entry_speaks_of_is_the_same() {
    compare(WAYS, "prevent", "/none/such", false);
}

#[test]
fn an_open_that_is_reported_is_the_same() {
    compare(WAYS, "alert", "/**", true);
}

#[test]
fn an_open_of_what_has_no_name_is_the_same() {
    compare(DIFFERENT, "prevent", "/none/such", false);
}

#[test]
fn an_open_is_the_same_where_the_kernel_has_no_openat2() {
    let older = compile(OLDER_KERNEL, &["-O1"]);
    let under = [older.to_str().expect("a path")];
    // With one place in the table the file is opened by its name, with an O_NOFOLLOW that F_GETFL shows.
    let shown = [
        "a table of descriptors with one place",
        "a table of descriptors with one place for a new file",
    ];
    let others = |ways: &[Way]| -> Vec<Way> {
        let others = ways.iter().filter(|(way, _)| !shown.contains(way));
        others.copied().collect()
    };
    compare_under(&under, &others(WAYS), "prevent", "/none/such", false);
    compare_under(&under, &others(WAYS), "alert", "/**", true);
    compare_under(&under, &others(DIFFERENT), "prevent", "/none/such", false);
}
