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
    /// `fd` is connected to `address`.
    Connect,
    /// `fd` gets `address`.
    Bind,
    /// `fd`, which has a port already, waits for others.
    Listen,
    /// `name` is resolved.
    Name,
    /// `path` is opened with `flags`.
    Open,
    /// `path` is created or truncated, and written.
    Create,
    /// `path` is opened with `mode`.
    Stream,
    /// The process ends with status 7.
    End,
}

/// One hooked function.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its exported name.
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
pub const ROWS: &[Row] = &[
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
    row("system", Shell, "system(command)"),
    row("popen", StreamOfShell, "popen(command, mode)"),
    row("_exit", End, "(_exit(7), 0)"),
    row("_Exit", End, "(_Exit(7), 0)"),
    row("connect", Connect, "connect(fd, address, length)"),
    row("bind", Bind, "bind(fd, address, length)"),
    row("listen", Listen, "listen(fd, backlog)"),
    row("getaddrinfo", Name, "getaddrinfo(name, NULL, NULL, &found)"),
    row("open", Open, "open(path, flags, permissions)"),
    row("open64", Open, "open64(path, flags, permissions)"),
    row("openat", Open, "openat(dir, path, flags, permissions)"),
    row("openat64", Open, "openat64(dir, path, flags, permissions)"),
    row("creat", Create, "creat(path, permissions)"),
    row("creat64", Create, "creat64(path, permissions)"),
    row("fopen", Stream, "fopen(path, mode)"),
    row("fopen64", Stream, "fopen64(path, mode)"),
];

/// The C program that has them all.
pub fn source() -> String {
    let mut rows = String::new();
    let mut table = String::from("static const struct row rows[] = {\n");
    for Row { symbol, kind, call } in ROWS {
        let kind = match kind {
            Exec | ExecSearched => "EXEC",
            Spawn | SpawnSearched => "SPAWN",
            Shell => "SHELL",
            StreamOfShell => "STREAM_OF_SHELL",
            Connect | Bind => "SOCKET",
            Listen => "LISTEN",
            Name => "NAME",
            Open | Create => "OPEN",
            Stream => "STREAM",
            End => "END",
        };
        rows.push_str(&format!(
            "static intptr_t call_{symbol}(void) {{ return (intptr_t)({call}); }}\n"
        ));
        table.push_str(&format!("    {{\"{symbol}\", {kind}, call_{symbol}}},\n"));
    }
    include_str!("frame.c").replace(
        "ROWS\n\nstatic void *pointer",
        &format!("{rows}{table}    {{0}}\n}};\n\nstatic void *pointer"),
    )
}
