//! Connections out, and ports opened: `connect(2)`, the `send(2)` family, `bind(2)`, `listen(2)`, `accept(2)`.

use core::ffi::{c_int, c_uint, c_void};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use libc::{iovec, mmsghdr, msghdr, sockaddr, socklen_t};
use palisade_audit::{Level, Subject};
use palisade_policy::event::{Connect, Outcome, Reason, Section, Verdict};

use super::names::{self, PAYLOAD};
use super::{REFUSED, finish};
use crate::state::State;
use crate::sys::Errno;
use crate::{report, resolved, state, sys, table};

/// sockaddr_storage(3type): no address is longer.
const ADDRESS_MAX: usize = 128;

/// Name servers listen here (RFC 1035 §4.2).
pub const DNS_PORT: u16 = 53;

/// A copy of the address that the program gave. What is judged is what the kernel gets, whatever another thread writes
/// meanwhile.
#[repr(C, align(8))]
pub struct Address {
    /// As the program wrote it, and zeros behind.
    pub bytes: [u8; ADDRESS_MAX],
    length: socklen_t,
}

impl Address {
    const fn new() -> Self {
        Self {
            bytes: [0; ADDRESS_MAX],
            length: 0,
        }
    }

    /// `None` for a pointer that cannot be read, and for more than any address has.
    ///
    /// # Safety
    /// `address` is readable for `length` bytes, or a pointer that cannot be one.
    pub unsafe fn copy(address: *const sockaddr, length: socklen_t) -> Option<Self> {
        let mut copy = Self {
            length,
            ..Self::new()
        };
        if !sys::may_point(address) || length as usize > ADDRESS_MAX {
            return None;
        }
        // SAFETY: the caller's promise; the copy is not longer than the array.
        unsafe {
            core::ptr::copy_nonoverlapping(
                address.cast::<u8>(),
                copy.bytes.as_mut_ptr(),
                length as usize,
            )
        };
        Some(copy)
    }

    /// The address and port; `None` for other families and for what the kernel refuses as too short.
    pub fn internet(&self) -> Option<SocketAddr> {
        internet(self.bytes.get(..self.length as usize)?)
    }

    /// The address and port, for calls that need no family.
    fn internet_or_none(&self) -> Option<SocketAddr> {
        internet_or_none(self.bytes.get(..self.length as usize)?)
    }

    fn as_ptr(&self) -> *const sockaddr {
        self.bytes.as_ptr().cast()
    }
}

/// The address and port of ip(7) and ipv6(7), IPv4 mapped into IPv6 as IPv4.
pub fn internet(bytes: &[u8]) -> Option<SocketAddr> {
    let family = c_int::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
    let port = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
    match family {
        // struct sockaddr_in is 16 bytes; the kernel refuses less.
        libc::AF_INET if bytes.len() >= 16 => {
            let ip: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(ip)), port))
        }
        // SIN6_LEN_RFC2133: the kernel takes an address without its scope.
        libc::AF_INET6 if bytes.len() >= 24 => {
            let ip: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            Some(SocketAddr::new(
                IpAddr::V6(Ipv6Addr::from(ip)).to_canonical(),
                port,
            ))
        }
        _ => None,
    }
}

/// The same, where Linux takes an address without a family as one of ip(7): in bind(2) for any address, and in a datagram's
/// destination. In connect(2) it dissolves an association.
fn internet_or_none(bytes: &[u8]) -> Option<SocketAddr> {
    internet(bytes).or_else(|| {
        let mut named: [u8; 16] = bytes.get(..16)?.try_into().ok()?;
        let [first, second, ..] = &mut named;
        if [*first, *second] != (libc::AF_UNSPEC as u16).to_ne_bytes() {
            return None;
        }
        [*first, *second] = (libc::AF_INET as u16).to_ne_bytes();
        internet(&named)
    })
}

/// Is it a connected stream? There another destination is an `EISCONN`, or not looked at (tcp(7)), and nobody was attacked.
fn is_connected_stream(fd: c_int) -> bool {
    sys::socket_option(fd, libc::SO_TYPE) == Ok(libc::SOCK_STREAM)
        && sys::getpeername(fd, &mut [0; 128]).is_ok()
}

