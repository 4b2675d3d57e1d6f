//! Connections out, and ports opened: `connect(2)`, `bind(2)`, `listen(2)`, `accept(2)`.

use core::ffi::c_int;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::sync::atomic::{AtomicU32, Ordering};

use libc::{sockaddr, socklen_t};
use palisade_audit::{Level, Subject};
use palisade_policy::event::{Connect, Outcome, Reason, Section, Verdict};

use super::{REFUSED, finish, messages, tree};
use crate::state::State;
use crate::sys::Errno;
use crate::{report, resolved, state, sys, table};

/// sockaddr_storage(3type): no address is longer.
pub const ADDRESS_MAX: usize = 128;

/// Name servers listen here (RFC 1035 §4.2).
pub const DNS_PORT: u16 = 53;

/// A copy of the address that the program gave. What is judged is what the kernel gets, whatever another thread writes
/// meanwhile.
#[repr(C, align(8))]
pub struct Address {
    /// As the program wrote it, and zeros behind.
    pub bytes: [u8; ADDRESS_MAX],
    /// As the program said, of which no more than [`ADDRESS_MAX`] are there.
    pub length: socklen_t,
}

impl Address {
    /// Room for one.
    pub const fn new() -> Self {
        Self {
            bytes: [0; ADDRESS_MAX],
            length: 0,
        }
    }

    /// `None` for a pointer that cannot be read, and for more than any address has.
    ///
    /// # Safety
    /// Nobody changes what is mapped at `address` meanwhile.
    #[inline]
    pub unsafe fn copy(address: *const sockaddr, length: socklen_t) -> Option<Self> {
        let mut copy = Self::new();
        // SAFETY: the caller's promise.
        unsafe { copy.fill(address, length) }.then_some(copy)
    }

    /// As [`copy`](Self::copy), in place of nothing; `false` for `None`.
    ///
    /// # Safety
    /// As for [`copy`](Self::copy).
    #[inline]
    pub unsafe fn fill(&mut self, address: *const sockaddr, length: socklen_t) -> bool {
        if length as usize > ADDRESS_MAX || !sys::can_read(address.cast(), length as usize) {
            return false;
        }
        self.length = length;
        if length as usize == size_of::<libc::sockaddr_in>() {
            // SAFETY: the caller's promise, and an array that is longer and aligned.
            unsafe {
                let words = words_of(address);
                self.bytes.as_mut_ptr().cast::<Words>().write(words);
            }
            return true;
        }
        // SAFETY: the caller's promise; the copy is not longer than the array.
        unsafe {
            core::ptr::copy_nonoverlapping(
                address.cast::<u8>(),
                self.bytes.as_mut_ptr(),
                length as usize,
            )
        };
        true
    }

    /// The address and port; `None` for other families and for what the kernel refuses as too short.
    pub fn internet(&self) -> Option<SocketAddr> {
        internet(self.bytes.get(..self.length as usize)?)
    }

    /// The address and port, for calls that need no family.
    pub fn internet_or_none(&self) -> Option<SocketAddr> {
        internet_or_none(self.bytes.get(..self.length as usize)?)
    }

    /// Does the port stand there that name servers listen on? It is one if it is an address of [`internet`](Self::internet).
    #[inline]
    pub fn has_dns_port(&self) -> bool {
        let [_, _, high, low, ..] = self.bytes;
        [high, low] == DNS_PORT.to_be_bytes()
    }

    /// The file that a Unix socket of this name has (unix(7)). `None` for another family, for a name that is no file's, and for one that is
    /// too long.
    fn file(&self) -> Option<&[u8]> {
        let named = self.bytes.get(..self.length as usize)?;
        let path = named.strip_prefix(&(libc::AF_UNIX as u16).to_ne_bytes())?;
        let path = path.split(|byte| *byte == 0).next()?;
        (!path.is_empty() && named.len() <= size_of::<libc::sockaddr_un>()).then_some(path)
    }

