//! Name resolution: `getaddrinfo(3)`, `gethostbyname(3)` and its kin.

use core::ffi::{c_char, c_int, c_void};
use core::net::IpAddr;

use libc::{addrinfo, hostent, sockaddr, socklen_t};
use palisade_audit::Subject;
use palisade_policy::event::Section;

use super::answers;
use super::network::Address;
use super::questions::judge_unknown;
use super::resolver::resolving;
use crate::path::Text;
use crate::question;
use crate::state::State;
use crate::sys::Errno;
use crate::{env, report, state, sys, table};

/// MAXDNAME of arpa/nameser.h: the longest text that libc's resolver takes for a name, with its NUL. A name has 255 bytes (RFC 1035
/// §2.3.4), of which each may be written as four.
const TEXT_MAX: usize = 1025;

/// `NO_RECOVERY` of netdb.h.
const NO_RECOVERY: c_int = 3;

/// A name, copied before it is judged, so that another thread cannot change it in between.
pub type Host = Text<TEXT_MAX>;

/// Copies a name to where it stays. `None`: a null pointer, or a longer text than libc's resolver takes.
///
/// # Safety
/// `name` is a C string that nobody changes meanwhile, or a bad pointer.
#[inline]
pub unsafe fn copy(name: *const c_char, host: &mut Host) -> Option<()> {
    // SAFETY: the caller's promise.
    host.push(unsafe { sys::libc_text(name) }?).ok()
}

/// Judges a name as a program writes it, and what libc's resolver makes of it.
///
/// # Errors
/// `EACCES`: refused.
pub fn judge_text(state: &State, text: &[u8]) -> Result<(), Errno> {
    judge_written(state, text)?;
    let [domains, aliases] = own_search(state);
    if let Some(domains) = domains {
        judge_searched(state, text, domains)?;
    }
    if aliases.is_some() && !text.contains(&b'.') {
        // A file of the program's own says which name is asked for, and may say another a moment later.
        return judge_unknown(state, b"(a name from HOSTALIASES)");
    }
    Ok(())
}

/// Variables that change what libc's resolver asks for (resolver(5), hostname(7)). Those that the function was started with are its owner's.
pub const SEARCH: [&str; 2] = ["LOCALDOMAIN", "HOSTALIASES"];

/// The values of [`SEARCH`] that the program has made itself.
pub fn own_search(state: &State) -> [Option<&'static [u8]>; 2] {
    let mut values = [None; SEARCH.len()];
    // SAFETY: the live environment, as libc's resolver reads it.
    let entries =
        unsafe { env::entries_that(env::current(), |first| matches!(&first, b"LO" | b"HO")) };
    for entry in entries {
        for (value, name) in values.iter_mut().zip(SEARCH) {
            let found = entry.strip_prefix(name.as_bytes());
            // The first of several is the one that counts (getenv(3)).
            if value.is_none() {
                *value = found.and_then(|rest| rest.strip_prefix(b"="));
            }
        }
    }
    values
        .iter_mut()
        .for_each(|value| *value = value.filter(|value| !value.is_empty()));
    for (value, known) in values.iter_mut().zip(state.search) {
        if *value == known {
            *value = None;
        }
    }
    values
}

/// Judges a name in each of the domains of LOCALDOMAIN, which RES_OPTIONS may put before the name itself.
#[inline(never)]
fn judge_searched(state: &State, text: &[u8], domains: &[u8]) -> Result<(), Errno> {
    if text.ends_with(b".") {
        return Ok(());
    }
    let line = domains.split(|byte| *byte == b'\n').next();
    let words = line.unwrap_or_default().split(|byte| b" \t".contains(byte));
    for domain in words.filter(|domain| !domain.is_empty()) {
        let mut whole = [0; TEXT_MAX];
        let parts = text.iter().chain(b".").chain(domain);
        let length = whole.iter_mut().zip(parts).map(|(to, from)| *to = *from);
        let length = length.count();
        judge_written(state, whole.get(..length).unwrap_or_default())?;
    }
    Ok(())
}

/// Judges a text, in which libc's resolver takes `\100` for a `d` and `\d` for one as well (RFC 1035 §5.1).
fn judge_written(state: &State, text: &[u8]) -> Result<(), Errno> {
    if !text.contains(&b'\\') {
        return judge(state, text);
    }
    let mut room = [0; TEXT_MAX];
    judge(state, question::unescaped(text, &mut room))
}

