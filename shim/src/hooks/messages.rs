//! Messages: the `send(2)` family, `write(2)` and all that carries bytes to a socket. Their destinations are judged, and the questions
//! that they put to a name server.

use core::ffi::{c_int, c_uint, c_void};
use core::sync::atomic::{AtomicBool, Ordering};

use libc::{iovec, mmsghdr, msghdr, off_t, sockaddr, socklen_t};
use palisade_policy::event::Section;

use super::network::{
    self, ADDRESS_MAX, Address, Words, is_socket, judge_outbound, plainly_allowed,
};
use super::questions::{self, PAYLOAD};
use super::{REFUSED, finish};
use crate::sys::{Errno, Reader};
use crate::{state, sys, table};

/// Has a socket of this process been connected to port 53? From then on each message is looked at, whatever number its descriptor has, for
/// it may be a second one of that socket. Until then nobody pays for it, and a program that lets itself make few system calls (seccomp(2))
/// makes no other.
static TO_RESOLVER: AtomicBool = AtomicBool::new(false);

/// A socket is about to be connected to port 53.
pub fn expect_questions() {
    TO_RESOLVER.store(true, Ordering::Relaxed);
}

/// May what is read be the answer of a name server?
#[inline]
pub fn may_be_answer() -> bool {
    TO_RESOLVER.load(Ordering::Relaxed)
}

/// May a message without a destination go to a name server?
#[inline]
pub fn may_be_resolver() -> bool {
    state::judges_any(&[Section::Dns]) && TO_RESOLVER.load(Ordering::Relaxed)
}

/// Can the vectors of a message be read? If not, the call fails with `EFAULT` or `EMSGSIZE`, as it should.
#[inline]
fn are_there(vectors: *const iovec, count: usize) -> bool {
    count == 0 || count <= MESSAGES_MAX && sys::can_read(vectors.cast(), count * size_of::<iovec>())
}

/// How many bytes a message has.
///
/// # Safety
/// `count` vectors that are readable, and that nobody changes meanwhile.
unsafe fn length(vectors: *const iovec, count: usize) -> usize {
    // SAFETY: the caller's promise.
    let lengths = (0..count).map(|index| unsafe { (*vectors.add(index)).iov_len });
    lengths.fold(0, usize::saturating_add)
}

/// Copies bytes of a message from `skip` on, as many as there is room for and as can be read: the kernel sends no more than that, either.
///
/// # Safety
/// `count` vectors that are readable, and that nobody changes meanwhile.
pub unsafe fn gather(
    vectors: *const iovec,
    count: usize,
    mut skip: usize,
    out: &mut [u8; PAYLOAD],
) -> usize {
    let (mut length, mut reader) = (0, Reader::new());
    for index in 0..count {
        // SAFETY: the caller's promise.
        let vector = unsafe { &*vectors.add(index) };
        let room = out.get_mut(length..).unwrap_or_default();
        let wanted = vector.iov_len.saturating_sub(skip).min(room.len());
        let taken = reader.up_to(vector.iov_base.wrapping_byte_add(skip), wanted);
        if taken > 0 {
            // SAFETY: so many can be read; `room` is at least as long, and `skip` and `taken` together not longer than the vector.
            unsafe {
                core::ptr::copy_nonoverlapping(
                    vector.iov_base.cast::<u8>().add(skip),
                    room.as_mut_ptr(),
                    taken,
                )
            };
            length += taken;
        }
        if taken < wanted {
            break;
        }
        skip = skip.saturating_sub(vector.iov_len);
    }
    length
}

/// Judges a message without a destination, if it may go to a name server: the questions in it.
///
/// # Errors
/// `EACCES`.
///
/// # Safety
/// As for [`gather`].
#[inline]
pub unsafe fn judge_message(fd: c_int, vectors: *const iovec, count: usize) -> Result<(), Errno> {
    if !may_be_resolver() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe { judge_questions(fd, vectors, count) }
}

/// # Errors
/// `EACCES`.
///
/// # Safety
/// As for [`gather`].
#[inline(never)]
unsafe fn judge_questions(fd: c_int, vectors: *const iovec, count: usize) -> Result<(), Errno> {
    // SAFETY: the caller's promise, and the vectors are there.
    unsafe {
        if !are_there(vectors, count) {
            return Ok(());
        }
        questions::judge_sent(fd, length(vectors, count), |skip, out| {
            gather(vectors, count, skip, out)
        })
    }
}