    /// For the real call.
    pub fn as_ptr(&self) -> *const sockaddr {
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

/// Could the call have reached a destination? Not if it is no socket's, whose own error is the answer, nor by a connected stream: there another
/// destination is an `EISCONN`, or not looked at (tcp(7)). Nobody was attacked.
fn could_reach(fd: c_int) -> bool {
    sys::socket_option(fd, libc::SO_TYPE)
        .is_ok_and(|kind| kind != libc::SOCK_STREAM || sys::getpeername(fd, &mut [0; 128]).is_err())
}

/// Would the call have got as far as the address? If not, its own error is the answer, and nobody was attacked.
pub fn is_socket(fd: c_int) -> bool {
    sys::socket_option(fd, libc::SO_TYPE).is_ok()
}

macro_rules! connects {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        #[inline]
        pub unsafe fn $name(
            next: Option<table::$name::Function>, fd: c_int, address: *const sockaddr, length: socklen_t,
        ) -> c_int {
            let Some(next) = next else {
                return finish(Err(Errno(libc::ENOSYS)));
            };
            // SAFETY: the caller's arguments.
            unsafe {
                if state::judges_any(&[Section::Outbound, Section::Dns]) {
                    connect_judged(fd, address, length, next)
                } else {
                    next(fd, address, length)
                }
            }
        }
    )*};
}

connects! { connect __connect }

/// # Safety
/// As connect(2) says.
#[inline(never)]
unsafe fn connect_judged(
    fd: c_int,
    address: *const sockaddr,
    length: socklen_t,
    next: table::connect::Function,
) -> c_int {
    // SAFETY: the caller's arguments, or a copy of them.
    unsafe {
        let mut copy = Words::default();
        if plainly_allowed(address, length, &mut copy) {
            next(fd, copy.as_ptr().cast(), length)
        } else {
            with_copy(next, fd, address, length, judge_connect)
        }
    }
}

/// Judges a copy of the address, and lets the real call happen with it. A function of its own, so that a call that is not judged takes no stack for the copy.
///
/// # Safety
/// As connect(2) or bind(2) says.
#[inline(never)]
unsafe fn with_copy(
    next: unsafe extern "C" fn(c_int, *const sockaddr, socklen_t) -> c_int,
    fd: c_int,
    address: *const sockaddr,
    length: socklen_t,
    judge: impl FnOnce(c_int, &Address) -> Result<(), Errno>,
) -> c_int {
    let mut copy = Address::new();
    // SAFETY: the caller's arguments, or a copy of them.
    unsafe {
        if !copy.fill(address, length) {
            return next(fd, not_read(address, length), length);
        }
        match judge(fd, &copy) {
            Ok(()) => next(fd, copy.as_ptr(), length),
            Err(errno) => finish(Err(errno)),
        }
    }
}

/// What the real call gets in place of an address that cannot be judged. One that is too long is refused before it is read.
pub const fn not_read(address: *const sockaddr, length: socklen_t) -> *const sockaddr {
    if address.is_null() || length as usize > ADDRESS_MAX {
        address
    } else {
        sys::nowhere()
    }
}

/// Judges a destination.
///
/// # Errors
/// `EACCES`: refused.
#[inline]
fn judge_connect(fd: c_int, copy: &Address) -> Result<(), Errno> {
    if let Some(state) = state::waiting()
        && let Some(to) = copy.internet()
        && state.runtime_api == Some(to)
        && !begins(state)
    {
        return Err(REFUSED);
    }
    if let Some(state) = state::judging(Section::Outbound)
        && let Some(to) = copy.internet()
    {
        judge_outbound(state, fd, to)?;
    }
    if copy.has_dns_port() && copy.internet().is_some() {
        messages::expect_questions();
    }
    Ok(())
}

/// The words of a whole address of ip(7): what nearly all have, and no function is called to copy them.
///
/// # Safety
/// Sixteen bytes that are readable.
#[inline]
unsafe fn words_of(address: *const sockaddr) -> Words {
    let words = address.cast::<u64>();
    // SAFETY: the caller's promise.
    unsafe { [words.read_unaligned(), words.add(1).read_unaligned()] }
}

/// Two words of a whole address of ip(7).
pub type Words = [u64; 2];

