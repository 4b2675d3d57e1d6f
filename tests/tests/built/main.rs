//! What the built library is made of: what it exports and asks for, how it is laid out, and what it leaves out.

mod exceptions;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use palisade_tests::{libc, library, tool};

use exceptions::{EXCEPTIONS, GAPS};

/// A number as readelf writes it: in hexadecimal digits, with `0x` in front or not.
fn hexadecimal(word: &str) -> Option<u64> {
    u64::from_str_radix(word.trim_start_matches("0x"), 16).ok()
}

fn output(program: &str, arguments: &[&str], object: &Path) -> String {
    let output = Command::new(tool(program))
        .args(arguments)
        .arg(object)
        .output()
        .unwrap_or_else(|cause| panic!("{program}: {cause}"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Names of the dynamic symbol table; functions only if `functions`.
fn symbols(object: &Path, which: &str, functions: bool) -> BTreeSet<String> {
    output("nm", &["-D", which, "--format=posix"], object)
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, kind) = (words.next()?, words.next()?);
            let name = name.split('@').next().unwrap_or(name);
            // T: code, W: weak, i: resolved when the program starts.
            let is_function = matches!(kind, "T" | "W" | "i");
            (!functions || is_function).then(|| name.to_owned())
        })
        .collect()
}

fn exported() -> BTreeSet<String> {
    symbols(&library(), "--defined-only", false)
}

fn of_libc() -> BTreeSet<String> {
    symbols(&libc(), "--defined-only", true)
}

/// Is the function excused? A name of the list may end in `*`.
fn is_among(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| match known.strip_suffix('*') {
        Some(stem) => name.starts_with(stem),
        None => name == *known,
    })
}

fn is_excused(name: &str) -> bool {
    EXCEPTIONS
        .iter()
        .chain(GAPS)
        .any(|(_, names)| is_among(name, names))
}

#[test]
fn no_hooked_function_has_a_sibling_that_is_not() {
    let (ours, theirs) = (exported(), of_libc());
    let mut missing = Vec::new();
    for name in &ours {
        let plain = name
            .trim_start_matches("__")
            .trim_end_matches("_2")
            .trim_end_matches("64");
        let siblings = [
            format!("{plain}64"),
            format!("__{plain}"),
            format!("__{plain}64"),
            format!("__{plain}_chk"),
            format!("__{plain}64_chk"),
            format!("__{plain}_2"),
            format!("__{plain}64_2"),
            format!("__{plain}_alias"),
            format!("__{plain}_nocancel"),
            format!("__{plain}64_nocancel"),
            format!("{plain}_time64"),
            format!("__{plain}_time64"),
            format!("__{plain}64_time64"),
            format!("__libc_{plain}"),
            format!("_IO_{plain}"),
            format!("_{plain}"),
            format!("{plain}_r"),
            plain.to_owned(),
        ];
        missing.extend(
            siblings
                .into_iter()
                .filter(|sibling| theirs.contains(sibling) && !ours.contains(sibling))
                .filter(|sibling| !is_excused(sibling)),
        );
    }
    assert!(
        missing.is_empty(),
        "hook these, or say why not: {missing:?}"
    );
}