/// Would the call have got as far as the address? If not, its own error is the answer, and nobody was attacked.
fn is_socket(fd: c_int) -> bool {
    sys::socket_option(fd, libc::SO_TYPE).is_ok()
}

macro_rules! connects {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
            // SAFETY: the caller's arguments.
            let judged = unsafe { judge_connect(fd, address, length) };
            let address = match &judged {
                Ok(Some(copy)) => copy.as_ptr(),
                Ok(None) => address,
                Err(errno) => return finish(Err(*errno)),
            };
            match table::$name::next() {
                // SAFETY: the caller's arguments, or a copy of them.
                Some(next) => unsafe { next(fd, address, length) },
                None => finish(Err(Errno(libc::ENOSYS))),
            }
        }
    )*};
}

connects! { connect __connect }

/// The judged copy of the destination; `None` where there is nothing to judge.
///
/// # Errors
/// `EACCES`: refused.
///
/// # Safety
/// As for [`Address::copy`].
#[inline]
unsafe fn judge_connect(
    fd: c_int,
    address: *const sockaddr,
    length: socklen_t,
) -> Result<Option<Address>, Errno> {
    if !state::judges_any(&[Section::Outbound, Section::Dns]) {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let Some(copy) = (unsafe { Address::copy(address, length) }) else {
        return Ok(None);
    };
    let to = copy.internet();
    if let Some(state) = state::waiting()
        && to.is_some()
        && to == state.runtime_api
        && !begins(state)
    {
        return Err(REFUSED);
    }
    if let (Some(state), Some(to)) = (state::judging(Section::Outbound), to) {
        judge_outbound(state, fd, to)?;
    }
    if state::judging(Section::Dns).is_some() {
        TO_RESOLVER.set(fd, to.is_some_and(|to| to.port() == DNS_PORT));
    }
    Ok(Some(copy))
}

/// Judges a destination and reports what there is to report.
///
/// # Errors
/// `EACCES`: refused.
fn judge_outbound(state: &State, fd: c_int, to: SocketAddr) -> Result<(), Errno> {
    if names::is_resolving() {
        return Ok(());
    }
    let event = Connect {
        ip: to.ip(),
        port: to.port(),
    };
    let verdict = if state.decider.names_outbound() {
        judge_by_names(state, &event)
    } else {
        state.decider.connect(&event)
    };
    if verdict.outcome != Outcome::Allow && (!is_socket(fd) || is_connected_stream(fd)) {
        return Ok(());
    }
    report::settle(
        state,
        Section::Outbound,
        &verdict,
        Subject::Connect {
            ip: to.ip(),
            port: to.port(),
        },
    )
}

/// The verdict on an address and on every name that led to it: what one of them denies is denied, and what one of them allows
/// is allowed.
#[inline(never)]
fn judge_by_names<'a>(state: &'a State, event: &Connect) -> Verdict<'a> {
    let mut verdict = state.decider.connect(event);
    for known in resolved::names(event.ip) {
        let by_name = known.with(|name| state.decider.connect_resolved(event, name));
        if by_name.reason == Reason::Denied {
            return by_name;
        }
        if by_name.outcome < verdict.outcome {
            verdict = by_name;
        }
    }
    verdict
}

/// Who speaks to the Runtime API while another wrapper was thought to be at work is the interpreter, even if that
/// wrapper started it as a child.
fn begins(state: &State) -> bool {
    if state::begin(state) {
        return true;
    }
    let text = "A process that Palisade cannot tell from the helpers of PALISADE_NEXT_WRAPPER connects to the Runtime API. \
                The connection is refused, because the function would run undefended. Let that wrapper end in exec \"$@\".";
    state
        .origin
        .notice(&state.log, Level::Error, "undefended", 1, text.into());
    false
}

/// A bit for each descriptor: a hint that spares other descriptors a system call.
struct Descriptors([AtomicU64; 16]);

impl Descriptors {
    fn place(&self, fd: c_int) -> Option<(&AtomicU64, u64)> {
        let fd = usize::try_from(fd).ok()?;
        Some((self.0.get(fd / 64)?, 1 << (fd % 64)))
    }

