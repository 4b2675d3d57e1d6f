//! The hooks: one line for each libc function that asks the policy first.
//!
//! A line is the function's name and signature as its manual page has them, and the handler that stands for it. From
//! it come the exported symbol and the slot that holds the function of the same name behind ours: libc's, or that of
//! another preloaded library, so that interposers chain. A line without a handler is a function that we call and do not hook: it has a slot
//! alone, because a look-up by the loader costs each child more than one by us, which its parent has done for it ([`crate::offsets`]). A handler that stands before a system call (`before`) is given what
//! comes after its verdict, because that is not always the function: see [`crate::hooks::around::syscall`]. What libc's own resolver calls is not judged where
//! the line says so (`unless resolver`, [`crate::hooks::resolver`]).
//!
//! Slots are filled by the constructor. A call that comes earlier (from the constructor of another library, or from a
//! malloc replacement's first use) finds its slot empty and must not make `dlsym` allocate in that moment, so the
//! handlers of functions that are system calls go straight to the kernel then; see [`crate::hooks`].

use core::ffi::{CStr, c_char, c_int, c_long, c_uchar, c_uint, c_ulong, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};

use libc::{
    DIR, FILE, addrinfo, dev_t, gid_t, hostent, iovec, mmsghdr, mode_t, msghdr, off_t, pid_t,
    posix_spawn_file_actions_t, posix_spawnattr_t, sockaddr, socklen_t, timespec, timeval, uid_t,
};

#[cfg(not(test))]
use crate::hooks::resolver::unless_resolver;
#[cfg(not(test))]
use crate::hooks::{
    answers, files, indirect, inside, memory, messages, names, nets, network, process, queries,
    shell, streams, tree,
};
#[cfg(not(test))]
use crate::stubs;

use crate::hooks::answers::Gaicb;
use crate::hooks::indirect::AioRequest;

use crate::objects::{self, Behind};
use crate::offsets::Offsets;
use crate::symbols;
use crate::sys::{self, Errno};

/// `argv` or `envp`: pointers to C strings, ended by a null pointer.
pub type Strings = *const *const c_char;

/// The function of the same name behind ours. Relaxed order is enough: the pointer is to code that was mapped before us and never
/// changes.
///
/// An empty slot after the constructor is a function that no library had then. One that the program has opened since may have it: before glibc
/// 2.34 the resolver is a library of its own.
#[inline]
fn next(slot: &AtomicPtr<c_void>, name: &CStr) -> *mut c_void {
    let known = slot.load(Ordering::Relaxed);
    if known.is_null() {
        search(slot, name)
    } else {
        known
    }
}

#[cold]
#[inline(never)]
fn search(slot: &AtomicPtr<c_void>, name: &CStr) -> *mut c_void {
    let mut room = objects::room::<{ objects::OBJECTS_MAX }>();
    let behind = Behind::now(&mut room);
    let mut found = behind.find(name, symbols::hash(name.to_bytes()), None);
    if found.is_null() {
        found = objects::libc_symbol(name);
    }
    slot.store(found, Ordering::Relaxed);
    found
}

/// For a hook that is given what comes after its verdict.
macro_rules! by_number {
    (($($arg:ident: $type:ty),*) -> $result:ty) => {
        /// The system call of that number in place of the function: what a program has asked for that names it to syscall(2). libc's function
        /// may be missing, do something else where the kernel has no such call, or end a thread that is to be cancelled.
        ///
        /// # Safety
        /// As the manual page of the system call says.
        #[allow(dead_code, reason = "some functions have no number on every architecture")]
        pub unsafe extern "C" fn by_number<const NUMBER: c_long>($($arg: $type),*) -> $result {
            // SAFETY: the caller's arguments.
            match unsafe { sys::any(NUMBER, sys::words(&[$($arg as usize),*])) } {
                Ok(value) => value as $result,
                Err(Errno(errno)) => {
                    sys::set_errno(errno);
                    -1
                }
            }
        }
    };
}

/// More than twice as many as there are hooks, so that a name is nearly always found at once.
const BUCKETS: usize = 512;

/// Sums of the lengths before each.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would say so"
)]
const fn starts<const N: usize>(lengths: &[u8; N]) -> [u16; N] {
    let mut starts = [0; N];
    let mut place = 1;
    while place < N {
        starts[place] = starts[place - 1] + lengths[place - 1] as u16;
        place += 1;
    }
    starts
}

/// A number for a table of names, made of their hashes in their order.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would say so"
)]
const fn identity<const N: usize>(hashes: &[u32; N]) -> u64 {
    let mut sum = N as u64;
    let mut place = 0;
    while place < N {
        sum = (sum ^ hashes[place] as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29);
        place += 1;
    }
    sum
}

