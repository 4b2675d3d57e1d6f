//! The hooked functions: a line each.

/// What kind of function it is: which section of a policy judges it, and how a refusal looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The caller turns into `path`.
    Exec,
    /// As `Exec`, and found by its `base` name in `PATH`.
    ExecSearched,
    /// A new process runs `path`.
    Spawn,
    /// As `Spawn`, and found by its `base` name in `PATH`.
    SpawnSearched,
    /// A new process runs `command` in a shell, and its status is the result.
    Shell,
    /// A new process runs `command` in a shell, and a stream of its output is the result.
    StreamOfShell,
    /// A new process runs what stands in `command` between `$(` and `)`.
    Words,
    /// `fd` is connected to `address`.
    Connect,
    /// `payload` goes to the peer of `fd`.
    Send,
    /// `payload` goes to `address`, or to the peer of `fd`.
    SendTo,
    /// The peer of `fd` gets bytes that the kernel takes from somewhere else.
    Copy,
    /// What has come for `fd` is taken. No policy forbids that; where destinations are allowed by name, the answers of
    /// name servers are read (`names` is about these).
    Receive,
    /// As `Receive`, of what was resolved in the background.
    Settle,
    /// `fd` gets `address`.
    Bind,
    /// `fd`, which has a port already, waits for others.
    Listen,
    /// `fd`, which waits for others, takes the next.
    Accept,
    /// `name` is resolved, and a number of `EAI_` says what came of it.
    Name,
    /// `name` is resolved, and `h_errno` says what came of it.
    Entry,
    /// As `Entry`, with a number as the result.
    EntryInRoom,
    /// `name` is asked for at a name server.
    Lookup,
    /// As `Lookup`, for `name` within `host`.
    LookupWithin,
    /// The name of the address `reversed` is looked up.
    Reverse,
    /// As `Reverse`, with a number as the result.
    ReverseInRoom,
    /// The name of `address` is looked up.
    ReverseAddress,
    /// `path` is opened with `flags`.
    Open,
    /// As `Open`, and it creates nothing.
    OpenExisting,
    /// `path` is created or truncated, and written.
    Create,
    /// `path` is opened with `mode`.
    Stream,
    /// The folder `path` is opened.
    Folder,
    /// The names in the folder `path` are listed.
    List,
    /// The file `path` is removed.
    Remove,
    /// The folder `path` is removed.
    RemoveFolder,
    /// `path` gets the name `second`, too or instead.
    Rename,
    /// `path`, which is not there, is made.
    Make,
    /// The file `path` is changed.
    Change,
    /// The link `path` is read.
    ReadLink,
    /// The file `path` is going to be read.
    Look,
    /// The object of shared memory `name` is opened with `flags`.
    SharedMemory,
    /// The object of shared memory `name` is removed.
    SharedMemoryGone,
    /// A file is made from `template`, and opened.
    Temporary,
    /// A folder is made from `template`.
    TemporaryFolder,
    /// A file is made in `/tmp` and opened.
    TemporaryStream,
    /// The process ends with status 7.
    End,
    /// A way around the others: `bypass` is about these.
    Around,
}

/// One hooked function.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its exported name; or `SYS_name`, for that number of `syscall(2)`.
    pub symbol: &'static str,
    pub kind: Kind,
    /// The call in C, over the variables of frame.c.
    pub call: &'static str,
}

const fn row(symbol: &'static str, kind: Kind, call: &'static str) -> Row {
    Row { symbol, kind, call }
}

use Kind::*;

