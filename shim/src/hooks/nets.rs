//! Networks: `getnetbyname(3)` and its kin, which ask a name server where `nsswitch.conf(5)` says so, or says nothing of networks.

use core::ffi::{c_char, c_int, c_void};
use core::net::{IpAddr, Ipv4Addr};

use super::names::{no_recovery, reentrant_failure, refuses, refuses_reverse};
use super::resolver::resolving;
use crate::table;

/// The address that is looked up for a network: its bytes in front, and zeros behind them.
fn address(network: u32) -> Option<IpAddr> {
    let shift = network.leading_zeros() / 8 * 8;
    network
        .checked_shl(shift)
        .map(|bits| IpAddr::V4(Ipv4Addr::from(bits)))
}

macro_rules! networks {
    ($($name:ident($($arg:ident: $type:ty),*): $refused:expr;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name($($arg: $type),*) -> *mut c_void {
            // SAFETY: the caller's arguments.
            unsafe {
                match ($refused, table::$name::next()) {
                    (false, Some(next)) => resolving(|| next($($arg),*)),
                    _ => {
                        no_recovery();
                        core::ptr::null_mut()
                    }
                }
            }
        }
    )*};
}

networks! {
    getnetbyname(name: *const c_char): refuses(name);
    getnetbyaddr(network: u32, family: c_int): refuses_reverse(address(network));
}

macro_rules! networks_in_room {
    ($($name:ident($($arg:ident: $type:ty),*): $refused:expr;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(
            $($arg: $type,)*
            entry: *mut c_void,
            room: *mut c_char,
            size: usize,
            result: *mut *mut c_void,
            h_errno: *mut c_int,
        ) -> c_int {
            // SAFETY: the caller's arguments.
            unsafe {
                match ($refused, table::$name::next()) {
                    (false, Some(next)) => {
                        resolving(|| next($($arg,)* entry, room, size, result, h_errno))
                    }
                    _ => reentrant_failure(result, h_errno),
                }
            }
        }
    )*};
}

networks_in_room! {
    getnetbyname_r(name: *const c_char): refuses(name);
    getnetbyaddr_r(network: u32, family: c_int): refuses_reverse(address(network));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_looked_up_by_the_bytes_that_it_has() {
        for (network, looked_up) in [
            (0, "0.0.0.0"),
            (10, "10.0.0.0"),
            (0xc000, "192.0.0.0"),
            (0x00c6_3364, "198.51.100.0"),
            (0xcb00_7109, "203.0.113.9"),
        ] {
            let found = address(network);
            assert!(
                found == Some(looked_up.parse().unwrap()) || network == 0 && found.is_none(),
                "{network:x}: {found:?}"
            );
        }
    }
}