/// A table of the first places, each in the first bucket from its hash on that was free.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would say so"
)]
const fn by_hash<const N: usize>(hashes: &[u32; N], count: usize) -> [u8; BUCKETS] {
    assert!(count < 255 && 2 * count < BUCKETS);
    let mut buckets = [0; BUCKETS];
    let mut place = 0;
    while place < count {
        let mut bucket = hashes[place] as usize % BUCKETS;
        while buckets[bucket] != 0 {
            bucket = (bucket + 1) % BUCKETS;
        }
        place += 1;
        buckets[bucket] = place as u8;
    }
    buckets
}

/// The exported symbol of a line.
macro_rules! exports {
    ($(#[$attribute:meta])* $name:ident($($arg:ident: $type:ty),*) -> $result:ty = $body:expr) => {
        // Protected: where this library itself names the symbol, it means this one, so that the loader has nothing to look up. A
        // hundred and thirty look-ups were a third of what a start costs.
        #[cfg(not(test))]
        core::arch::global_asm!(concat!(".protected ", stringify!($name)));
        /// The exported symbol.
        ///
        /// # Safety
        /// As the manual page of the function says.
        #[cfg(not(test))]
        $(#[$attribute])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type),*) -> $result {
            $body
        }
    };
}

/// `judged`, which calls a handler with the function behind it. `before found`: until somebody has looked that up, a function of its own does, so
/// that what a call may overwrite needs no room in the way that is taken ever after; for handlers that do nothing without the function.
macro_rules! judged {
    ($name:ident($($arg:ident: $type:ty),*) -> $result:ty = $handler:path, before found) => {
        #[cfg(not(test))]
        #[inline]
        unsafe extern "C" fn judged($($arg: $type),*) -> $result {
            // SAFETY: the caller keeps what the manual page asks; the handler asks for no more.
            unsafe {
                match known() {
                    next @ Some(_) => $handler(next, $($arg),*),
                    None => unresolved($($arg),*),
                }
            }
        }
        #[cfg(not(test))]
        #[cold]
        #[inline(never)]
        unsafe extern "C" fn unresolved($($arg: $type),*) -> $result {
            // SAFETY: as above.
            unsafe {
                match next() {
                    Some(_) => $name($($arg),*),
                    None => $handler(None, $($arg),*),
                }
            }
        }
    };
    ($name:ident($($arg:ident: $type:ty),*) -> $result:ty = $handler:path, before $next:ident) => {
        #[cfg(not(test))]
        #[inline]
        unsafe extern "C" fn judged($($arg: $type),*) -> $result {
            // SAFETY: the caller keeps what the manual page asks; the handler asks for no more.
            unsafe { $handler($next(), $($arg),*) }
        }
    };
}

/// What a line of the table that has a handler exports.
macro_rules! exported {
    ($name:ident($($arg:ident: $type:ty),*) -> $result:ty) => {};
    ($name:ident($($arg:ident: $type:ty),*) -> $result:ty = $handler:path) => {
        exports! { $name($($arg: $type),*) -> $result = {
            // SAFETY: the caller keeps what the manual page asks; the handler asks for no more.
            unsafe { $handler($($arg),*) }
        } }
    };
    ($name:ident($($arg:ident: $type:ty),*) -> $result:ty = $handler:path, before $next:ident) => {
        exports! { $name($($arg: $type),*) -> $result = {
            // SAFETY: the caller keeps what the manual page asks.
            unsafe { judged($($arg),*) }
        } }
        judged! { $name($($arg: $type),*) -> $result = $handler, before $next }
        by_number! { ($($arg: $type),*) -> $result }
    };
    ($name:ident($($arg:ident: $type:ty),*) -> $result:ty = $handler:path, before $next:ident, unless resolver) => {
        exports! { #[unsafe(naked)] $name($($arg: $type),*) -> $result = unless_resolver!(judged, SLOTS, Place::$name) }
        judged! { $name($($arg: $type),*) -> $result = $handler, before $next }
        by_number! { ($($arg: $type),*) -> $result }
    };
}

/// For what belongs to lines with a handler alone.
macro_rules! given {
    ($handler:path => $what:expr) => {
        $what
    };
}

macro_rules! hooks {
    ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty $(= $handler:path $(, before $next:ident $(, unless $resolver:ident)?)?)?;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "` behind ours.")]
            #[allow(non_snake_case, reason = "_Exit(3) is its name")]
            pub mod $name {
                use super::*;
                /// As the manual page declares it; unwinding passes through it, because thread cancellation does.
                pub type Function = unsafe extern "C" fn($($type),*) -> $result;
                const NAME: &CStr = match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => c"",
                };
                #[expect(clippy::indexing_slicing, reason = "there is a slot for each place, as the compiler knows")]
                #[inline(always)]
                fn slot() -> &'static AtomicPtr<c_void> {
                    &SLOTS[Place::$name as usize]
                }
                /// The next function of this name, or `None` where libc has none.
                #[allow(dead_code, reason = "some hooks end in a system call of their own")]
                #[inline]
                pub fn next() -> Option<Function> {
                    let found = super::next(slot(), NAME);
                    // SAFETY: a function of that name has that signature in every libc, and Option<fn> is null for None.
                    unsafe { core::mem::transmute::<*mut c_void, Option<Function>>(found) }
                }
                #[allow(dead_code, reason = "most handlers may look their function up")]
                /// As `next`, but never looks a symbol up: for callers that may stand inside an allocator.
                #[inline]
                pub fn known() -> Option<Function> {
                    // SAFETY: as in `next`.
                    unsafe { core::mem::transmute::<*mut c_void, Option<Function>>(slot().load(Ordering::Relaxed)) }
                }
                exported! { $name($($arg: $type),*) -> $result $(= $handler $(, before $next $(, unless $resolver)?)?)? }
            }
        )*

        /// Where each function has its slot.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "they are the functions' names")]
        #[derive(Clone, Copy)]
        enum Place {
            $($name,)*
        }

        /// The functions behind the hooks, and others of libc's.
        #[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
        static SLOTS: [AtomicPtr<c_void>; COUNT] = [const { AtomicPtr::new(core::ptr::null_mut()) }; COUNT];

        /// How many functions there are, and how many of them, the first, are hooks.
        pub const COUNT: usize = [$(Place::$name),*].len();
        const HOOKS: usize = 0 $($(+ given!($handler => 1))?)*;

        /// Their names one behind the other, each with a NUL: pointers to them would have to be relocated at each start.
        const NAMES: &[u8] = concat!($(stringify!($name), "\0"),*).as_bytes();

        /// The length of each name, with its NUL.
        static LENGTHS: [u8; COUNT] = [$(stringify!($name).len() as u8 + 1),*];

        /// Where each name begins among them.
        static STARTS: [u16; COUNT] = starts(&LENGTHS);

        /// The hash of each name.
        static HASHES: [u32; COUNT] = [$(symbols::hash(stringify!($name).as_bytes())),*];

        /// The place of each name, and one more, by its hash; 0 where there is none.
        static BY_HASH: [u8; BUCKETS] = by_hash(&HASHES, HOOKS);

        /// Name and hash of each function.
        #[inline(always)]
        fn functions() -> impl Iterator<Item = (&'static CStr, u32)> {
            let mut names = NAMES;
            LENGTHS.iter().zip(&HASHES).map_while(move |(length, hash)| {
                let (name, rest) = names.split_at_checked(usize::from(*length))?;
                names = rest;
                // SAFETY: the lengths are those of the names, so that each ends in its NUL, and no identifier has one within.
                Some((unsafe { CStr::from_bytes_with_nul_unchecked(name) }, *hash))
            })
        }

        /// Fills every slot. For the constructor. A loop over a table: written out for each hook it was three pages of code, which each start had
        /// to read in.
        #[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
        pub fn resolve(behind: &Behind, handed: Option<&Offsets>) {
            if let (Some(handed), Some(libc)) = (handed, behind.libc_alone()) {
                for (slot, offset) in SLOTS.iter().zip(handed.of_table()) {
                    // What libc has not is looked for when it is asked for.
                    if offset != 0 {
                        slot.store(libc.at(offset), Ordering::Relaxed);
                    }
                }
                return;
            }
            let mut offsets = handed.into_iter().flat_map(Offsets::of_table);
            for (slot, (name, hash)) in SLOTS.iter().zip(functions()) {
                slot.store(behind.find(name, hash, offsets.next()), Ordering::Relaxed);
            }
        }

        /// Where libc has each function, for [`Offsets`]. The slots are filled.
        pub fn in_libc(behind: &Behind) -> impl Iterator<Item = u32> {
            SLOTS.iter().zip(functions())
                .map(|(slot, (name, hash))| behind.offset(name, hash, slot.load(Ordering::Relaxed)))
        }

        /// What [`in_libc`] is about: another table has another one.
        pub const IDENTITY: u64 = identity(&HASHES);

        // How far each hook is from its own entry here. The linker knows that, where an address would have to be relocated at each start: a
        // hundred and seventy of them, in a page more that each process would have for itself.
        #[cfg(not(test))]
        core::arch::global_asm!(concat!(
            ".pushsection .rodata.palisade_hooks,\"a\",@progbits\n.balign 4\n",
            ".hidden palisade_hooks\n.globl palisade_hooks\npalisade_hooks:\n",
            $($(given!($handler => concat!(".long ", stringify!($name), " - .\n")),)?)*
            ".popsection",
        ));

        #[cfg(not(test))]
        unsafe extern "C" {
            #[link_name = "palisade_hooks"]
            static DISTANCES: [i32; HOOKS];
        }

        /// The exported hook in that place.
        #[cfg(not(test))]
        fn exported(place: usize) -> Option<*mut c_void> {
            // SAFETY: the table above, which nobody writes.
            let distance = unsafe { DISTANCES.get(place) }?;
            Some(core::ptr::from_ref(distance).wrapping_byte_offset(*distance as isize).cast_mut().cast())
        }

        /// The place of the hook of that name.
        fn place(name: &[u8]) -> Option<usize> {
            let hash = symbols::hash(name);
            let from = hash as usize % BUCKETS;
            let (before, behind) = BY_HASH.split_at_checked(from)?;
            for bucket in behind.iter().chain(before) {
                let place = usize::from(*bucket).checked_sub(1)?;
                let start = usize::from(*STARTS.get(place)?);
                let known = NAMES.get(start..start + name.len() + 1);
                if HASHES.get(place) == Some(&hash) && known.and_then(|known| known.strip_suffix(b"\0")) == Some(name) {
                    return Some(place);
                }
            }
            None
        }

        /// The exported hook of that name, for `dlsym`.
        #[cfg(not(test))]
        pub fn hook(name: &[u8]) -> Option<*mut c_void> {
            if let Some(place) = place(name) {
                return exported(place);
            }
            stubs::hook(name)
        }
    };
}