#[test]
fn every_function_of_libc_that_looks_like_a_door_is_hooked_or_excused() {
    const STEMS: &[&str] = &[
        // programs
        "exec",
        "spawn",
        "system",
        "popen",
        "proc_open",
        "wordexp",
        "fork",
        "_exit",
        "quick_exit",
        // network
        "connect",
        "send",
        "bind",
        "listen",
        "accept",
        "rcmd",
        "rpc",
        "clnt",
        "svc",
        "write",
        "splice",
        "sendfile",
        // names
        "hostby",
        "netby",
        "ruserok",
        "addrinfo",
        "nameinfo",
        "res_",
        "nss_dns",
        // files
        "open",
        "creat",
        "link",
        "remove",
        "rename",
        "mkdir",
        "rmdir",
        "mknod",
        "mkfifo",
        "trunc",
        "chmod",
        "chown",
        "utime",
        "temp",
        "tmp",
        "ftw",
        "fts",
        "glob",
        "scandir",
        "xattr",
        "mount",
        "chroot",
        "acct",
        "swapon",
        // ways around
        "dlsym",
        "dlvsym",
        "dlopen",
        "dlmopen",
        "syscall",
        "ptrace",
        "process_vm",
        "io_uring",
        "setns",
        "uselib",
        "module",
    ];
    let ours = exported();
    let strangers: Vec<String> = of_libc()
        .into_iter()
        .filter(|name| STEMS.iter().any(|stem| name.contains(stem)))
        .filter(|name| !ours.contains(name) && !is_excused(name))
        .collect();
    assert!(
        strangers.is_empty(),
        "hook these, or say in exceptions.rs why not: {strangers:?}"
    );
}

#[test]
fn nobody_is_excused_who_is_hooked() {
    let ours = exported();
    for (reason, names) in EXCEPTIONS.iter().chain(GAPS) {
        let hooked: Vec<_> = ours.iter().filter(|name| is_among(name, names)).collect();
        assert!(hooked.is_empty(), "{reason}: {hooked:?}");
    }
}

#[test]
fn it_asks_for_what_it_is_known_to_need() {
    /// What Rust's library and the loader's protocol need besides, and what the shim uses.
    const KNOWN: &[&str] = &[
        "_ITM_deregisterTMCloneTable",
        "_ITM_registerTMCloneTable",
        "__cxa_at_quick_exit",
        "__cxa_finalize",
        "__gmon_start__",
        // What GNU ld calls `environ`, of which there are two names.
        "__environ",
        "__errno_location",
        "__h_errno_location",
        "__tls_get_addr",
        "__xpg_strerror_r",
        // The loader's list of objects, by which libc's own dl_iterate_phdr is found.
        "_r_debug",
        "abort",
        "bcmp",
        "clock_gettime",
        "close",
        "dl_iterate_phdr",
        "dladdr",
        "environ",
        "fclose",
        "fdopen",
        "fdopendir",
        "fileno",
        "free",
        // On arm64: which instructions for atomic values there are, asked once when the library is loaded.
        "getauxval",
        "fstat64",
        "getcwd",
        "getenv",
        "gettid",
        "lseek64",
        "malloc",
        "memcmp",
        "memcpy",
        "memmove",
        "memset",
        "mmap64",
        "munmap",
        "posix_memalign",
        "pthread_key_create",
        "pthread_key_delete",
        "pthread_setspecific",
        "read",
        "realpath",
        "sched_yield",
        "stat64",
        "statx",
        "strlen",
    ];
    let undefined = symbols(&library(), "--undefined-only", false);
    let strangers: Vec<_> = undefined
        .iter()
        .filter(|name| !KNOWN.contains(&name.as_str()))
        .collect();
    assert!(
        strangers.is_empty(),
        "{strangers:?}: what a hook calls in libc may be another library's, and may allocate"
    );
    // A thread-local value with a destructor allocates on its first use, perhaps inside an allocator.
    assert!(!undefined.contains("__cxa_thread_atexit_impl"));
    assert!(!undefined.contains("dlsym") && !undefined.contains("pthread_mutex_lock"));
}

#[test]
fn it_needs_libc_and_the_loader() {
    let dynamic = output("readelf", &["-dW"], &library());
    let needed: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0))
        .collect();
    assert!(needed.contains(&"libc.so.6"), "{dynamic}");
    for name in needed {
        assert!(
            name == "libc.so.6" || name.starts_with("ld-linux"),
            "{name} would have to be there in every function"
        );
    }
    assert!(
        !dynamic.contains("RPATH") && !dynamic.contains("RUNPATH"),
        "{dynamic}"
    );
    assert!(!dynamic.contains("TEXTREL"), "{dynamic}");
}