    fn set(&self, fd: c_int, value: bool) {
        if let Some((word, bit)) = self.place(fd) {
            if value {
                word.fetch_or(bit, Ordering::Relaxed)
            } else {
                word.fetch_and(!bit, Ordering::Relaxed)
            };
        }
    }

    /// A descriptor beyond the table may be anything.
    fn may_be(&self, fd: c_int) -> bool {
        self.place(fd)
            .is_none_or(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }
}

/// Descriptors that were connected to port 53. A bit may be out of date, so the peer is asked for before anything is judged.
static TO_RESOLVER: Descriptors = Descriptors([const { AtomicU64::new(0) }; 16]);

/// Is nothing in a message clearly no pointer? If something is, the call fails with `EFAULT`, as it should.
///
/// # Safety
/// `count` vectors, or a pointer that cannot be one.
unsafe fn is_readable(vectors: *const iovec, count: usize) -> bool {
    sys::may_point(vectors)
        && (0..count).all(|index| {
            // SAFETY: the caller's promise.
            let vector = unsafe { &*vectors.add(index) };
            vector.iov_len == 0 || sys::may_point(vector.iov_base)
        })
}

/// Copies the first bytes of a message, as many as its questions take.
///
/// # Safety
/// `count` vectors, each readable for its length.
unsafe fn gather(vectors: *const iovec, count: usize, out: &mut [u8; PAYLOAD]) -> usize {
    let mut length = 0;
    for index in 0..count {
        // SAFETY: the caller's promise.
        let vector = unsafe { &*vectors.add(index) };
        let room = out.get_mut(length..).unwrap_or_default();
        let taken = vector.iov_len.min(room.len());
        if taken > 0 {
            // SAFETY: the caller's promise; `room` is at least as long.
            unsafe {
                core::ptr::copy_nonoverlapping(
                    vector.iov_base.cast::<u8>(),
                    room.as_mut_ptr(),
                    taken,
                )
            };
            length += taken;
        }
    }
    length
}

/// Judges a message: its destination, if it has one, and the questions in it, if it goes to a name server.
///
/// # Errors
/// `EACCES`.
///
/// # Safety
/// As for [`gather`].
unsafe fn judge_message(
    fd: c_int,
    to: Option<SocketAddr>,
    vectors: *const iovec,
    count: usize,
) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    if !unsafe { is_readable(vectors, count) } {
        return Ok(());
    }
    // SAFETY: the caller's promise, and nothing in it is clearly bad.
    let payload = |out: &mut [u8; PAYLOAD]| unsafe { gather(vectors, count, out) };
    let Some(to) = to else {
        return if TO_RESOLVER.may_be(fd) {
            names::judge_sent(fd, payload)
        } else {
            Ok(())
        };
    };
    if let Some(state) = state::judging(Section::Outbound) {
        judge_outbound(state, fd, to)?;
    }
    match state::judging(Section::Dns) {
        Some(state) if to.port() == DNS_PORT && !names::is_resolving() && is_socket(fd) => {
            names::judge_payload(state, fd, payload)
        }
        _ => Ok(()),
    }
}

/// The end of a refused send.
fn refused() -> isize {
    finish(Err(REFUSED)) as isize
}