#[rustfmt::skip]
const FUNCTIONS: &[Row] = &[
    row("execve", Exec, "execve(path, argv, envp)"),
    row("execv", Exec, "execv(path, argv)"),
    row("execvp", ExecSearched, "execvp(base, argv)"),
    row("execvpe", ExecSearched, "execvpe(base, argv, envp)"),
    row("execveat", Exec, "execveat(dir, path, argv, envp, flags)"),
    row("fexecve", Exec, "fexecve(fd < 0 ? open(path, O_PATH) : fd, argv, envp)"),
    row("execl", Exec, "execl(path, words[0], words[1], (char *)0)"),
    row("execle", Exec, "execle(path, words[0], words[1], (char *)0, envp)"),
    row("execlp", ExecSearched, "execlp(base, words[0], words[1], (char *)0)"),
    row("posix_spawn", Spawn, "posix_spawn(&pid, path, NULL, NULL, argv, envp)"),
    row("posix_spawnp", SpawnSearched, "posix_spawnp(&pid, base, NULL, NULL, argv, envp)"),
    row("pidfd_spawn", Spawn, "pidfd_spawn ? spawned(pidfd_spawn(&pidfd, path, NULL, NULL, argv, envp)) : ENOSYS"),
    row("pidfd_spawnp", SpawnSearched, "pidfd_spawnp ? spawned(pidfd_spawnp(&pidfd, base, NULL, NULL, argv, envp)) : ENOSYS"),
    row("system", Shell, "system(command)"),
    row("__libc_system", Shell, "__libc_system(command)"),
    row("popen", StreamOfShell, "popen(command, mode)"),
    row("_IO_popen", StreamOfShell, "_IO_popen(command, mode)"),
    row("wordexp", Words, "wordexp(command, &words_of, flags)"),
    row("_exit", End, "(_exit(7), 0)"),
    row("_Exit", End, "(_Exit(7), 0)"),
    row("connect", Connect, "connect(fd, address, length)"),
    row("__connect", Connect, "__connect(fd, address, length)"),
    row("send", Send, "send(fd, payload, payload_size, 0)"),
    row("__send", Send, "__send(fd, payload, payload_size, 0)"),
    row("write", Send, "write(fd, payload, payload_size)"),
    row("__write", Send, "__write(fd, payload, payload_size)"),
    row("writev", Send, "writev(fd, vectors, 2)"),
    row("pwritev2", Send, "pwritev2(fd, vectors, 2, -1, 0)"),
    row("pwritev64v2", Send, "pwritev64v2(fd, vectors, 2, -1, 0)"),
    row("aio_write", Send, "(make_job(), written(aio_write(&job)))"),
    row("aio_write64", Send, "(make_job(), written(aio_write64((void *)&job)))"),
    row("lio_listio", Send, "(make_job(), written(lio_listio(LIO_WAIT, jobs, 1, NULL)))"),
    row("lio_listio64", Send, "(make_job(), written(lio_listio64(LIO_WAIT, (void *)jobs, 1, NULL)))"),
    row("sendfile", Copy, "sendfile(fd, payload_file(), NULL, payload_size)"),
    row("sendfile64", Copy, "sendfile64(fd, payload_file(), NULL, payload_size)"),
    row("splice", Copy, "splice(payload_pipe(), NULL, fd, NULL, payload_size, 0)"),
    row("sendto", SendTo, "sendto(fd, payload, payload_size, 0, address, length)"),
    row("sendmsg", SendTo, "sendmsg(fd, messages, 0)"),
    row("sendmmsg", SendTo, "sendmmsg(fd, manies, 1, 0)"),
    row("__sendmmsg", SendTo, "__sendmmsg(fd, manies, 1, 0)"),
    row("recv", Receive, "recv(fd, room, amount, flags)"),
    row("__recv_chk", Receive, "__recv_chk(fd, room, amount, sizeof room, flags)"),
    row("recvfrom", Receive, "recvfrom(fd, room, amount, flags, sender, &sender_size)"),
    row("__recvfrom_chk", Receive, "__recvfrom_chk(fd, room, amount, sizeof room, flags, sender, &sender_size)"),
    row("recvmsg", Receive, "recvmsg(fd, incoming, flags)"),
    row("recvmmsg", Receive, "recvmmsg(fd, incomings, 2, flags | MSG_DONTWAIT, NULL)"),
    row("read", Receive, "read(fd, room, amount)"),
    row("__read", Receive, "__read(fd, room, amount)"),
    row("__read_chk", Receive, "__read_chk(fd, room, amount, sizeof room)"),
    row("readv", Receive, "readv(fd, pieces, 2)"),
    row("bind", Bind, "bind(fd, address, length)"),
    row("listen", Listen, "listen(fd, backlog)"),
    row("accept", Accept, "accept(fd, NULL, NULL)"),
    row("accept4", Accept, "accept4(fd, NULL, NULL, SOCK_CLOEXEC)"),
    row("getaddrinfo", Name, "getaddrinfo(name, NULL, NULL, &found)"),
    row("getaddrinfo_a", Name, "getaddrinfo_a(GAI_WAIT, requests, 1, NULL)"),
    row("gai_error", Settle, "gai_error(settled())"),
    row("gai_suspend", Settle, "gai_suspend((const struct gaicb *[]){settled(), NULL}, 2, NULL)"),
    row("gethostbyname", Entry, "gethostbyname(name)"),
    row("gethostbyname2", Entry, "gethostbyname2(name, AF_INET6)"),
    row("gethostbyname_r", EntryInRoom, "told_why(gethostbyname_r(name, &entry, room, sizeof room, &entries, &why))"),
    row("gethostbyname2_r", EntryInRoom, "told_why(gethostbyname2_r(name, AF_INET, &entry, room, sizeof room, &entries, &why))"),
    row("gethostbyaddr", Reverse, "gethostbyaddr(&reversed, 4, reverse)"),
    row("gethostbyaddr_r", ReverseInRoom, "told_why(gethostbyaddr_r(&reversed, 4, reverse, &entry, room, sizeof room, &entries, &why))"),
    row("getnetbyname", Entry, "getnetbyname(name)"),
    row("getnetbyname_r", EntryInRoom, "told_why(getnetbyname_r(name, (void *)&entry, room, sizeof room, (void *)&entries, &why))"),
    row("getnetbyaddr", Reverse, "getnetbyaddr(ntohl(reversed.s_addr), reverse)"),
    row("getnetbyaddr_r", ReverseInRoom, "told_why(getnetbyaddr_r(ntohl(reversed.s_addr), reverse, (void *)&entry, room, sizeof room, (void *)&entries, &why))"),
    row("getnameinfo", ReverseAddress, "getnameinfo(address, length, room, sizeof room, NULL, 0, flags)"),
    row("res_query", Lookup, "res_query(name, 1, 1, answer, size)"),
    row("res_search", Lookup, "res_search(name, 1, 1, answer, size)"),
    row("res_nquery", Lookup, "res_nquery(resolver(), name, 1, 1, answer, size)"),
    row("res_nsearch", Lookup, "res_nsearch(resolver(), name, 1, 1, answer, size)"),
    row("res_send", Lookup, "res_send(payload, payload_size, answer, size)"),
    row("res_nsend", Lookup, "res_nsend(resolver(), payload, payload_size, answer, size)"),
    row("res_querydomain", LookupWithin, "res_querydomain(name, host, 1, 1, answer, size)"),
    row("res_nquerydomain", LookupWithin, "res_nquerydomain(resolver(), name, host, 1, 1, answer, size)"),
    row("__res_query", Lookup, "old___res_query(name, 1, 1, answer, size)"),
    row("__res_search", Lookup, "old___res_search(name, 1, 1, answer, size)"),
    row("__res_nquery", Lookup, "old___res_nquery(resolver(), name, 1, 1, answer, size)"),
    row("__res_nsearch", Lookup, "old___res_nsearch(resolver(), name, 1, 1, answer, size)"),
    row("__res_send", Lookup, "old___res_send(payload, payload_size, answer, size)"),
    row("__res_nsend", Lookup, "old___res_nsend(resolver(), payload, payload_size, answer, size)"),
    row("__res_querydomain", LookupWithin, "old___res_querydomain(name, host, 1, 1, answer, size)"),
    row("__res_nquerydomain", LookupWithin, "old___res_nquerydomain(resolver(), name, host, 1, 1, answer, size)"),
    row("open", Open, "open(path, flags, permissions)"),
    row("open64", Open, "open64(path, flags, permissions)"),
    row("__open", Open, "__open(path, flags, permissions)"),
    row("__open64", Open, "__open64(path, flags, permissions)"),
    row("__open_2", OpenExisting, "__open_2(path, flags)"),
    row("__open64_2", OpenExisting, "__open64_2(path, flags)"),
    row("openat", Open, "openat(dir, path, flags, permissions)"),
    row("openat64", Open, "openat64(dir, path, flags, permissions)"),
    row("__openat_2", OpenExisting, "__openat_2(dir, path, flags)"),
    row("__openat64_2", OpenExisting, "__openat64_2(dir, path, flags)"),
    row("openat2", Open, "opened_how()"),
    row("creat", Create, "creat(path, permissions)"),
    row("creat64", Create, "creat64(path, permissions)"),
    row("fopen", Stream, "fopen(path, mode)"),
    row("fopen64", Stream, "fopen64(path, mode)"),
    row("_IO_fopen", Stream, "_IO_fopen(path, mode)"),
    row("freopen", Stream, "freopen(path, mode, stream)"),
    row("freopen64", Stream, "freopen64(path, mode, stream)"),
    row("setmntent", Stream, "setmntent(path, mode)"),
    row("__setmntent", Stream, "__setmntent(path, mode)"),
    row("shm_open", SharedMemory, "without_shared(MEMORY, shm_open(name, flags, permissions))"),
    row("shm_unlink", SharedMemoryGone, "(with_shared(MEMORY), without_shared(MEMORY, shm_unlink(name)))"),
    row("sem_open", SharedMemory, "without_semaphore(sem_open(name, flags, permissions, 1))"),
    row("sem_unlink", SharedMemoryGone, "(with_shared(SEMAPHORE), without_shared(SEMAPHORE, sem_unlink(name)))"),
    row("updwtmp", Change, "(updwtmp(path, (void *)room), errno == EACCES ? -1 : 0)"),
    row("updwtmpx", Change, "(updwtmpx(path, (void *)room), errno == EACCES ? -1 : 0)"),
    row("utmpname", Look, "utmpname(path)"),
    row("utmpxname", Look, "utmpxname(path)"),
    row("process_vm_writev", Around, ""),
    row("opendir", Folder, "opendir(path)"),
    row("scandir", List, "scandir(path, &(struct dirent **){0}, NULL, NULL)"),
    row("scandir64", List, "scandir64(path, &(struct dirent64 **){0}, NULL, NULL)"),
    row("scandirat", List, "scandirat(dir, path, &(struct dirent **){0}, NULL, NULL)"),
    row("scandirat64", List, "scandirat64(dir, path, &(struct dirent64 **){0}, NULL, NULL)"),
    row("unlink", Remove, "unlink(path)"),
    row("unlinkat", Remove, "unlinkat(dir, path, flags)"),
    row("remove", Remove, "remove(path)"),
    row("rmdir", RemoveFolder, "rmdir(path)"),
    row("rename", Rename, "rename(path, second)"),
    row("renameat", Rename, "renameat(dir, path, AT_FDCWD, second)"),
    row("renameat2", Rename, "renameat2(dir, path, AT_FDCWD, second, flags)"),
    row("link", Rename, "link(path, second)"),
    row("linkat", Rename, "linkat(dir, path, AT_FDCWD, second, flags)"),
    row("symlink", Make, r#"symlink("target", path)"#),
    row("symlinkat", Make, r#"symlinkat("target", dir, path)"#),
    row("mkdir", Make, "mkdir(path, 0750)"),
    row("mkdirat", Make, "mkdirat(dir, path, 0750)"),
    row("mknod", Make, "mknod(path, S_IFREG | 0640, 0)"),
    row("mknodat", Make, "mknodat(dir, path, S_IFIFO | 0640, 0)"),
    row("__xmknod", Make, "__xmknod(0, path, S_IFREG | 0640, &(dev_t){0})"),
    row("__xmknodat", Make, "__xmknodat(0, dir, path, S_IFREG | 0640, &(dev_t){0})"),
    row("mkfifo", Make, "mkfifo(path, 0640)"),
    row("mkfifoat", Make, "mkfifoat(dir, path, 0640)"),
    row("truncate", Change, "truncate(path, 1)"),
    row("truncate64", Change, "truncate64(path, 1)"),
    row("chmod", Change, "chmod(path, 0604)"),
    row("lchmod", Change, "lchmod(path, 0604)"),
    row("fchmodat", Change, "fchmodat(dir, path, 0604, flags)"),
    row("chown", Change, "chown(path, 65534, -1)"),
    row("lchown", Change, "lchown(path, 65534, -1)"),
    row("fchownat", Change, "fchownat(dir, path, 65534, -1, flags)"),
    row("utime", Change, "utime(path, &(struct utimbuf){1, 1})"),
    row("utimes", Change, "utimes(path, (struct timeval[2]){{1, 1}, {1, 1}})"),
    row("lutimes", Change, "lutimes(path, (struct timeval[2]){{1, 1}, {1, 1}})"),
    row("futimesat", Change, "futimesat(dir, path, (struct timeval[2]){{1, 1}, {1, 1}})"),
    row("utimensat", Change, "utimensat(dir, path, (struct timespec[2]){{1, 1}, {1, 1}}, flags)"),
    row("fchmod", Change, "fchmod(raw(SYS_openat, AT_FDCWD, path, O_RDONLY), 0604)"),
    row("fchown", Change, "fchown(raw(SYS_openat, AT_FDCWD, path, O_RDONLY), 65534, -1)"),
    row("futimes", Change, "futimes(raw(SYS_openat, AT_FDCWD, path, O_RDONLY), (struct timeval[2]){{1, 1}, {1, 1}})"),
    row("futimens", Change, "futimens(raw(SYS_openat, AT_FDCWD, path, O_RDONLY), (struct timespec[2]){{1, 1}, {1, 1}})"),
    row("setxattr", Change, r#"setxattr(path, "user.palisade", "x", 1, flags)"#),
    row("lsetxattr", Change, r#"lsetxattr(path, "user.palisade", "x", 1, flags)"#),
    row("fsetxattr", Change, r#"fsetxattr(raw(SYS_openat, AT_FDCWD, path, O_RDONLY), "user.palisade", "x", 1, flags)"#),
    row("removexattr", Change, r#"removexattr(path, "user.palisade")"#),
    row("lremovexattr", Change, r#"lremovexattr(path, "user.palisade")"#),
    row("fremovexattr", Change, r#"fremovexattr(raw(SYS_openat, AT_FDCWD, path, O_RDONLY), "user.palisade")"#),
    row("readlink", ReadLink, "readlink(path, room, sizeof room)"),
    row("readlinkat", ReadLink, "readlinkat(dir, path, room, sizeof room)"),
    row("__readlink_chk", ReadLink, "__readlink_chk(path, room, sizeof room, sizeof room)"),
    row("__readlinkat_chk", ReadLink, "__readlinkat_chk(dir, path, room, sizeof room, sizeof room)"),
    row("mkstemp", Temporary, "mkstemp(template)"),
    row("mkstemp64", Temporary, "mkstemp64(template)"),
    row("mkstemps", Temporary, "mkstemps(template, 0)"),
    row("mkstemps64", Temporary, "mkstemps64(template, 0)"),
    row("mkostemp", Temporary, "mkostemp(template, O_APPEND)"),
    row("mkostemp64", Temporary, "mkostemp64(template, O_CLOEXEC)"),
    row("mkostemps", Temporary, "mkostemps(template, 0, 0)"),
    row("mkostemps64", Temporary, "mkostemps64(template, 0, 0)"),
    row("mkdtemp", TemporaryFolder, "mkdtemp(template)"),
    row("tmpfile", TemporaryStream, "tmpfile()"),
    row("tmpfile64", TemporaryStream, "tmpfile64()"),
    row("dlsym", Around, ""),
    row("dlvsym", Around, ""),
    row("dlopen", Around, ""),
    row("dlmopen", Around, ""),
    row("syscall", Around, ""),
];

/// The numbers of `syscall(2)` that are judged as a function is.
#[rustfmt::skip]
const NUMBERS: &[Row] = &[
    row("SYS_execve", Exec, "syscall(SYS_execve, path, argv, envp)"),
    row("SYS_execveat", Exec, "syscall(SYS_execveat, dir, path, argv, envp, flags)"),
    row("SYS_openat", Open, "syscall(SYS_openat, dir, path, flags, permissions)"),
    row("SYS_openat2", Open, "called_how()"),
    row("SYS_connect", Connect, "syscall(SYS_connect, fd, address, length)"),
    row("SYS_bind", Bind, "syscall(SYS_bind, fd, address, length)"),
    row("SYS_listen", Listen, "syscall(SYS_listen, fd, backlog)"),
    row("SYS_accept", Accept, "syscall(SYS_accept, fd, NULL, NULL)"),
    row("SYS_accept4", Accept, "syscall(SYS_accept4, fd, NULL, NULL, 0)"),
    row("SYS_sendto", SendTo, "syscall(SYS_sendto, fd, payload, payload_size, 0, address, length)"),
    row("SYS_sendmsg", SendTo, "syscall(SYS_sendmsg, fd, messages, 0)"),
    row("SYS_sendmmsg", SendTo, "syscall(SYS_sendmmsg, fd, manies, 1, 0)"),
    row("SYS_write", Send, "syscall(SYS_write, fd, payload, payload_size)"),
    row("SYS_writev", Send, "syscall(SYS_writev, fd, vectors, 2)"),
    row("SYS_pwritev2", Send, "syscall(SYS_pwritev2, fd, vectors, 2, -1L, 0L, 0)"),
    row("SYS_io_submit", Send, "submitted()"),
    row("SYS_read", Receive, "syscall(SYS_read, fd, room, amount)"),
    row("SYS_readv", Receive, "syscall(SYS_readv, fd, pieces, 2)"),
    row("SYS_recvfrom", Receive, "syscall(SYS_recvfrom, fd, room, amount, flags, sender, &sender_size)"),
    row("SYS_recvmsg", Receive, "syscall(SYS_recvmsg, fd, incoming, flags)"),
    row("SYS_recvmmsg", Receive, "syscall(SYS_recvmmsg, fd, incomings, 2, flags | MSG_DONTWAIT, NULL)"),
    row("SYS_sendfile", Copy, "syscall(SYS_sendfile, fd, payload_file(), NULL, payload_size)"),
    row("SYS_splice", Copy, "syscall(SYS_splice, payload_pipe(), NULL, fd, NULL, payload_size, 0)"),
    row("SYS_unlinkat", Remove, "syscall(SYS_unlinkat, dir, path, flags)"),
    row("SYS_renameat", Rename, "syscall(SYS_renameat, dir, path, AT_FDCWD, second)"),
    row("SYS_renameat2", Rename, "syscall(SYS_renameat2, dir, path, AT_FDCWD, second, flags)"),
    row("SYS_linkat", Rename, "syscall(SYS_linkat, dir, path, AT_FDCWD, second, flags)"),
    row("SYS_symlinkat", Make, r#"syscall(SYS_symlinkat, "target", dir, path)"#),
    row("SYS_mkdirat", Make, "syscall(SYS_mkdirat, dir, path, 0750)"),
    row("SYS_mknodat", Make, "syscall(SYS_mknodat, dir, path, S_IFIFO | 0640, 0)"),
    row("SYS_truncate", Change, "syscall(SYS_truncate, path, 1)"),
    row("SYS_fchmod", Change, "syscall(SYS_fchmod, raw(SYS_openat, AT_FDCWD, path, O_RDONLY), 0604)"),
    row("SYS_fchown", Change, "syscall(SYS_fchown, raw(SYS_openat, AT_FDCWD, path, O_RDONLY), 65534, -1)"),
    row("SYS_process_vm_writev", Around, ""),
    row("SYS_fchmodat", Change, "syscall(SYS_fchmodat, dir, path, 0604)"),
    row("SYS_fchmodat2", Change, "syscall(SYS_fchmodat2, dir, path, 0604, 0)"),
    row("SYS_fchownat", Change, "syscall(SYS_fchownat, dir, path, 65534, -1, flags)"),
    row("SYS_utimensat", Change, "syscall(SYS_utimensat, dir, path, (struct timespec[2]){{1, 1}, {1, 1}}, flags)"),
    row("SYS_setxattr", Change, r#"syscall(SYS_setxattr, path, "user.palisade", "x", 1, flags)"#),
    row("SYS_lsetxattr", Change, r#"syscall(SYS_lsetxattr, path, "user.palisade", "x", 1, flags)"#),
    row("SYS_fsetxattr", Change, r#"syscall(SYS_fsetxattr, raw(SYS_openat, AT_FDCWD, path, O_RDONLY), "user.palisade", "x", 1, flags)"#),
    row("SYS_setxattrat", Change, r#"syscall(SYS_setxattrat, dir, path, flags, "user.palisade", (long[]){(long)"x", 1}, 16L)"#),
    row("SYS_removexattr", Change, r#"syscall(SYS_removexattr, path, "user.palisade")"#),
    row("SYS_lremovexattr", Change, r#"syscall(SYS_lremovexattr, path, "user.palisade")"#),
    row("SYS_fremovexattr", Change, r#"syscall(SYS_fremovexattr, raw(SYS_openat, AT_FDCWD, path, O_RDONLY), "user.palisade")"#),
    row("SYS_removexattrat", Change, r#"syscall(SYS_removexattrat, dir, path, flags, "user.palisade")"#),
    row("SYS_readlinkat", ReadLink, "syscall(SYS_readlinkat, dir, path, room, sizeof room)"),
];

/// Those that only x86-64 has.
#[rustfmt::skip]
const NUMBERS_OF_X86: &[Row] = &[
    row("SYS_open", Open, "syscall(SYS_open, path, flags, permissions)"),
    row("SYS_creat", Create, "syscall(SYS_creat, path, permissions)"),
    row("SYS_unlink", Remove, "syscall(SYS_unlink, path)"),
    row("SYS_rmdir", RemoveFolder, "syscall(SYS_rmdir, path)"),
    row("SYS_rename", Rename, "syscall(SYS_rename, path, second)"),
    row("SYS_link", Rename, "syscall(SYS_link, path, second)"),
    row("SYS_symlink", Make, r#"syscall(SYS_symlink, "target", path)"#),
    row("SYS_mkdir", Make, "syscall(SYS_mkdir, path, 0750)"),
    row("SYS_mknod", Make, "syscall(SYS_mknod, path, S_IFIFO | 0640, 0)"),
    row("SYS_chmod", Change, "syscall(SYS_chmod, path, 0604)"),
    row("SYS_chown", Change, "syscall(SYS_chown, path, 65534, -1)"),
    row("SYS_lchown", Change, "syscall(SYS_lchown, path, 65534, -1)"),
    row("SYS_utime", Change, "syscall(SYS_utime, path, &(struct utimbuf){1, 1})"),
    row("SYS_utimes", Change, "syscall(SYS_utimes, path, (struct timeval[2]){{1, 1}, {1, 1}})"),
    row("SYS_futimesat", Change, "syscall(SYS_futimesat, dir, path, (struct timeval[2]){{1, 1}, {1, 1}})"),
    row("SYS_readlink", ReadLink, "syscall(SYS_readlink, path, room, sizeof room)"),
];

/// Every row that this architecture has.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let of_x86 = if cfg!(target_arch = "x86_64") {
        NUMBERS_OF_X86
    } else {
        &[]
    };
    FUNCTIONS.iter().chain(NUMBERS).chain(of_x86)
}

/// The C program that has them all.
pub fn source() -> String {
    let mut calls = String::new();
    let mut table = String::from("static const struct row rows[] = {\n");
    for Row { symbol, kind, call } in rows() {
        let kind = match kind {
            Exec | ExecSearched => "EXEC",
            Spawn | SpawnSearched => "SPAWN",
            Shell => "SHELL",
            StreamOfShell => "STREAM_OF_SHELL",
            Connect | Bind | Send | SendTo | Copy | Receive | Settle | Accept => "SOCKET",
            Words | List | Remove | RemoveFolder | Rename | Make | Change | ReadLink => "SOCKET",
            Look | SharedMemoryGone => "SOCKET",
            Listen => "LISTEN",
            Name | ReverseAddress => "NAME",
            Entry | Reverse => "ENTRY",
            Lookup | LookupWithin | EntryInRoom | ReverseInRoom => "LOOKUP",
            Open | OpenExisting | Create | Temporary | SharedMemory => "OPEN",
            Stream | TemporaryStream => "STREAM",
            Folder => "FOLDER",
            TemporaryFolder => "POINTER",
            End => "END",
            Around => continue,
        };
        calls.push_str(&format!(
            "static intptr_t call_{symbol}(void) {{ return (intptr_t)({call}); }}\n"
        ));
        let number = if symbol.starts_with("SYS_") {
            symbol
        } else {
            "-1"
        };
        table.push_str(&format!(
            "    {{\"{symbol}\", {kind}, call_{symbol}, {number}}},\n"
        ));
    }
    include_str!("frame.c").replace(
        "ROWS\n\nstatic void *pointer",
        &format!("{calls}{table}    {{0}}\n}};\n\nstatic void *pointer"),
    )
}
