//! Connections out, and ports opened: `connect(2)`, `bind(2)`, `listen(2)`.

use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, Ordering};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::{sockaddr, socklen_t};
use palisade_audit::{Level, Subject};
use palisade_policy::event::{Connect, Outcome, Section};

use super::{REFUSED, finish};
use crate::state::State;
use crate::sys::Errno;
use crate::{report, state, sys, table};

/// sockaddr_storage(3type): no address is longer.
const ADDRESS_MAX: usize = 128;

/// A copy of the address that the program gave. What is judged is what the kernel gets, whatever another thread writes
/// meanwhile.
#[repr(C, align(8))]
struct Address {
    bytes: [u8; ADDRESS_MAX],
    length: socklen_t,
}

impl Address {
    /// # Safety
    /// `address` is readable for `length` bytes, or a pointer that cannot be one.
    unsafe fn copy(address: *const sockaddr, length: socklen_t) -> Option<Self> {
        let mut copy = Self {
            bytes: [0; ADDRESS_MAX],
            length,
        };
        if (address as usize) < 4096 || (address as isize) < 0 || length as usize > ADDRESS_MAX {
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

    /// The address and port of ip(7) and ipv6(7); `None` for other families and for what the kernel refuses as too short.
    fn internet(&self) -> Option<SocketAddr> {
        internet(self.bytes.get(..self.length as usize)?)
    }

    fn as_ptr(&self) -> *const sockaddr {
        self.bytes.as_ptr().cast()
    }
}

fn internet(bytes: &[u8]) -> Option<SocketAddr> {
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

/// Would the call have got as far as the address? If not, its own error is the answer, and nobody was attacked.
fn is_socket(fd: c_int) -> bool {
    sys::socket_option(fd, libc::SO_TYPE).is_ok()
}

/// `connect(2)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    let pass = |address| match table::connect::known().or_else(table::connect::next) {
        // SAFETY: the caller's arguments, or a copy of them.
        Some(next) => unsafe { next(fd, address, length) },
        None => finish(Err(Errno(libc::ENOSYS))),
    };
    if let Some(state) = state::waiting() {
        // SAFETY: the caller's promise.
        let to = unsafe { Address::copy(address, length) }.and_then(|copy| copy.internet());
        if to.is_some() && to == state.runtime_api && !begins(state) {
            return finish(Err(REFUSED));
        }
    }
    let Some(state) = state::judging(Section::Outbound) else {
        return pass(address);
    };
    // SAFETY: the caller's promise.
    let Some(copy) = (unsafe { Address::copy(address, length) }) else {
        return pass(address);
    };
    let Some(to) = copy.internet() else {
        return pass(copy.as_ptr());
    };
    let verdict = state.decider.connect(&Connect {
        ip: to.ip(),
        port: to.port(),
    });
    if verdict.outcome == Outcome::Allow || !is_socket(fd) {
        return pass(copy.as_ptr());
    }
    report::breach(
        state,
        Section::Outbound,
        &verdict,
        Subject::Connect {
            ip: to.ip(),
            port: to.port(),
        },
    );
    if verdict.outcome == Outcome::Prevent {
        finish(Err(REFUSED))
    } else {
        pass(copy.as_ptr())
    }
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

/// The port that `bind` judged last on each descriptor, so that `listen` on the same one is not a second event. A
/// descriptor beyond the table, or one duplicated in between, is judged again.
static BOUND: [AtomicU32; 1024] = [const { AtomicU32::new(0) }; 1024];

fn judge_listen(state: &State, fd: c_int, local: SocketAddr) -> Result<(), Errno> {
    let verdict = state.decider.listen(local.port());
    if verdict.outcome == Outcome::Allow || !is_socket(fd) {
        return Ok(());
    }
    let subject = Subject::Listen {
        ip: Some(local.ip()),
        port: local.port(),
    };
    report::breach(state, Section::Listen, &verdict, subject);
    if verdict.outcome == Outcome::Prevent {
        Err(REFUSED)
    } else {
        Ok(())
    }
}

/// `bind(2)`. A port of 0 is chosen by the kernel and judged when the socket listens.
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
    let local = copy.internet().filter(|local| local.port() != 0);
    if let Some(bound) = usize::try_from(fd).ok().and_then(|fd| BOUND.get(fd)) {
        bound.store(
            local.map_or(0, |local| local.port().into()),
            Ordering::Relaxed,
        );
    }
    match local.map_or(Ok(()), |local| judge_listen(state, fd, local)) {
        Ok(()) => pass(copy.as_ptr()),
        Err(errno) => finish(Err(errno)),
    }
}

/// `listen(2)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn listen(fd: c_int, backlog: c_int) -> c_int {
    if let Some(state) = state::judging(Section::Listen) {
        let mut bytes = [0; ADDRESS_MAX];
        let local = sys::getsockname(fd, &mut bytes)
            .ok()
            .and_then(|length| internet(bytes.get(..length)?));
        if let Some(local) = local {
            let judged = usize::try_from(fd)
                .ok()
                .and_then(|fd| BOUND.get(fd))
                .map_or(0, |b| b.load(Ordering::Relaxed));
            // An unbound socket gets a port now, which nobody can know before.
            if judged != u32::from(local.port())
                && let Err(errno) = judge_listen(state, fd, local)
            {
                return finish(Err(errno));
            }
        }
    }
    match table::listen::next() {
        // SAFETY: the caller's arguments.
        Some(next) => unsafe { next(fd, backlog) },
        None => finish(Err(Errno(libc::ENOSYS))),
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