macro_rules! plain_sends {
    ($($name:ident($fd:ident, $buffer:ident, $length:ident $(, $flags:ident)?);)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`: to the peer of a connected socket.")]
        ///
        /// # Safety
        /// As its manual page says.
        #[inline]
        pub unsafe fn $name($fd: c_int, $buffer: *const c_void, $length: usize $(, $flags: c_int)?) -> isize {
            if state::judges_any(&[Section::Dns]) && TO_RESOLVER.may_be($fd) {
                let vector = iovec { iov_base: $buffer.cast_mut(), iov_len: $length };
                // SAFETY: the caller's arguments.
                if unsafe { judge_message($fd, None, &raw const vector, 1) }.is_err() {
                    return refused();
                }
            }
            match table::$name::next() {
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
pub unsafe fn writev(fd: c_int, vectors: *const iovec, count: c_int) -> isize {
    // SAFETY: the caller's arguments.
    unsafe {
        if state::judges_any(&[Section::Dns])
            && TO_RESOLVER.may_be(fd)
            && judge_message(
                fd,
                None,
                vectors,
                usize::try_from(count).unwrap_or_default(),
            )
            .is_err()
        {
            return refused();
        }
        match table::writev::next() {
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
pub unsafe fn sendto(
    fd: c_int,
    buffer: *const c_void,
    length: usize,
    flags: c_int,
    address: *const sockaddr,
    address_length: socklen_t,
) -> isize {
    let pass = |address| match table::sendto::next() {
        // SAFETY: the caller's arguments, or a copy of them.
        Some(next) => unsafe { next(fd, buffer, length, flags, address, address_length) },
        None => finish(Err(Errno(libc::ENOSYS))) as isize,
    };
    if !state::judges_any(&MESSAGES) {
        return pass(address);
    }
    // SAFETY: the caller's promise.
    let copy = unsafe { Address::copy(address, address_length) };
    if copy.is_none() && !address.is_null() {
        return pass(address);
    }
    let vector = iovec {
        iov_base: buffer.cast_mut(),
        iov_len: length,
    };
    let to = copy.as_ref().and_then(Address::internet_or_none);
    let is_judged = to.is_some() || copy.is_none();
    // SAFETY: the caller's arguments.
    if is_judged && unsafe { judge_message(fd, to, &raw const vector, 1) }.is_err() {
        return refused();
    }
    pass(copy.as_ref().map_or(address, Address::as_ptr))
}

/// The judged copy of a message's header, with the copy of its address in `room`. `None`: one that cannot be read; the
/// kernel says why.
///
/// # Errors
/// `EACCES`.
///
/// # Safety
/// `message` is a message as sendmsg(2) asks, or a pointer that cannot be one.
unsafe fn judge_header(
    fd: c_int,
    message: *const msghdr,
    room: &mut Address,
) -> Result<Option<msghdr>, Errno> {
    if !sys::may_point(message) {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe {
        let mut header = *message;
        let has_address = !header.msg_name.is_null();
        let mut to = None;
        if has_address {
            let Some(copy) = Address::copy(header.msg_name.cast(), header.msg_namelen) else {
                return Ok(None);
            };
            to = copy.internet_or_none();
            *room = copy;
            header.msg_name = room.bytes.as_mut_ptr().cast();
        }
        if to.is_some() || !has_address {
            judge_message(fd, to, header.msg_iov, header.msg_iovlen)?;
        }
        Ok(Some(header))
    }
}

/// `sendmsg(2)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> isize {
    let Some(next) = table::sendmsg::next() else {
        return finish(Err(Errno(libc::ENOSYS))) as isize;
    };
    // SAFETY: the caller's arguments, or a copy of them.
    unsafe {
        if !state::judges_any(&MESSAGES) {
            return next(fd, message, flags);
        }
        let mut room = Address::new();
        match judge_header(fd, message, &mut room) {
            Ok(Some(header)) => next(fd, &raw const header, flags),
            Ok(None) => next(fd, message, flags),
            Err(_) => refused(),
        }
    }
}

macro_rules! many_sends {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`: what comes before the first refused message is sent, as if that one had failed.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int {
            let Some(next) = table::$name::next() else { return finish(Err(Errno(libc::ENOSYS))) };
            // SAFETY: the caller's arguments.
            unsafe {
                if !state::judges_any(&MESSAGES) || !sys::may_point(messages) {
                    return next(fd, messages, count, flags);
                }
                let mut room = Address::new();
                let allowed = (0..count).take_while(|index| {
                    judge_header(fd, &raw const (*messages.add(*index as usize)).msg_hdr, &mut room).is_ok()
                });
                match allowed.count() as c_uint {
                    0 if count > 0 => finish(Err(REFUSED)),
                    allowed => next(fd, messages, allowed, flags),
                }
            }
        }
    )*};
}

many_sends! { sendmmsg __sendmmsg }

/// The port that was judged last on each descriptor, so that `listen` after `bind`, and each `accept` after `listen`, is no new
/// event. A descriptor beyond the table, or one duplicated in between, is judged again.
static JUDGED: [AtomicU32; 1024] = [const { AtomicU32::new(0) }; 1024];

fn judged(fd: c_int) -> Option<&'static AtomicU32> {
    usize::try_from(fd).ok().and_then(|fd| JUDGED.get(fd))
}

/// Judges a local port, once for each descriptor, and reports what there is to report.
///
/// # Errors
/// `EACCES`: refused.
fn judge_port(state: &State, fd: c_int, local: SocketAddr) -> Result<(), Errno> {
    let port = u32::from(local.port());
    if port != 0 && judged(fd).is_some_and(|judged| judged.load(Ordering::Relaxed) == port) {
        return Ok(());
    }
    let verdict = state.decider.listen(local.port());
    if verdict.outcome != Outcome::Allow && !is_socket(fd) {
        return Ok(());
    }
    report::settle(
        state,
        Section::Listen,
        &verdict,
        Subject::Listen {
            ip: Some(local.ip()),
            port: local.port(),
        },
    )?;
    if verdict.outcome == Outcome::Allow {
        return Ok(());
    }
    if let Some(judged) = judged(fd) {
        judged.store(port, Ordering::Relaxed);
    }
    Ok(())
}

/// Judges the port that a socket is bound to.
///
/// # Errors
/// `EACCES`: refused.
fn judge_bound(fd: c_int) -> Result<(), Errno> {
    let Some(state) = state::judging(Section::Listen) else {
        return Ok(());
    };
    let mut bytes = [0; ADDRESS_MAX];
    let local = sys::getsockname(fd, &mut bytes)
        .ok()
        .and_then(|length| internet(bytes.get(..length)?));
    local.map_or(Ok(()), |local| judge_port(state, fd, local))
}

macro_rules! bound {
    ($($name:ident($($arg:ident: $type:ty),*);)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`: judged by the port that the socket is bound to.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(fd: c_int, $($arg: $type),*) -> c_int {
            if let Err(errno) = judge_bound(fd) {
                return finish(Err(errno));
            }
            match table::$name::next() {
                // SAFETY: the caller's arguments.
                Some(next) => unsafe { next(fd, $($arg),*) },
                None => finish(Err(Errno(libc::ENOSYS))),
            }
        }
    )*};
}

