//! What names led to, where the policy allows destinations by name: the results of getaddrinfo(3) and its kin, and the answers that a
//! program's own resolver receives.

use core::ffi::{c_char, c_int, c_uchar, c_uint, c_void};
use core::net::SocketAddr;

use libc::{addrinfo, hostent, iovec, mmsghdr, msghdr, sockaddr, socklen_t, timespec};
use palisade_policy::event::{Connect, Reason, Section};

use super::finish;
use super::messages::{self, gather};
use super::names::{self, judge_asked, own_search, plain_address};
use super::network::{Address, DNS_PORT, internet};
use super::questions::PAYLOAD;
use crate::state::State;
use crate::sys::Errno;
use crate::{answer, resolved, state, sys, table};

/// Notes the addresses that a name led to, if a policy asks for destinations by their names; passes the result on.
///
/// # Safety
/// What getaddrinfo(3) took and gave.
pub unsafe fn note_list(node: *const c_char, status: c_int, result: *mut *mut addrinfo) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        if status == 0
            && let Some(name) = noted(node)
        {
            let mut next = *result;
            while let Some(info) = next.as_ref() {
                let to =
                    Address::copy(info.ai_addr, info.ai_addrlen).and_then(|copy| copy.internet());
                if let Some(to) = to {
                    resolved::note(to.ip(), name);
                }
                next = info.ai_next;
            }
        }
    }
    status
}

/// The same for gethostbyname(3).
///
/// # Safety
/// What gethostbyname(3) took and gave.
pub unsafe fn note_entry(node: *const c_char, entry: *const hostent) {
    // SAFETY: the caller's promise: a list of addresses that ends in a null pointer, each as long as the entry says.
    unsafe {
        let (Some(entry), Some(name)) = (entry.as_ref(), noted(node)) else {
            return;
        };
        let mut next = entry.h_addr_list;
        while !next.is_null() && !(*next).is_null() {
            let length = socklen_t::try_from(entry.h_length).unwrap_or(0);
            if let Some(ip) = plain_address((*next).cast(), length, entry.h_addrtype) {
                resolved::note(ip, name);
            }
            next = next.add(1);
        }
    }
}

/// The name, if some entry of the policy could ask for it.
///
/// # Safety
/// `node` is a C string that nobody changes meanwhile, or a bad pointer.
unsafe fn noted<'a>(node: *const c_char) -> Option<&'a [u8]> {
    let state = state::noting()?;
    // SAFETY: the caller's promise.
    let name =
        unsafe { sys::c_bytes(node) }.filter(|name| state.learns || state.decider.wants_name(name));
    // Where the program says what is searched, the address may be another name's.
    name.filter(|_| own_search(state) == [None; 2])
}

/// struct gaicb of getaddrinfo_a(3), as far as it is read.
#[repr(C)]
pub struct Gaicb {
    name: *const c_char,
    service: *const c_char,
    request: *const addrinfo,
    result: *mut addrinfo,
    /// What gai_error(3) says: zero once the result is there.
    status: c_int,
}

/// Of netdb.h: everything is resolved when the call returns.
const GAI_WAIT: c_int = 0;

/// `getaddrinfo_a(3)`: one refused name refuses the list, because nothing of it has been started yet.
///
/// # Safety
/// As its manual page says.
pub unsafe fn getaddrinfo_a(
    mode: c_int,
    list: *const *mut Gaicb,
    count: c_int,
    event: *mut c_void,
) -> c_int {
    let Some(next) = table::getaddrinfo_a::next() else {
        return libc::EAI_SYSTEM;
    };
    // SAFETY: the caller keeps what the manual page asks.
    unsafe {
        if let Some(state) = state::judging(Section::Dns) {
            for index in 0..usize::try_from(count).unwrap_or_default() {
                if refuses_request(state, *list.add(index)) {
                    return libc::EAI_FAIL;
                }
            }
        }
        let status = next(mode, list, count, event);
        if mode == GAI_WAIT {
            note_requests(list.cast(), count);
        }
        status
    }
}