hooks! {
    execve(path: *const c_char, argv: Strings, envp: Strings) -> c_int = process::execve, before next;
    execv(path: *const c_char, argv: Strings) -> c_int = process::execv;
    execvp(file: *const c_char, argv: Strings) -> c_int = process::execvp;
    execvpe(file: *const c_char, argv: Strings, envp: Strings) -> c_int = process::execvpe;
    execveat(dir: c_int, path: *const c_char, argv: Strings, envp: Strings, flags: c_int) -> c_int = process::execveat, before next;
    fexecve(fd: c_int, argv: Strings, envp: Strings) -> c_int = process::fexecve;
    posix_spawn(pid: *mut pid_t, path: *const c_char, actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t, argv: Strings, envp: Strings) -> c_int = process::posix_spawn;
    posix_spawnp(pid: *mut pid_t, path: *const c_char, actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t, argv: Strings, envp: Strings) -> c_int = process::posix_spawnp;
    pidfd_spawn(pid: *mut c_int, path: *const c_char, actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t, argv: Strings, envp: Strings) -> c_int = process::pidfd_spawn;
    pidfd_spawnp(pid: *mut c_int, path: *const c_char, actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t, argv: Strings, envp: Strings) -> c_int = process::pidfd_spawnp;
    system(command: *const c_char) -> c_int = shell::system;
    __libc_system(command: *const c_char) -> c_int = shell::__libc_system;
    popen(command: *const c_char, mode: *const c_char) -> *mut FILE = shell::popen;
    _IO_popen(command: *const c_char, mode: *const c_char) -> *mut FILE = shell::_IO_popen;
    wordexp(words: *const c_char, result: *mut c_void, flags: c_int) -> c_int = shell::wordexp;
    _exit(status: c_int) -> () = process::_exit;
    _Exit(status: c_int) -> () = process::_exit;

    connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int = network::connect, before found, unless resolver;
    __connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int = network::__connect, before found, unless resolver;
    send(fd: c_int, buffer: *const c_void, length: usize, flags: c_int) -> isize = messages::send, before next, unless resolver;
    __send(fd: c_int, buffer: *const c_void, length: usize, flags: c_int) -> isize = messages::__send, before next, unless resolver;
    sendto(fd: c_int, buffer: *const c_void, length: usize, flags: c_int, address: *const sockaddr,
        address_length: socklen_t) -> isize = messages::sendto, before found, unless resolver;
    sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> isize = messages::sendmsg, before next, unless resolver;
    sendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int = messages::sendmmsg, before next, unless resolver;
    __sendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int = messages::__sendmmsg, before next, unless resolver;
    write(fd: c_int, buffer: *const c_void, length: usize) -> isize = messages::write, before next;
    __write(fd: c_int, buffer: *const c_void, length: usize) -> isize = messages::__write, before next;
    writev(fd: c_int, vectors: *const iovec, count: c_int) -> isize = messages::writev, before next, unless resolver;
    pwritev2(fd: c_int, vectors: *const iovec, count: c_int, offset: off_t, flags: c_int) -> isize = messages::pwritev2, before next;
    pwritev64v2(fd: c_int, vectors: *const iovec, count: c_int, offset: off_t, flags: c_int) -> isize = messages::pwritev64v2, before next;
    sendfile(to: c_int, from: c_int, offset: *mut off_t, length: usize) -> isize = indirect::sendfile, before next;
    sendfile64(to: c_int, from: c_int, offset: *mut off_t, length: usize) -> isize = indirect::sendfile64, before next;
    splice(from: c_int, from_offset: *mut off_t, to: c_int, to_offset: *mut off_t, length: usize, flags: c_uint) -> isize = indirect::splice, before next;
    aio_write(request: *mut AioRequest) -> c_int = indirect::aio_write;
    aio_write64(request: *mut AioRequest) -> c_int = indirect::aio_write64;
    lio_listio(mode: c_int, list: *const *mut AioRequest, count: c_int, event: *mut c_void) -> c_int = indirect::lio_listio;
    lio_listio64(mode: c_int, list: *const *mut AioRequest, count: c_int, event: *mut c_void) -> c_int = indirect::lio_listio64;
    recv(fd: c_int, buffer: *mut c_void, length: usize, flags: c_int) -> isize = answers::recv, before found;
    __recv_chk(fd: c_int, buffer: *mut c_void, length: usize, limit: usize, flags: c_int) -> isize = answers::__recv_chk, before next;
    recvfrom(fd: c_int, buffer: *mut c_void, length: usize, flags: c_int, address: *mut sockaddr,
        address_length: *mut socklen_t) -> isize = answers::recvfrom, before found;
    __recvfrom_chk(fd: c_int, buffer: *mut c_void, length: usize, limit: usize, flags: c_int, address: *mut sockaddr,
        address_length: *mut socklen_t) -> isize = answers::__recvfrom_chk, before next;
    recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> isize = answers::recvmsg, before next;
    recvmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int, timeout: *mut timespec) -> c_int = answers::recvmmsg, before next;
    read(fd: c_int, buffer: *mut c_void, length: usize) -> isize = answers::read, before known;
    __read(fd: c_int, buffer: *mut c_void, length: usize) -> isize = answers::__read, before known;
    __read_chk(fd: c_int, buffer: *mut c_void, length: usize, limit: usize) -> isize = answers::__read_chk, before known;
    readv(fd: c_int, vectors: *const iovec, count: c_int) -> isize = answers::readv, before known;
    bind(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int = network::bind, before next;
    listen(fd: c_int, backlog: c_int) -> c_int = network::listen, before next;
    accept(fd: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int = network::accept, before next;
    accept4(fd: c_int, address: *mut sockaddr, length: *mut socklen_t, flags: c_int) -> c_int = network::accept4, before next;

    getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo,
        result: *mut *mut addrinfo) -> c_int = names::getaddrinfo;
    getaddrinfo_a(mode: c_int, list: *const *mut Gaicb, count: c_int, event: *mut c_void) -> c_int = answers::getaddrinfo_a;
    gai_error(request: *mut Gaicb) -> c_int = answers::gai_error;
    gai_suspend(list: *const *const Gaicb, count: c_int, timeout: *const timespec) -> c_int = answers::gai_suspend;
    gethostbyname(name: *const c_char) -> *mut hostent = names::gethostbyname;
    gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent = names::gethostbyname2;
    gethostbyname_r(name: *const c_char, entry: *mut hostent, room: *mut c_char, size: usize,
        result: *mut *mut hostent, h_errno: *mut c_int) -> c_int = names::gethostbyname_r;
    gethostbyname2_r(name: *const c_char, family: c_int, entry: *mut hostent, room: *mut c_char, size: usize,
        result: *mut *mut hostent, h_errno: *mut c_int) -> c_int = names::gethostbyname2_r;
    gethostbyaddr(address: *const c_void, length: socklen_t, family: c_int) -> *mut hostent = names::gethostbyaddr;
    gethostbyaddr_r(address: *const c_void, length: socklen_t, family: c_int, entry: *mut hostent, room: *mut c_char, size: usize,
        result: *mut *mut hostent, h_errno: *mut c_int) -> c_int = names::gethostbyaddr_r;
    getnetbyname(name: *const c_char) -> *mut c_void = nets::getnetbyname;
    getnetbyname_r(name: *const c_char, entry: *mut c_void, room: *mut c_char, size: usize, result: *mut *mut c_void,
        h_errno: *mut c_int) -> c_int = nets::getnetbyname_r;
    getnetbyaddr(network: u32, family: c_int) -> *mut c_void = nets::getnetbyaddr;
    getnetbyaddr_r(network: u32, family: c_int, entry: *mut c_void, room: *mut c_char, size: usize, result: *mut *mut c_void,
        h_errno: *mut c_int) -> c_int = nets::getnetbyaddr_r;
    getnameinfo(address: *const sockaddr, length: socklen_t, host: *mut c_char, host_size: socklen_t,
        service: *mut c_char, service_size: socklen_t, flags: c_int) -> c_int = names::getnameinfo;
    res_query(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::res_query;
    __res_query(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::__res_query;
    res_nquery(resolver: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::res_nquery;
    __res_nquery(resolver: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::__res_nquery;
    res_search(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::res_search;
    __res_search(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::__res_search;
    res_nsearch(resolver: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::res_nsearch;
    __res_nsearch(resolver: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::__res_nsearch;
    res_querydomain(name: *const c_char, domain: *const c_char, class: c_int, kind: c_int,
        answer: *mut c_uchar, size: c_int) -> c_int = queries::res_querydomain;
    res_nquerydomain(resolver: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int,
        kind: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::res_nquerydomain;
    res_send(message: *const c_uchar, length: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::res_send;
    res_nsend(resolver: *mut c_void, message: *const c_uchar, length: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::res_nsend;
    __res_querydomain(name: *const c_char, domain: *const c_char, class: c_int, kind: c_int,
        answer: *mut c_uchar, size: c_int) -> c_int = queries::__res_querydomain;
    __res_nquerydomain(resolver: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int,
        kind: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::__res_nquerydomain;
    __res_send(message: *const c_uchar, length: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::__res_send;
    __res_nsend(resolver: *mut c_void, message: *const c_uchar, length: c_int, answer: *mut c_uchar, size: c_int) -> c_int = queries::__res_nsend;

    open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int = files::open, before known;
    open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int = files::open64, before known;
    __open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int = files::__open, before known;
    __open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int = files::__open64, before known;
    __open_2(path: *const c_char, flags: c_int) -> c_int = files::__open_2, before known;
    __open64_2(path: *const c_char, flags: c_int) -> c_int = files::__open64_2, before known;
    openat(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int = files::openat, before known;
    openat64(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int = files::openat64, before known;
    __openat_2(dir: c_int, path: *const c_char, flags: c_int) -> c_int = files::__openat_2, before known;
    __openat64_2(dir: c_int, path: *const c_char, flags: c_int) -> c_int = files::__openat64_2, before known;
    openat2(dir: c_int, path: *const c_char, how: *const c_void, size: usize) -> c_int = files::openat2, before known;
    creat(path: *const c_char, mode: mode_t) -> c_int = files::creat, before known;
    creat64(path: *const c_char, mode: mode_t) -> c_int = files::creat64, before known;
    fopen(path: *const c_char, mode: *const c_char) -> *mut FILE = streams::fopen;
    fopen64(path: *const c_char, mode: *const c_char) -> *mut FILE = streams::fopen64;
    _IO_fopen(path: *const c_char, mode: *const c_char) -> *mut FILE = streams::_IO_fopen;
    freopen(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE = streams::freopen;
    freopen64(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE = streams::freopen64;
    opendir(path: *const c_char) -> *mut DIR = files::opendir;
    setmntent(path: *const c_char, mode: *const c_char) -> *mut FILE = streams::setmntent;
    __setmntent(path: *const c_char, mode: *const c_char) -> *mut FILE = streams::__setmntent;
    shm_open(name: *const c_char, flags: c_int, mode: mode_t) -> c_int = inside::shm_open;
    sem_open(name: *const c_char, flags: c_int, mode: mode_t, value: c_uint) -> *mut c_void = inside::sem_open;
    updwtmp(path: *const c_char, entry: *const c_void) -> () = inside::updwtmp;
    updwtmpx(path: *const c_char, entry: *const c_void) -> () = inside::updwtmpx;
    utmpname(path: *const c_char) -> c_int = inside::utmpname;
    utmpxname(path: *const c_char) -> c_int = inside::utmpxname;
    process_vm_writev(pid: pid_t, local: *const iovec, local_count: c_ulong, remote: *const iovec, remote_count: c_ulong,
        flags: c_ulong) -> isize = memory::process_vm_writev, before next;


    unlink(path: *const c_char) -> c_int = tree::unlink, before next;
    unlinkat(dir: c_int, path: *const c_char, flags: c_int) -> c_int = tree::unlinkat, before next;
    remove(path: *const c_char) -> c_int = tree::remove, before next;
    rmdir(path: *const c_char) -> c_int = tree::rmdir, before next;
    rename(old: *const c_char, new: *const c_char) -> c_int = tree::rename, before next;
    renameat(old_dir: c_int, old: *const c_char, new_dir: c_int, new: *const c_char) -> c_int = tree::renameat, before next;
    renameat2(old_dir: c_int, old: *const c_char, new_dir: c_int, new: *const c_char, flags: c_uint) -> c_int = tree::renameat2, before next;
    link(old: *const c_char, new: *const c_char) -> c_int = tree::link, before next;
    linkat(old_dir: c_int, old: *const c_char, new_dir: c_int, new: *const c_char, flags: c_int) -> c_int = tree::linkat, before next;
    symlink(target: *const c_char, path: *const c_char) -> c_int = tree::symlink, before next;
    symlinkat(target: *const c_char, dir: c_int, path: *const c_char) -> c_int = tree::symlinkat, before next;
    mkdir(path: *const c_char, mode: mode_t) -> c_int = tree::mkdir, before next;
    mkdirat(dir: c_int, path: *const c_char, mode: mode_t) -> c_int = tree::mkdirat, before next;
    mknod(path: *const c_char, mode: mode_t, device: dev_t) -> c_int = tree::mknod, before next;
    mknodat(dir: c_int, path: *const c_char, mode: mode_t, device: dev_t) -> c_int = tree::mknodat, before next;
    __xmknod(version: c_int, path: *const c_char, mode: mode_t, device: *mut dev_t) -> c_int = tree::__xmknod, before next;
    __xmknodat(version: c_int, dir: c_int, path: *const c_char, mode: mode_t, device: *mut dev_t) -> c_int = tree::__xmknodat, before next;
    mkfifo(path: *const c_char, mode: mode_t) -> c_int = tree::mkfifo, before next;
    mkfifoat(dir: c_int, path: *const c_char, mode: mode_t) -> c_int = tree::mkfifoat, before next;
    truncate(path: *const c_char, length: off_t) -> c_int = tree::truncate, before next;
    truncate64(path: *const c_char, length: off_t) -> c_int = tree::truncate64, before next;
    chmod(path: *const c_char, mode: mode_t) -> c_int = tree::chmod, before next;
    lchmod(path: *const c_char, mode: mode_t) -> c_int = tree::lchmod, before next;
    fchmod(fd: c_int, mode: mode_t) -> c_int = tree::fchmod, before next;
    fchmodat(dir: c_int, path: *const c_char, mode: mode_t, flags: c_int) -> c_int = tree::fchmodat, before next;
    chown(path: *const c_char, user: uid_t, group: gid_t) -> c_int = tree::chown, before next;
    lchown(path: *const c_char, user: uid_t, group: gid_t) -> c_int = tree::lchown, before next;
    fchown(fd: c_int, user: uid_t, group: gid_t) -> c_int = tree::fchown, before next;
    fchownat(dir: c_int, path: *const c_char, user: uid_t, group: gid_t, flags: c_int) -> c_int = tree::fchownat, before next;
    utime(path: *const c_char, times: *const c_void) -> c_int = tree::utime, before next;
    utimes(path: *const c_char, times: *const timeval) -> c_int = tree::utimes, before next;
    lutimes(path: *const c_char, times: *const timeval) -> c_int = tree::lutimes, before next;
    futimesat(dir: c_int, path: *const c_char, times: *const timeval) -> c_int = tree::futimesat, before next;
    futimes(fd: c_int, times: *const timeval) -> c_int = tree::futimes, before next;
    futimens(fd: c_int, times: *const timespec) -> c_int = tree::futimens, before next;
    shm_unlink(name: *const c_char) -> c_int = inside::shm_unlink;
    sem_unlink(name: *const c_char) -> c_int = inside::sem_unlink;
    utimensat(dir: c_int, path: *const c_char, times: *const timespec, flags: c_int) -> c_int = tree::utimensat, before next;
    setxattr(path: *const c_char, name: *const c_char, value: *const c_void, size: usize, flags: c_int) -> c_int = tree::setxattr, before next;
    lsetxattr(path: *const c_char, name: *const c_char, value: *const c_void, size: usize, flags: c_int) -> c_int = tree::lsetxattr, before next;
    fsetxattr(fd: c_int, name: *const c_char, value: *const c_void, size: usize, flags: c_int) -> c_int = tree::fsetxattr, before next;
    removexattr(path: *const c_char, name: *const c_char) -> c_int = tree::removexattr, before next;
    lremovexattr(path: *const c_char, name: *const c_char) -> c_int = tree::lremovexattr, before next;
    fremovexattr(fd: c_int, name: *const c_char) -> c_int = tree::fremovexattr, before next;
    readlink(path: *const c_char, room: *mut c_char, size: usize) -> isize = tree::readlink, before next;
    readlinkat(dir: c_int, path: *const c_char, room: *mut c_char, size: usize) -> isize = tree::readlinkat, before next;
    __readlink_chk(path: *const c_char, room: *mut c_char, size: usize, limit: usize) -> isize = tree::__readlink_chk, before next;
    __readlinkat_chk(dir: c_int, path: *const c_char, room: *mut c_char, size: usize, limit: usize) -> isize = tree::__readlinkat_chk, before next;
    scandir(path: *const c_char, list: *mut c_void, filter: *const c_void, compare: *const c_void) -> c_int = tree::scandir, before next;
    scandir64(path: *const c_char, list: *mut c_void, filter: *const c_void, compare: *const c_void) -> c_int = tree::scandir64, before next;
    scandirat(dir: c_int, path: *const c_char, list: *mut c_void, filter: *const c_void, compare: *const c_void) -> c_int = tree::scandirat, before next;
    scandirat64(dir: c_int, path: *const c_char, list: *mut c_void, filter: *const c_void, compare: *const c_void) -> c_int = tree::scandirat64, before next;
    mkstemp(template: *mut c_char) -> c_int = tree::mkstemp, before next;
    mkstemp64(template: *mut c_char) -> c_int = tree::mkstemp64, before next;
    mkstemps(template: *mut c_char, suffix: c_int) -> c_int = tree::mkstemps, before next;
    mkstemps64(template: *mut c_char, suffix: c_int) -> c_int = tree::mkstemps64, before next;
    mkostemp(template: *mut c_char, flags: c_int) -> c_int = tree::mkostemp, before next;
    mkostemp64(template: *mut c_char, flags: c_int) -> c_int = tree::mkostemp64, before next;
    mkostemps(template: *mut c_char, suffix: c_int, flags: c_int) -> c_int = tree::mkostemps, before next;
    mkostemps64(template: *mut c_char, suffix: c_int, flags: c_int) -> c_int = tree::mkostemps64, before next;
    mkdtemp(template: *mut c_char) -> *mut c_char = tree::mkdtemp;
    tmpfile() -> *mut FILE = tree::tmpfile;
    tmpfile64() -> *mut FILE = tree::tmpfile64;

    // No hooks.
    __h_errno_location() -> *mut c_int;
    abort() -> !;
    clock_gettime(clock: c_int, time: *mut timespec) -> c_int;
    fclose(stream: *mut FILE) -> c_int;
    fdopen(fd: c_int, mode: *const c_char) -> *mut FILE;
    fdopendir(fd: c_int) -> *mut DIR;
    fileno(stream: *mut FILE) -> c_int;
    free(place: *mut c_void) -> ();
    malloc(size: usize) -> *mut c_void;
    posix_memalign(place: *mut *mut c_void, alignment: usize, size: usize) -> c_int;
    pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
    pthread_setcanceltype(kind: c_int, before: *mut c_int) -> c_int;
    wordfree(list: *mut c_void) -> ();
    // A variable: where the heap ends that brk(2) makes.
    __curbrk() -> ();
}

/// `open(2)`'s mode is variadic in C. On both architectures a variadic integer is passed where the third argument of a
/// function of fixed arity is (System V AMD64 §3.2.3, AAPCS64 §6.8.2), so reading it when the caller gave none reads a
/// register that nobody uses.
const _: () = assert!(size_of::<mode_t>() == size_of::<c_uint>());

/// In the test build nothing is exported.
#[cfg(test)]
pub fn hook(_: &[u8]) -> Option<*mut c_void> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hook_is_found_by_its_name_and_nothing_else_is() {
        let names: Vec<&[u8]> = NAMES
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .collect();
        assert_eq!(names.len(), COUNT);
        for (at, name) in names.iter().take(HOOKS).enumerate() {
            assert_eq!(place(name), Some(at), "{}", String::from_utf8_lossy(name));
            let longer = [*name, b"?"].concat();
            assert_eq!(place(&longer), None, "{}", String::from_utf8_lossy(&longer));
        }
        for name in [
            b"".as_slice(),
            b"\0",
            b"openopenat",
            b"open\0",
            b"pe",
            b"malloc",
        ] {
            assert_eq!(place(name), None, "{}", String::from_utf8_lossy(name));
        }
    }
}