/// Judges a name and reports what there is to report.
///
/// # Errors
/// `EACCES`: refused.
pub fn judge(state: &State, name: &[u8]) -> Result<(), Errno> {
    if !state.learns && state.decider.allows_resolve(name) {
        return Ok(());
    }
    judge_further(state, name)
}

/// What is not plainly allowed.
#[inline(never)]
fn judge_further(state: &State, name: &[u8]) -> Result<(), Errno> {
    report::settle(
        state,
        Section::Dns,
        &state.decider.resolve(name),
        Subject::Resolve { domain: name },
    )
}

/// The flags of a request of getaddrinfo(3).
///
/// # Safety
/// `hints` is null, or readable as getaddrinfo(3) asks.
pub unsafe fn flags_of(hints: *const addrinfo) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { hints.as_ref() }.map_or(0, |hints| hints.ai_flags)
}

/// AI_IDN of netdb.h: libc asks for the name that libidn2 makes of this one (RFC 5891).
const AI_IDN: c_int = 0x40;

/// Judges a name as getaddrinfo(3) takes it. What libidn2 makes of letters that are not ASCII is known to it alone: one may stand for an `a`,
/// and the name for any that is denied.
///
/// # Errors
/// `EACCES`: refused.
pub fn judge_asked(state: &State, text: &[u8], flags: c_int) -> Result<(), Errno> {
    judge_text(state, text)?;
    if flags & AI_IDN != 0 && !text.is_ascii() {
        return judge_unknown(state, text);
    }
    Ok(())
}

/// `getaddrinfo(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    result: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: the caller keeps what the manual page asks.
    unsafe {
        let is_numeric = || flags_of(hints) & libc::AI_NUMERICHOST != 0;
        if (state::judging_at_all().is_none() || is_numeric())
            && let Some(next) = table::getaddrinfo::known()
        {
            // Nobody looks at what libc does, or there is no name.
            return next(node, service, hints, result);
        }
        getaddrinfo_looked_at(node, service, hints, result)
    }
}

/// A function of its own: libc resolves a number in the time that fifty instructions take, of which this one's registers would be a third.
///
/// # Safety
/// As for getaddrinfo(3).
#[inline(never)]
unsafe fn getaddrinfo_looked_at(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    result: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        match state::judging(Section::Dns) {
            Some(state) => getaddrinfo_judged(state, node, service, hints, result),
            None => getaddrinfo_noted(node, service, hints, result),
        }
    }
}

/// # Safety
/// As for getaddrinfo(3).
unsafe fn getaddrinfo_noted(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    result: *mut *mut addrinfo,
) -> c_int {
    let Some(next) = table::getaddrinfo::next() else {
        return libc::EAI_SYSTEM;
    };
    // SAFETY: the caller's promise.
    unsafe {
        let status = resolving(|| next(node, service, hints, result));
        answers::note_list(node, status, result)
    }
}

/// A function of its own, so that a name that is not judged takes no stack for its copy.
///
/// # Safety
/// As for getaddrinfo(3).
#[inline(never)]
unsafe fn getaddrinfo_judged(
    state: &State,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    result: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let mut host = Host::new();
        if copy(node, &mut host).is_none() {
            return getaddrinfo_noted(node, service, hints, result);
        }
        if judge_asked(state, host.as_bytes(), flags_of(hints)).is_err() {
            return libc::EAI_FAIL;
        }
        getaddrinfo_noted(host.as_ptr(), service, hints, result)
    }
}

/// The failure of gethostbyname(3): `h_errno` says why.
pub fn no_recovery() {
    if let Some(location) = table::__h_errno_location::next() {
        // SAFETY: it gives a valid pointer to the thread's own h_errno.
        unsafe { *location() = NO_RECOVERY };
    }
}

/// Judges the name of a lookup, and lets it happen with the copy that was judged. `None`: it is refused.
///
/// # Safety
/// `name` is a C string, or a bad pointer.
#[inline]
pub unsafe fn looked_up<T>(
    name: *const c_char,
    look_up: impl FnOnce(*const c_char) -> T,
) -> Option<T> {
    match state::judging(Section::Dns) {
        // SAFETY: the caller's promise.
        Some(state) => unsafe { looked_up_copy(state, name, look_up) },
        None => Some(look_up(name)),
    }
}