/// Copies an address of ip(7) that is allowed whatever else is known of it, where no name server listens, so that there is nothing to tell: what
/// most calls have. `false`: it has to be looked at as an [`Address`], of which this takes an eighth of the room.
///
/// # Safety
/// As for [`Address::copy`].
#[inline]
pub unsafe fn plainly_allowed(
    address: *const sockaddr,
    length: socklen_t,
    copy: &mut Words,
) -> bool {
    if length as usize != size_of::<Words>() || !sys::can_read(address.cast(), size_of::<Words>()) {
        return false;
    }
    // SAFETY: the caller's promise.
    *copy = unsafe { words_of(address) };
    let [f0, f1, p0, p1, a, b, c, d] = copy[0].to_ne_bytes();
    let (family, port) = (u16::from_ne_bytes([f0, f1]), u16::from_be_bytes([p0, p1]));
    family == libc::AF_INET as u16
        && port != DNS_PORT
        && state::waiting().is_none()
        && state::judging(Section::Outbound)
            .is_none_or(|state| is_allowed4(state, Ipv4Addr::new(a, b, c, d), port))
}

/// A function of its own, for two callers.
#[inline(never)]
fn is_allowed4(state: &State, ip: Ipv4Addr, port: u16) -> bool {
    let ip = IpAddr::V4(ip);
    !state.learns && !may_be_named(state, ip) && state.decider.allows_connect(&Connect { ip, port })
}

/// Could the policy mean that address by a name?
#[inline]
fn may_be_named(state: &State, ip: IpAddr) -> bool {
    state.decider.names_outbound() && resolved::may_have_names(ip)
}

/// Judges a destination and reports what there is to report.
///
/// # Errors
/// `EACCES`: refused.
#[inline(never)]
pub fn judge_outbound(state: &State, fd: c_int, to: SocketAddr) -> Result<(), Errno> {
    let event = Connect {
        ip: to.ip(),
        port: to.port(),
    };
    let mut verdict = state.decider.connect(&event);
    if may_be_named(state, event.ip) {
        verdict = judge_by_names(state, &event, verdict);
    }
    if verdict.outcome != Outcome::Allow && !could_reach(fd) {
        return Ok(());
    }
    if state.learns {
        return learn_destination(state, &event, &verdict);
    }
    report::settle(state, Section::Outbound, &verdict, subject(&event, None))
}

fn subject<'a>(event: &Connect, name: Option<&'a [u8]>) -> Subject<'a> {
    Subject::Connect {
        ip: event.ip,
        port: event.port,
        name,
    }
}

/// A destination that a name led to is learnt by its names, each of them: under a policy that lists one, another may be the one that was
/// resolved.
#[inline(never)]
fn learn_destination(state: &State, event: &Connect, verdict: &Verdict<'_>) -> Result<(), Errno> {
    let mut is_named = false;
    for known in resolved::names(event.ip) {
        is_named = true;
        known.with(|name| {
            let subject = subject(event, Some(name));
            report::settle(state, Section::Outbound, verdict, subject)
        })?;
    }
    if is_named {
        return Ok(());
    }
    report::settle(state, Section::Outbound, verdict, subject(event, None))
}

/// The verdict on an address, and on every name that led to it: what one of them denies is denied, and what one of them allows
/// is allowed.
#[inline(never)]
fn judge_by_names<'a>(state: &'a State, event: &Connect, mut verdict: Verdict<'a>) -> Verdict<'a> {
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
    let text = "A process that PALISADE_NEXT_WRAPPER has started connects to the Runtime API: refused, for the function would run undefended. \
                Let that wrapper end in exec \"$@\".";
    state
        .origin
        .notice(&state.log, Level::Error, "undefended", 1, text.into());
    false
}

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
    if !state.learns && state.decider.allows_listen(local.port()) {
        return Ok(());
    }
    judge_port_further(state, fd, local)
}

/// What is not plainly allowed.
#[inline(never)]
fn judge_port_further(state: &State, fd: c_int, local: SocketAddr) -> Result<(), Errno> {
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
        judged.store(u32::from(local.port()), Ordering::Relaxed);
    }
    Ok(())
}

/// Judges the port that a socket is bound to. `listens`: it is about to get one if it has none.
///
/// # Errors
/// `EACCES`: refused.
fn judge_bound(fd: c_int, listens: bool) -> Result<(), Errno> {
    let Some(state) = state::judging(Section::Listen) else {
        return Ok(());
    };
    let mut bytes = [0; ADDRESS_MAX];
    let mut name = bytes_of_name(fd, &mut bytes);
    if internet(name).is_some_and(|local| local.port() == 0) {
        // Nobody is accepted there, and only a stream listens.
        if !listens || sys::socket_option(fd, libc::SO_TYPE) != Ok(libc::SOCK_STREAM) {
            return Ok(());
        }
        // listen(2) would choose a port itself, as bind(2) does (ip(7)), and then it would be too late to refuse it. Where there is none to
        // be had, that is what it would say.
        sys::bind(fd, name)?;
        name = bytes_of_name(fd, &mut bytes);
    }
    internet(name).map_or(Ok(()), |local| judge_port(state, fd, local))
}

