//! Name resolution: `getaddrinfo(3)`.

use core::ffi::{c_char, c_int};

use libc::addrinfo;
use palisade_audit::Subject;
use palisade_policy::event::{Outcome, Section};

use crate::{report, state, sys, table};

/// A name of the DNS has at most 253 bytes, and 255 with its dots and root (RFC 1035 §2.3.4). A longer one cannot be resolved.
const NAME_MAX: usize = 255;

/// `getaddrinfo(3)`. The name is copied before it is judged, so that another thread cannot change it in between.
///
/// # Safety
/// As its manual page says.
pub unsafe fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    result: *mut *mut addrinfo,
) -> c_int {
    let Some(next) = table::getaddrinfo::next() else {
        return libc::EAI_SYSTEM;
    };
    // SAFETY: the caller keeps what the manual page asks.
    unsafe {
        let (Some(state), Some(name)) = (state::judging(Section::Dns), sys::c_bytes(node)) else {
            return next(node, service, hints, result);
        };
        let is_numeric = hints
            .as_ref()
            .is_some_and(|h| h.ai_flags & libc::AI_NUMERICHOST != 0);
        let mut copy = [0u8; NAME_MAX + 1];
        if is_numeric || name.len() > NAME_MAX {
            return next(node, service, hints, result);
        }
        for (to, from) in copy.iter_mut().zip(name) {
            *to = *from;
        }
        let name = copy.get(..name.len()).unwrap_or_default();
        let verdict = state.decider.resolve(name);
        if verdict.outcome != Outcome::Allow {
            report::breach(
                state,
                Section::Dns,
                &verdict,
                Subject::Resolve { domain: name },
            );
        }
        if verdict.outcome == Outcome::Prevent {
            libc::EAI_FAIL
        } else {
            next(copy.as_ptr().cast(), service, hints, result)
        }
    }
}