/// Judges a message by its destination, and, if that is a name server, the questions in it.
///
/// # Errors
/// `EACCES`.
///
/// # Safety
/// As for [`gather`].
unsafe fn judge_destined(
    fd: c_int,
    copy: &Address,
    vectors: *const iovec,
    count: usize,
) -> Result<(), Errno> {
    if !are_there(vectors, count) {
        return Ok(());
    }
    if let Some(state) = state::judging(Section::Outbound)
        && let Some(to) = copy.internet_or_none()
    {
        judge_outbound(state, fd, to)?;
    }
    if !copy.has_dns_port() || copy.internet_or_none().is_none() {
        return Ok(());
    }
    // With MSG_FASTOPEN that is a connection, on which more may follow; and there may be an answer.
    expect_questions();
    // SAFETY: the caller's promise, and the vectors are there.
    let payload =
        |skip: usize, out: &mut [u8; PAYLOAD]| unsafe { gather(vectors, count, skip, out) };
    match state::judging(Section::Dns) {
        Some(state) if is_socket(fd) => {
            // SAFETY: as above.
            let length = unsafe { length(vectors, count) };
            questions::judge_payload(state, fd, length, payload)
        }
        _ => Ok(()),
    }
}

/// The end of a refused send.
pub fn refused() -> isize {
    finish(Err(REFUSED)) as isize
}