/// # Safety
/// A request, or a null pointer.
#[inline(never)]
unsafe fn refuses_request(state: &State, request: *const Gaicb) -> bool {
    // SAFETY: the caller's promise.
    let Some(request) = (unsafe { request.as_ref() }) else {
        return false;
    };
    let mut host = names::Host::new();
    // SAFETY: the caller's promise.
    let (copied, flags) = unsafe {
        let copied = names::copy(request.name, &mut host);
        (copied, names::flags_of(request.request))
    };
    copied.is_some() && judge_asked(state, host.as_bytes(), flags).is_err()
}

/// The same for a list of getaddrinfo_a(3): what is done by now.
///
/// # Safety
/// `count` pointers to requests, or null pointers.
unsafe fn note_requests(list: *const *const Gaicb, count: c_int) {
    if state::noting().is_none() {
        return;
    }
    for index in 0..usize::try_from(count).unwrap_or_default() {
        // SAFETY: the caller's promise.
        unsafe { note_request(*list.add(index)) };
    }
}

/// The same for one of them.
///
/// # Safety
/// A request, or a null pointer.
unsafe fn note_request(request: *const Gaicb) {
    // SAFETY: the caller's promise. The status is written last, by another thread (gai_error(3) reads it in this way).
    unsafe {
        if !request.is_null() && (&raw const (*request).status).read_volatile() == 0 {
            core::sync::atomic::fence(core::sync::atomic::Ordering::Acquire);
            note_list(
                (*request).name,
                0,
                (&raw const (*request).result).cast_mut(),
            );
        }
    }
}

/// `gai_error(3)`: what was resolved in the background is there.
///
/// # Safety
/// As its manual page says.
pub unsafe fn gai_error(request: *mut Gaicb) -> c_int {
    let Some(next) = table::gai_error::next() else {
        return libc::EAI_SYSTEM;
    };
    // SAFETY: the caller's argument.
    unsafe {
        let status = next(request);
        if status == 0 && state::noting().is_some() {
            note_request(request);
        }
        status
    }
}

/// `gai_suspend(3)`: some of what is resolved in the background is there.
///
/// # Safety
/// As its manual page says.
pub unsafe fn gai_suspend(
    list: *const *const Gaicb,
    count: c_int,
    timeout: *const timespec,
) -> c_int {
    let Some(next) = table::gai_suspend::next() else {
        return libc::EAI_SYSTEM;
    };
    // SAFETY: the caller's arguments.
    unsafe {
        let status = next(list, count, timeout);
        note_requests(list, count);
        status
    }
}

/// Notes what an answer of libc's resolver(3) says.
///
/// # Safety
/// `message` has room for `size` bytes, and holds as many of an answer's `length` as fit.
pub unsafe fn note_message(message: *const c_uchar, length: c_int, size: c_int) {
    let Some(state) = state::noting() else {
        return;
    };
    let Ok(length) = usize::try_from(length.min(size)) else {
        return;
    };
    if sys::can_read(message.cast(), length) {
        // SAFETY: the caller's promise.
        let message = unsafe { core::slice::from_raw_parts(message, length) };
        note_answer(state, message, || true);
    }
}

/// Notes the addresses in an answer, if `is_ours`, which is asked only if there are any that matter, says where it came from.
#[inline(never)]
fn note_answer(state: &State, message: &[u8], is_ours: impl Fn() -> bool) {
    let mut known = None;
    answer::each(message, &mut |name, ip| {
        if (state.learns || state.decider.wants_name(name)) && *known.get_or_insert_with(&is_ours) {
            resolved::note(ip, name);
        }
    });
}

/// Is this a name server of the machine's? Another one may say of any name what it likes.
fn is_name_server(state: &State, from: Option<SocketAddr>) -> bool {
    from.is_some_and(|from| {
        let event = Connect {
            ip: from.ip(),
            port: from.port(),
        };
        from.port() == DNS_PORT && state.decider.connect(&event).reason == Reason::Platform
    })
}

/// Header, name, and one record: less is no answer.
const LEAST: usize = 12 + 5 + 2 + 10 + 4;

/// Notes what a program's own resolver has received. `from`: where libc wrote the sender, if it was asked to.
///
/// # Safety
/// `vectors` are what the call has filled with `received` bytes, `from` a whole address or null.
#[inline]
unsafe fn hear(
    state: &State,
    fd: c_int,
    vectors: &[iovec],
    received: usize,
    from: (*const sockaddr, socklen_t),
) {
    if received >= LEAST {
        // SAFETY: the caller's promise.
        unsafe { hear_answer(state, fd, vectors, received, from) }
    }
}