/// A function of its own, so that a name that is not judged takes no stack for its copy.
///
/// # Safety
/// As for [`looked_up`].
#[inline(never)]
pub unsafe fn looked_up_copy<T>(
    state: &State,
    name: *const c_char,
    look_up: impl FnOnce(*const c_char) -> T,
) -> Option<T> {
    let mut host = Host::new();
    // SAFETY: the caller's promise.
    if unsafe { copy(name, &mut host) }.is_none() {
        return Some(look_up(name));
    }
    let judged = judge_text(state, host.as_bytes());
    judged.is_ok().then(|| look_up(host.as_ptr()))
}

/// `gethostbyname(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn gethostbyname(name: *const c_char) -> *mut hostent {
    // SAFETY: the caller's argument, or a copy of it.
    let entry = table::gethostbyname::next().and_then(|next| unsafe {
        looked_up(name, |name| {
            let entry = resolving(|| next(name));
            answers::note_entry(name, entry);
            entry
        })
    });
    entry.unwrap_or_else(|| {
        no_recovery();
        core::ptr::null_mut()
    })
}

/// `gethostbyname2(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent {
    // SAFETY: the caller's argument, or a copy of it.
    let entry = table::gethostbyname2::next().and_then(|next| unsafe {
        looked_up(name, |name| {
            let entry = resolving(|| next(name, family));
            answers::note_entry(name, entry);
            entry
        })
    });
    entry.unwrap_or_else(|| {
        no_recovery();
        core::ptr::null_mut()
    })
}

/// What the reentrant forms give when they fail: no entry, why, and a number that is not zero. The resolver behind them leaves the
/// reason in `h_errno`, too, and CPython looks there.
///
/// # Safety
/// Both pointers are writable, as the manual page asks.
pub unsafe fn reentrant_failure<T>(result: *mut *mut T, h_errno: *mut c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        *result = core::ptr::null_mut();
        *h_errno = NO_RECOVERY;
    }
    no_recovery();
    libc::EACCES
}

/// `gethostbyname_r(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn gethostbyname_r(
    name: *const c_char,
    entry: *mut hostent,
    room: *mut c_char,
    size: usize,
    result: *mut *mut hostent,
    h_errno: *mut c_int,
) -> c_int {
    // SAFETY: the caller's arguments, or a copy of the name.
    unsafe {
        let status = table::gethostbyname_r::next().and_then(|next| {
            looked_up(name, |name| {
                let status = resolving(|| next(name, entry, room, size, result, h_errno));
                if status == 0 {
                    answers::note_entry(name, *result);
                }
                status
            })
        });
        status.unwrap_or_else(|| reentrant_failure(result, h_errno))
    }
}

/// `gethostbyname2_r(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn gethostbyname2_r(
    name: *const c_char,
    family: c_int,
    entry: *mut hostent,
    room: *mut c_char,
    size: usize,
    result: *mut *mut hostent,
    h_errno: *mut c_int,
) -> c_int {
    // SAFETY: the caller's arguments, or a copy of the name.
    unsafe {
        let status = table::gethostbyname2_r::next().and_then(|next| {
            looked_up(name, |name| {
                let status = resolving(|| next(name, family, entry, room, size, result, h_errno));
                if status == 0 {
                    answers::note_entry(name, *result);
                }
                status
            })
        });
        status.unwrap_or_else(|| reentrant_failure(result, h_errno))
    }
}

/// The name under which an address is looked up (RFC 1035 §3.5, RFC 3596 §2.5). Loopback is the sandbox itself.
fn reverse_name(ip: IpAddr) -> Option<([u8; 80], usize)> {
    if ip.is_loopback() || ip.is_unspecified() {
        return None;
    }
    let mut text = [0u8; 80];
    let mut len = 0;
    let mut push = |bytes: &[u8]| {
        for byte in bytes {
            if let Some(to) = text.get_mut(len) {
                *to = *byte;
                len += 1;
            }
        }
    };
    match ip {
        IpAddr::V4(ip) => {
            for byte in ip.octets().iter().rev() {
                push(crate::path::Decimal::new(b"", u32::from(*byte)).text());
                push(b".");
            }
            push(b"in-addr.arpa");
        }
        IpAddr::V6(ip) => {
            for byte in ip.octets().iter().rev() {
                for nibble in [byte & 15, byte >> 4] {
                    push(&[
                        if nibble < 10 {
                            b'0' + nibble
                        } else {
                            b'a' + nibble - 10
                        },
                        b'.',
                    ]);
                }
            }
            push(b"ip6.arpa");
        }
    }
    Some((text, len))
}

