//! Networks: `getnetbyname(3)` and its kin, which ask a name server where `nsswitch.conf(5)` says so, or says nothing of networks.

use core::ffi::{c_char, c_int, c_void};
use core::net::{IpAddr, Ipv4Addr};

use super::names::{looked_up, no_recovery, reentrant_failure, refuses_reverse};
use super::resolver::resolving;
use crate::table;

/// The address that is looked up for a network: its bytes in front, and zeros behind them.
fn address(network: u32) -> Option<IpAddr> {
    let shift = network.leading_zeros() / 8 * 8;
    network
        .checked_shl(shift)
        .map(|bits| IpAddr::V4(Ipv4Addr::from(bits)))
}

/// Judges the address of a network, and lets the lookup happen. `None`: it is refused.
fn looked_up_back<T>(network: u32, look_up: impl FnOnce(u32) -> T) -> Option<T> {
    (!refuses_reverse(address(network))).then(|| look_up(network))
}

macro_rules! networks {
    ($($name:ident($what:ident: $kind:ty $(, $arg:ident: $type:ty)*) by $judged:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name($what: $kind $(, $arg: $type)*) -> *mut c_void {
            // SAFETY: the caller's arguments, or a copy of the name.
            let entry = table::$name::next().and_then(|next| unsafe {
                $judged($what, |$what| resolving(|| next($what $(, $arg)*)))
            });
            entry.unwrap_or_else(|| {
                no_recovery();
                core::ptr::null_mut()
            })
        }
    )*};
}

networks! {
    getnetbyname(name: *const c_char) by looked_up;
    getnetbyaddr(network: u32, family: c_int) by looked_up_back;
}

macro_rules! networks_in_room {
    ($($name:ident($what:ident: $kind:ty $(, $arg:ident: $type:ty)*) by $judged:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(
            $what: $kind,
            $($arg: $type,)*
            entry: *mut c_void,
            room: *mut c_char,
            size: usize,
            result: *mut *mut c_void,
            h_errno: *mut c_int,
        ) -> c_int {
            // SAFETY: the caller's arguments, or a copy of the name.
            unsafe {
                let status = table::$name::next().and_then(|next| {
                    $judged($what, |$what| {
                        resolving(|| next($what, $($arg,)* entry, room, size, result, h_errno))
                    })
                });
                status.unwrap_or_else(|| reentrant_failure(result, h_errno))
            }
        }
    )*};
}

networks_in_room! {
    getnetbyname_r(name: *const c_char) by looked_up;
    getnetbyaddr_r(network: u32, family: c_int) by looked_up_back;
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