#[test]
fn everything_is_bound_at_the_start_and_read_only_from_then_on() {
    let dynamic = output("readelf", &["-dW"], &library());
    assert!(
        dynamic.contains("BIND_NOW") || dynamic.contains("Flags: NOW"),
        "{dynamic}"
    );
    let headers = output("readelf", &["-lW"], &library());
    let words: Vec<&str> = headers
        .lines()
        .find(|line| line.trim_start().starts_with("GNU_RELRO"))
        .map(|line| line.split_whitespace().collect())
        .unwrap_or_default();
    let number = |place: usize| words.get(place).copied().and_then(hexadecimal);
    let (start, size) = number(2).zip(number(5)).expect(&headers);
    // The loader makes whole pages read-only, and leaves the rest of the last one as it is.
    assert!(
        size > 0 && start % 4096 == 0 && (start + size) % 4096 == 0,
        "{headers}"
    );
}

#[test]
fn no_memory_of_it_is_writable_and_executable() {
    let headers = output("readelf", &["-lW"], &library());
    let flags = |kind: &str| -> Vec<String> {
        headers
            .lines()
            .filter(|line| line.trim_start().starts_with(kind))
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().skip(6).collect();
                words[..words.len() - 1].concat()
            })
            .collect()
    };
    assert_eq!(flags("GNU_STACK"), ["RW"], "{headers}");
    for flags in flags("LOAD") {
        assert!(!(flags.contains('W') && flags.contains('E')), "{headers}");
    }
}

#[test]
fn it_has_as_few_mappings_as_there_can_be_and_a_start_writes_to_one_page_of_the_file() {
    const PAGE: u64 = 4096;
    let headers = output("readelf", &["-lW"], &library());
    // Address, bytes of the file, bytes of memory, may it be written, and how large pages may be.
    let loads: Vec<(u64, u64, u64, bool, u64)> = headers
        .lines()
        .filter(|line| line.trim_start().starts_with("LOAD"))
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = |place: usize| hexadecimal(words[place]).unwrap();
            let is_written = words[6..].concat().contains('W');
            (at(2), at(4), at(5), is_written, at(words.len() - 1))
        })
        .collect();
    // Code and what is only read; what is relocated; zeros. On arm64 what is only read is apart: its linker script is the linker's own.
    let machine = output("readelf", &["-h"], &library());
    let is_x86 = machine.contains("X86-64");
    assert_eq!(loads.len(), if is_x86 { 3 } else { 4 }, "{headers}");
    // Zeros behind what is not written are a copy of its last page, and two calls to have it writable for a moment.
    assert!(
        loads.iter().all(|load| load.3 || load.1 == load.2),
        "{headers}"
    );
    let written = loads.iter().filter(|load| load.3).map(|load| load.1);
    let pages: u64 = written.map(|bytes| bytes.div_ceil(PAGE)).sum();
    assert_eq!(pages, 1, "{headers}");
    // On arm64, where pages may have 64 KiB, the file would have to be filled up to them.
    let is_filled = loads.iter().all(|load| load.4 == PAGE);
    assert_eq!(is_filled, is_x86, "{headers}");
    for pair in loads.windows(2).filter(|_| is_filled) {
        // The loader takes the rights of what is between them away, which is a call, and a mapping.
        let end = (pair[0].0 + pair[0].2).next_multiple_of(PAGE);
        assert_eq!(end, pair[1].0 / PAGE * PAGE, "{headers}");
    }
}

#[test]
fn its_thread_local_storage_fits_where_the_loader_has_room_left() {
    // What does not fit into the surplus of the static block cannot be loaded (dlopen(3) of a plug-in would meet it too).
    let headers = output("readelf", &["-lW"], &library());
    let size = headers
        .lines()
        .find(|line| line.trim_start().starts_with("TLS"))
        .and_then(|line| line.split_whitespace().nth(5))
        .and_then(hexadecimal)
        .unwrap_or(0);
    assert!(size <= 128, "{size} bytes");
}