pub fn refuses_reverse(ip: Option<IpAddr>) -> bool {
    let (Some(state), Some((text, len))) =
        (state::judging(Section::Dns), ip.and_then(reverse_name))
    else {
        return false;
    };
    judge(state, text.get(..len).unwrap_or_default()).is_err()
}

/// The address of gethostbyaddr(3): four or sixteen bytes in network order.
///
/// # Safety
/// `address` is readable for `length` bytes, or a bad pointer.
pub unsafe fn plain_address(
    address: *const c_void,
    length: socklen_t,
    family: c_int,
) -> Option<IpAddr> {
    // SAFETY: the caller's promise.
    let copy = unsafe { Address::copy(address.cast(), length) }?;
    match (family, length) {
        (libc::AF_INET, 4) => Some(IpAddr::from(
            <[u8; 4]>::try_from(copy.bytes.get(..4)?).ok()?,
        )),
        (libc::AF_INET6, 16) => {
            Some(IpAddr::from(<[u8; 16]>::try_from(copy.bytes.get(..16)?).ok()?).to_canonical())
        }
        _ => None,
    }
}

/// `gethostbyaddr(3)`: judged by the name under which the address is looked up.
///
/// # Safety
/// As its manual page says.
pub unsafe fn gethostbyaddr(
    address: *const c_void,
    length: socklen_t,
    family: c_int,
) -> *mut hostent {
    // SAFETY: the caller's arguments.
    let refused = refuses_reverse(unsafe { plain_address(address, length, family) });
    match (refused, table::gethostbyaddr::next()) {
        // SAFETY: as above.
        (false, Some(next)) => resolving(|| unsafe { next(address, length, family) }),
        _ => {
            no_recovery();
            core::ptr::null_mut()
        }
    }
}

/// `gethostbyaddr_r(3)`.
///
/// # Safety
/// As its manual page says.
#[expect(clippy::too_many_arguments, reason = "the manual page has as many")]
pub unsafe fn gethostbyaddr_r(
    address: *const c_void,
    length: socklen_t,
    family: c_int,
    entry: *mut hostent,
    room: *mut c_char,
    size: usize,
    result: *mut *mut hostent,
    h_errno: *mut c_int,
) -> c_int {
    // SAFETY: the caller's arguments.
    unsafe {
        match (
            refuses_reverse(plain_address(address, length, family)),
            table::gethostbyaddr_r::next(),
        ) {
            (false, Some(next)) => {
                resolving(|| next(address, length, family, entry, room, size, result, h_errno))
            }
            _ => reentrant_failure(result, h_errno),
        }
    }
}

/// `getnameinfo(3)`, where it looks the address up: not with `NI_NUMERICHOST`, and not if no host is wanted.
///
/// # Safety
/// As its manual page says.
pub unsafe fn getnameinfo(
    address: *const sockaddr,
    length: socklen_t,
    host: *mut c_char,
    host_size: socklen_t,
    service: *mut c_char,
    service_size: socklen_t,
    flags: c_int,
) -> c_int {
    let Some(next) = table::getnameinfo::next() else {
        return libc::EAI_SYSTEM;
    };
    // SAFETY: the caller's arguments.
    unsafe {
        let resolves = flags & libc::NI_NUMERICHOST == 0 && !host.is_null() && host_size > 0;
        if resolves && state::judging(Section::Dns).is_some() {
            let ip = Address::copy(address, length)
                .and_then(|copy| copy.internet())
                .map(|to| to.ip());
            if refuses_reverse(ip) {
                return libc::EAI_FAIL;
            }
        }
        resolving(|| {
            next(
                address,
                length,
                host,
                host_size,
                service,
                service_size,
                flags,
            )
        })
    }
}