/// The name of a socket (getsockname(2)); nothing where it is none.
fn bytes_of_name(fd: c_int, bytes: &mut [u8; ADDRESS_MAX]) -> &[u8] {
    let length = sys::getsockname(fd, bytes).unwrap_or(0);
    bytes.get(..length).unwrap_or_default()
}

macro_rules! bound {
    ($($name:ident($($arg:ident: $type:ty),*), $listens:literal;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`: judged by the port that the socket is bound to.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(next: Option<table::$name::Function>, fd: c_int, $($arg: $type),*) -> c_int {
            if let Err(errno) = judge_bound(fd, $listens) {
                return finish(Err(errno));
            }
            match next {
                // SAFETY: the caller's arguments.
                Some(next) => unsafe { next(fd, $($arg),*) },
                None => finish(Err(Errno(libc::ENOSYS))),
            }
        }
    )*};
}

bound! {
    listen(backlog: c_int), true;
    accept(address: *mut sockaddr, length: *mut socklen_t), false;
    accept4(address: *mut sockaddr, length: *mut socklen_t, flags: c_int), false;
}

/// `bind(2)`. A port of 0 is chosen by the kernel, and judged when the socket listens. A Unix socket makes a file.
///
/// # Safety
/// As its manual page says.
#[inline]
pub unsafe fn bind(
    next: Option<table::bind::Function>,
    fd: c_int,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    let Some(next) = next else {
        return finish(Err(Errno(libc::ENOSYS)));
    };
    // SAFETY: the caller's arguments.
    unsafe {
        if state::judges_any(&[Section::Listen, Section::Filesystem]) {
            with_copy(next, fd, address, length, judge_name)
        } else {
            next(fd, address, length)
        }
    }
}

/// Judges the name that a socket is about to get.
///
/// # Errors
/// `EACCES`: refused.
fn judge_name(fd: c_int, copy: &Address) -> Result<(), Errno> {
    if let Some(state) = state::judging(Section::Listen) {
        if let Some(judged) = judged(fd) {
            judged.store(0, Ordering::Relaxed);
        }
        copy.internet_or_none()
            .filter(|local| local.port() != 0)
            .map_or(Ok(()), |local| judge_port(state, fd, local))?;
    }
    match (state::judging(Section::Filesystem), copy.file()) {
        (Some(state), Some(path)) if is_nameless_unix(fd) => tree::judge_new(state, path),
        _ => Ok(()),
    }
}

/// Is it a Unix socket that has no name yet? Only such a one gets one.
fn is_nameless_unix(fd: c_int) -> bool {
    let mut bytes = [0; ADDRESS_MAX];
    let named = sys::getsockname(fd, &mut bytes);
    named == Ok(2) && bytes.starts_with(&(libc::AF_UNIX as u16).to_ne_bytes())
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
        let file = |bytes: &[u8]| {
            // SAFETY: as long as it says.
            let copy = unsafe { Address::copy(bytes.as_ptr().cast(), bytes.len() as socklen_t) };
            copy.and_then(|copy| copy.file().map(<[u8]>::to_vec))
        };
        assert_eq!(file(b"\x01\0/x"), Some(b"/x".to_vec()));
        assert_eq!(file(b"\x01\0x\0y"), Some(b"x".to_vec()));
        assert_eq!(
            file(&[&b"\x01\0"[..], &[b'x'; 108]].concat()),
            Some(vec![b'x'; 108])
        );
        assert_eq!(file(&[&b"\x01\0"[..], &[b'x'; 109]].concat()), None);
        assert_eq!(file(b"\x01\0\0abstract"), None);
        assert_eq!(file(b"\x01\0"), None);
        assert_eq!(file(b"\x02\0/x"), None);
        assert_eq!(internet(&[]), None);
    }
}