/// # Safety
/// As for [`hear`].
#[inline(never)]
unsafe fn hear_answer(
    state: &State,
    fd: c_int,
    vectors: &[iovec],
    received: usize,
    (from, from_length): (*const sockaddr, socklen_t),
) {
    let is_ours = || {
        let mut peer = [0; 128];
        // SAFETY: the caller's promise.
        let sender = match unsafe { Address::copy(from, from_length) } {
            Some(copy) if from_length > 0 => copy.internet(),
            _ => sys::getpeername(fd, &mut peer)
                .ok()
                .and_then(|length| internet(peer.get(..length)?)),
        };
        is_name_server(state, sender)
    };
    // SAFETY: the caller's promise.
    unsafe {
        match vectors {
            [one, ..] if one.iov_len >= received => {
                let message = core::slice::from_raw_parts(one.iov_base.cast::<u8>(), received);
                note_answer(state, message, is_ours);
            }
            _ => {
                let mut bytes = [0; PAYLOAD];
                let length = gather(vectors.as_ptr(), vectors.len(), 0, &mut bytes).min(received);
                note_answer(state, bytes.get(..length).unwrap_or_default(), is_ours);
            }
        }
    }
}

macro_rules! receives {
    ($($name:ident($fd:ident, $buffer:ident, $length:ident, $($more:ident: $type:ty),*) from $from:expr;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`: what a name server says is noted.")]
        ///
        /// # Safety
        /// As its manual page says.
        #[inline]
        #[allow(clippy::too_many_arguments, reason = "those of the function, and what comes after")]
        pub unsafe fn $name(
            next: Option<table::$name::Function>, $fd: c_int, $buffer: *mut c_void, $length: usize, $($more: $type),*
        ) -> isize {
            /// # Safety
            /// As its manual page says.
            #[inline(never)]
            #[allow(clippy::too_many_arguments, reason = "as above")]
            unsafe fn heard(
                $fd: c_int, $buffer: *mut c_void, $length: usize, $($more: $type,)* next: table::$name::Function, state: &State
            ) -> isize {
                // SAFETY: the caller's arguments; libc has filled as much of the buffer as it says, and the sender's address.
                unsafe {
                    let received = next($fd, $buffer, $length, $($more),*);
                    if let Ok(count) = usize::try_from(received) {
                        let count = count.min($length);
                        let vector = iovec { iov_base: $buffer, iov_len: count };
                        hear(state, $fd, &[vector], count, $from);
                    }
                    received
                }
            }
            let Some(next) = next else { return finish(Err(Errno(libc::ENOSYS))) as isize };
            // SAFETY: the caller's arguments.
            unsafe {
                match state::noting() {
                    Some(state) if $length >= LEAST => heard($fd, $buffer, $length, $($more,)* next, state),
                    _ => next($fd, $buffer, $length, $($more),*),
                }
            }
        }
    )*};
}

/// A sender as recvfrom(2) leaves it.
///
/// # Safety
/// Both pointers are null, or what the call has filled.
unsafe fn sender(from: *const sockaddr, length: *const socklen_t) -> (*const sockaddr, socklen_t) {
    if from.is_null() || length.is_null() {
        return (core::ptr::null(), 0);
    }
    // SAFETY: the caller's promise. The kernel says how long the address is, also where less than that was room for.
    (from, unsafe { *length })
}

const NOBODY: (*const sockaddr, socklen_t) = (core::ptr::null(), 0);

receives! {
    recv(fd, buffer, length, flags: c_int) from NOBODY;
    __recv_chk(fd, buffer, length, limit: usize, flags: c_int) from NOBODY;
    recvfrom(fd, buffer, length, flags: c_int, from: *mut sockaddr, from_length: *mut socklen_t) from sender(from, from_length);
    __recvfrom_chk(fd, buffer, length, limit: usize, flags: c_int, from: *mut sockaddr, from_length: *mut socklen_t) from sender(from, from_length);
}

macro_rules! reads {
    ($($name:ident($fd:ident, $buffer:ident, $length:ident $(, $limit:ident: usize)?);)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`: what a name server says is noted.")]
        ///
        /// # Safety
        /// As its manual page says.
        #[inline]
        pub unsafe fn $name(
            next: Option<table::$name::Function>, $fd: c_int, $buffer: *mut c_void, $length: usize $(, $limit: usize)?
        ) -> isize {
            // SAFETY: the caller's arguments; as much of the buffer has been filled as is said.
            unsafe {
                let received = match next {
                    Some(next) => next($fd, $buffer, $length $(, $limit)?),
                    // Before the constructor: perhaps inside an allocator, where no symbol may be looked up.
                    None => plain(sys::any(libc::SYS_read, [$fd as usize, $buffer as usize, $length, 0, 0, 0])),
                };
                if let (Some(state), Ok(count)) = (expecting(), usize::try_from(received)) {
                    let vector = iovec { iov_base: $buffer, iov_len: count };
                    hear(state, $fd, &[vector], count, NOBODY);
                }
                received
            }
        }
    )*};
}