macro_rules! plain_sends {
    ($($name:ident($fd:ident, $buffer:ident, $length:ident $(, $flags:ident)?);)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`: to the peer of a connected socket.")]
        ///
        /// # Safety
        /// As its manual page says.
        #[inline]
        pub unsafe fn $name(
            next: Option<table::$name::Function>, $fd: c_int, $buffer: *const c_void, $length: usize $(, $flags: c_int)?
        ) -> isize {
            if may_be_resolver() {
                let vector = iovec { iov_base: $buffer.cast_mut(), iov_len: $length };
                // SAFETY: the caller's arguments.
                if unsafe { judge_questions($fd, &raw const vector, 1) }.is_err() {
                    return refused();
                }
            }
            match next {
                // SAFETY: the caller's arguments.
                Some(next) => unsafe { next($fd, $buffer, $length $(, $flags)?) },
                None => finish(Err(Errno(libc::ENOSYS))) as isize,
            }
        }
    )*};
}

plain_sends! {
    send(fd, buffer, length, flags);
    __send(fd, buffer, length, flags);
    write(fd, buffer, length);
    __write(fd, buffer, length);
}

/// `writev(2)`.
///
/// # Safety
/// As its manual page says.
#[inline]
pub unsafe fn writev(
    next: Option<table::writev::Function>,
    fd: c_int,
    vectors: *const iovec,
    count: c_int,
) -> isize {
    // SAFETY: the caller's arguments.
    unsafe {
        if judge_message(fd, vectors, usize::try_from(count).unwrap_or_default()).is_err() {
            return refused();
        }
        match next {
            Some(next) => next(fd, vectors, count),
            None => finish(Err(Errno(libc::ENOSYS))) as isize,
        }
    }
}

/// Whose section can forbid a message.
const MESSAGES: [Section; 2] = [Section::Outbound, Section::Dns];

/// `sendto(2)`. With `MSG_FASTOPEN` it connects as well.
///
/// # Safety
/// As its manual page says.
#[inline]
pub unsafe fn sendto(
    next: Option<table::sendto::Function>,
    fd: c_int,
    buffer: *const c_void,
    length: usize,
    flags: c_int,
    address: *const sockaddr,
    address_length: socklen_t,
) -> isize {
    let Some(next) = next else {
        return finish(Err(Errno(libc::ENOSYS))) as isize;
    };
    // SAFETY: the caller's arguments.
    unsafe {
        if state::judges_any(&MESSAGES) {
            let to = (address, address_length);
            sendto_looked_at(next, fd, buffer, length, flags, to)
        } else {
            next(fd, buffer, length, flags, address, address_length)
        }
    }
}

/// A function of its own: most destinations take no stack for the copy of an address of any length.
///
/// # Safety
/// As sendto(2) says.
#[inline(never)]
unsafe fn sendto_looked_at(
    next: table::sendto::Function,
    fd: c_int,
    buffer: *const c_void,
    length: usize,
    flags: c_int,
    (address, address_length): (*const sockaddr, socklen_t),
) -> isize {
    // SAFETY: the caller's arguments, or a copy of them.
    unsafe {
        let mut copy = Words::default();
        if plainly_allowed(address, address_length, &mut copy) {
            let to = copy.as_ptr().cast();
            return next(fd, buffer, length, flags, to, address_length);
        }
        sendto_judged(next, fd, buffer, length, flags, (address, address_length))
    }
}

/// # Safety
/// As sendto(2) says.
#[inline(never)]
unsafe fn sendto_judged(
    next: table::sendto::Function,
    fd: c_int,
    buffer: *const c_void,
    length: usize,
    flags: c_int,
    (address, address_length): (*const sockaddr, socklen_t),
) -> isize {
    let vector = iovec {
        iov_base: buffer.cast_mut(),
        iov_len: length,
    };
    let mut copy = Address::new();
    // SAFETY: the caller's arguments, or a copy of them.
    unsafe {
        let (judged, to) = if copy.fill(address, address_length) {
            let judged = judge_destined(fd, &copy, &raw const vector, 1);
            (judged, copy.as_ptr())
        } else if address.is_null() {
            (judge_message(fd, &raw const vector, 1), address)
        } else {
            (Ok(()), network::not_read(address, address_length))
        };
        match judged {
            Ok(()) => next(fd, buffer, length, flags, to, address_length),
            Err(_) => refused(),
        }
    }
}

/// The judged copy of a message's header, with the copy of its address in `room`. `None`: one that cannot be read; the
/// kernel says why.
///
/// # Errors
/// `EACCES`.
///
/// # Safety
/// Nobody unmaps the message meanwhile.
unsafe fn judge_header(
    fd: c_int,
    message: *const msghdr,
    room: &mut Address,
) -> Result<Option<msghdr>, Errno> {
    if !sys::can_read(message.cast(), size_of::<msghdr>()) {
        return Ok(None);
    }
    // SAFETY: it can be read, and the caller's promise.
    unsafe {
        let mut header = *message;
        if header.msg_name.is_null() {
            judge_message(fd, header.msg_iov, header.msg_iovlen)?;
            return Ok(Some(header));
        }
        // The kernel takes as much of a longer one, and refuses what is negative as an int (copy_msghdr of net/socket.c).
        if header.msg_namelen as c_int > ADDRESS_MAX as c_int {
            header.msg_namelen = ADDRESS_MAX as socklen_t;
        }
        if !room.fill(header.msg_name.cast(), header.msg_namelen) {
            let name = network::not_read(header.msg_name.cast(), header.msg_namelen);
            header.msg_name = name.cast_mut().cast();
            return Ok(Some(header));
        }
        header.msg_name = room.bytes.as_mut_ptr().cast();
        if !plainly_allowed(room.as_ptr(), room.length, &mut Words::default()) {
            judge_destined(fd, room, header.msg_iov, header.msg_iovlen)?;
        }
        Ok(Some(header))
    }
}

/// `sendmsg(2)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn sendmsg(
    next: Option<table::sendmsg::Function>,
    fd: c_int,
    message: *const msghdr,
    flags: c_int,
) -> isize {
    let Some(next) = next else {
        return finish(Err(Errno(libc::ENOSYS))) as isize;
    };
    // SAFETY: the caller's arguments.
    unsafe {
        if state::judges_any(&MESSAGES) {
            sendmsg_judged(next, fd, message, flags)
        } else {
            next(fd, message, flags)
        }
    }
}

/// # Safety
/// As sendmsg(2) says.
#[inline(never)]
unsafe fn sendmsg_judged(
    next: table::sendmsg::Function,
    fd: c_int,
    message: *const msghdr,
    flags: c_int,
) -> isize {
    let mut room = Address::new();
    // SAFETY: the caller's arguments, or a copy of them.
    unsafe {
        match judge_header(fd, message, &mut room) {
            Ok(Some(header)) => next(fd, &raw const header, flags),
            Ok(None) => next(fd, sys::nowhere(), flags),
            Err(_) => refused(),
        }
    }
}

/// As many messages are judged and sent together: what is sent is a copy of their headers and addresses, which no other thread can change.
const BATCH: usize = 8;

/// UIO_MAXIOV of the kernel: sendmmsg(2) looks at no more messages.
const MESSAGES_MAX: usize = 1024;

/// Sends what comes before the first refused message, as if that one had failed.
///
/// # Safety
/// As the manual page of sendmmsg(2) says.
#[inline(never)]
unsafe fn send_judged(
    next: unsafe extern "C" fn(c_int, *mut mmsghdr, c_uint, c_int) -> c_int,
    fd: c_int,
    messages: *mut mmsghdr,
    count: c_uint,
    flags: c_int,
) -> c_int {
    let before = sys::errno();
    let count = (count as usize).min(MESSAGES_MAX);
    let mut sent = 0;
    let end = |sent: usize, failure: c_int| {
        if sent == 0 {
            return failure;
        }
        sys::set_errno(before);
        sent as c_int
    };
    loop {
        let mut addresses = [const { Address::new() }; BATCH];
        // SAFETY: a header of zeros is one of an empty message.
        let mut headers: [mmsghdr; BATCH] = unsafe { core::mem::zeroed() };
        let mut ready = 0;
        let (mut is_refused, mut is_bad) = (false, false);
        for (header, room) in headers.iter_mut().zip(&mut addresses) {
            if sent + ready == count {
                break;
            }
            // The header comes first.
            let message = messages.wrapping_add(sent + ready).cast::<msghdr>();
            // SAFETY: the caller's promise.
            let judged = match unsafe { judge_header(fd, message, room) } {
                Ok(Some(judged)) => judged,
                Ok(None) => {
                    is_bad = true;
                    break;
                }
                Err(_) => {
                    is_refused = true;
                    break;
                }
            };
            header.msg_hdr = judged;
            ready += 1;
        }
        if is_bad && ready == 0 {
            let failure = if sent == 0 {
                // SAFETY: no pointer of the program's; the kernel says what is wrong with it.
                unsafe { next(fd, sys::nowhere::<mmsghdr>().cast_mut(), 1, flags) }
            } else {
                0
            };
            return end(sent, failure);
        }
        if is_refused && ready == 0 {
            let failure = if sent == 0 { finish(Err(REFUSED)) } else { 0 };
            return end(sent, failure);
        }
        // SAFETY: as many messages, of which all that they point to is the caller's or of this function.
        let result = unsafe { next(fd, headers.as_mut_ptr(), ready as c_uint, flags) };
        let Ok(done) = usize::try_from(result) else {
            return end(sent, result);
        };
        for (index, header) in headers.iter().enumerate().take(done) {
            // SAFETY: the caller's message, of which the kernel would have written the same.
            unsafe { (*messages.add(sent + index)).msg_len = header.msg_len };
        }
        sent += done;
        if done < ready || is_refused || is_bad || sent == count {
            return end(sent, 0);
        }
    }
}

macro_rules! many_sends {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(
            next: Option<table::$name::Function>, fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int,
        ) -> c_int {
            let Some(next) = next else { return finish(Err(Errno(libc::ENOSYS))) };
            // SAFETY: the caller's arguments.
            unsafe {
                if count == 0 || !state::judges_any(&MESSAGES) {
                    return next(fd, messages, count, flags);
                }
                send_judged(next, fd, messages, count, flags)
            }
        }
    )*};
}

many_sends! { sendmmsg __sendmmsg }

macro_rules! placed_sends {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`: at no place (-1) it is a `writev(2)`; no socket takes any other.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(
            next: Option<table::$name::Function>, fd: c_int, vectors: *const iovec, count: c_int, offset: off_t, flags: c_int,
        ) -> isize {
            let length = usize::try_from(count).unwrap_or_default();
            // SAFETY: the caller's arguments.
            unsafe {
                if offset == -1 && judge_message(fd, vectors, length).is_err() {
                    return refused();
                }
                match next {
                    Some(next) => next(fd, vectors, count, offset, flags),
                    // Before glibc 2.26 there is none.
                    None => finish(Err(Errno(libc::ENOSYS))) as isize,
                }
            }
        }
    )*};
}

placed_sends! { pwritev2 pwritev64v2 }