bound! {
    listen(backlog: c_int);
    accept(address: *mut sockaddr, length: *mut socklen_t);
    accept4(address: *mut sockaddr, length: *mut socklen_t, flags: c_int);
}

/// `bind(2)`. A port of 0 is chosen by the kernel, and judged when the socket listens.
///
/// # Safety
/// As its manual page says.
pub unsafe fn bind(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    let pass = |address| match table::bind::next() {
        // SAFETY: the caller's arguments, or a copy of them.
        Some(next) => unsafe { next(fd, address, length) },
        None => finish(Err(Errno(libc::ENOSYS))),
    };
    let Some(state) = state::judging(Section::Listen) else {
        return pass(address);
    };
    // SAFETY: the caller's promise.
    let Some(copy) = (unsafe { Address::copy(address, length) }) else {
        return pass(address);
    };
    if let Some(judged) = judged(fd) {
        judged.store(0, Ordering::Relaxed);
    }
    match copy
        .internet_or_none()
        .filter(|local| local.port() != 0)
        .map_or(Ok(()), |local| judge_port(state, fd, local))
    {
        Ok(()) => pass(copy.as_ptr()),
        Err(errno) => finish(Err(errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_reads_them() {
        let v4 = [2, 0, 0x01, 0xbb, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(internet(&v4), Some("10.1.2.3:443".parse().unwrap()));
        assert_eq!(internet(&v4[..15]), None);
        let mut v6 = [0u8; 28];
        v6[0] = 10;
        v6[3] = 80;
        v6[23] = 1;
        assert_eq!(internet(&v6), Some("[::1]:80".parse().unwrap()));
        assert_eq!(internet(&v6[..24]), Some("[::1]:80".parse().unwrap()));
        v6[18..20].fill(0xff);
        v6[20..24].copy_from_slice(&[169, 254, 1, 2]);
        assert_eq!(internet(&v6), Some("169.254.1.2:80".parse().unwrap()));
        assert_eq!(internet(&[1, 0, b'/', b'x']), None);
        assert_eq!(internet(&[]), None);
    }
}