/// The policy, if what is read may be an answer that it asks for. Files are read by the same functions.
#[inline]
fn expecting() -> Option<&'static State> {
    state::noting().filter(|_| messages::may_be_answer())
}

/// As libc presents what a system call gave.
fn plain(result: Result<usize, Errno>) -> isize {
    result.map_or_else(|errno| finish(Err(errno)) as isize, |value| value as isize)
}

reads! {
    read(fd, buffer, length);
    __read(fd, buffer, length);
    __read_chk(fd, buffer, length, limit: usize);
}

/// `readv(2)`: what a name server says is noted.
///
/// # Safety
/// As its manual page says.
#[inline]
pub unsafe fn readv(
    next: Option<table::readv::Function>,
    fd: c_int,
    vectors: *const iovec,
    count: c_int,
) -> isize {
    // SAFETY: the caller's arguments; as much of the vectors has been filled as is said.
    unsafe {
        let received = match next {
            Some(next) => next(fd, vectors, count),
            None => plain(sys::any(
                libc::SYS_readv,
                [fd as usize, vectors as usize, count as usize, 0, 0, 0],
            )),
        };
        if let (Some(state), Ok(length)) = (expecting(), usize::try_from(received))
            && length > 0
        {
            let vectors = core::slice::from_raw_parts(vectors, count as usize);
            hear(state, fd, vectors, length, NOBODY);
        }
        received
    }
}

/// Notes what one message says.
///
/// # Safety
/// A header that recvmsg(2) has filled with `received` bytes.
unsafe fn hear_message(state: &State, fd: c_int, message: *const msghdr, received: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(header) = message.as_ref() else {
            return;
        };
        if header.msg_iov.is_null() {
            return;
        }
        let vectors = core::slice::from_raw_parts(header.msg_iov, header.msg_iovlen);
        let room = vectors.iter().map(|vector| vector.iov_len).sum();
        let from = (header.msg_name.cast_const().cast(), header.msg_namelen);
        hear(state, fd, vectors, received.min(room), from);
    }
}

/// `recvmsg(2)`: what a name server says is noted.
///
/// # Safety
/// As its manual page says.
pub unsafe fn recvmsg(
    next: Option<table::recvmsg::Function>,
    fd: c_int,
    message: *mut msghdr,
    flags: c_int,
) -> isize {
    let Some(next) = next else {
        return finish(Err(Errno(libc::ENOSYS))) as isize;
    };
    // SAFETY: the caller's arguments.
    unsafe {
        let received = next(fd, message, flags);
        if let (Some(state), Ok(count)) = (state::noting(), usize::try_from(received)) {
            hear_message(state, fd, message, count);
        }
        received
    }
}

/// `recvmmsg(2)`: what a name server says is noted.
///
/// # Safety
/// As its manual page says.
pub unsafe fn recvmmsg(
    next: Option<table::recvmmsg::Function>,
    fd: c_int,
    messages: *mut mmsghdr,
    count: c_uint,
    flags: c_int,
    timeout: *mut timespec,
) -> c_int {
    let Some(next) = next else {
        return finish(Err(Errno(libc::ENOSYS)));
    };
    // SAFETY: the caller's arguments.
    unsafe {
        let received = next(fd, messages, count, flags, timeout);
        if let (Some(state), Ok(received)) = (state::noting(), usize::try_from(received)) {
            for index in 0..received {
                let message = messages.add(index);
                let length = (&raw const (*message).msg_len).read() as usize;
                hear_message(state, fd, &raw const (*message).msg_hdr, length);
            }
        }
        received
    }
}
