//! Questions that a program puts together for libc's resolver: `res_query` and its kin of resolver(3).

use core::ffi::{c_char, c_int, c_uchar, c_void};

use palisade_policy::event::Section;

use super::names::{Host, copy, judge_text, looked_up, looked_up_copy, no_recovery};
use super::resolver::resolving;
use super::{answers, questions};
use crate::state::State;
use crate::{state, sys, table};

/// A failure of resolver(3): -1, and `h_errno`.
fn resolver_failure() -> c_int {
    no_recovery();
    -1
}

macro_rules! resolver {
    ($($name:ident($($arg:ident: $type:ty),*) judged by $judged:ident($($given:ident),*), gives $answer:ident, $size:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "` of resolver(3).")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name($($arg: $type),*) -> c_int {
            // SAFETY: the caller's arguments, or copies of them.
            unsafe {
                let length = table::$name::next().and_then(|next| {
                    $judged($($given,)* |$($given),*| {
                        let length = resolving(|| next($($arg),*));
                        answers::note_message($answer, length, $size);
                        length
                    })
                });
                length.unwrap_or_else(resolver_failure)
            }
        }
    )*};
}

/// A name within a domain: what `res_querydomain(3)` joins with a dot.
///
/// # Safety
/// Both are C strings, or bad pointers.
#[inline]
unsafe fn looked_up_within<T>(
    name: *const c_char,
    domain: *const c_char,
    look_up: impl FnOnce(*const c_char, *const c_char) -> T,
) -> Option<T> {
    match state::judging(Section::Dns) {
        // SAFETY: the caller's promise.
        Some(state) => unsafe { looked_up_joined(state, name, domain, look_up) },
        None => Some(look_up(name, domain)),
    }
}

/// # Safety
/// As for [`looked_up_within`].
#[inline(never)]
unsafe fn looked_up_joined<T>(
    state: &State,
    name: *const c_char,
    domain: *const c_char,
    look_up: impl FnOnce(*const c_char, *const c_char) -> T,
) -> Option<T> {
    let (mut whole, mut copied) = (Host::new(), Host::new());
    // SAFETY: the caller's promise.
    let copies = unsafe { (copy(name, &mut whole), copy(domain, &mut copied)) };
    if !matches!(copies, (Some(()), Some(()))) {
        // Without a domain the name is the whole; libc's resolver takes nothing longer.
        // SAFETY: as above.
        return unsafe { looked_up_copy(state, name, |name| look_up(name, domain)) };
    }
    let length = whole.as_bytes().len();
    let joined = whole
        .push(b".")
        .and_then(|()| whole.push(copied.as_bytes()));
    let judged = joined.and_then(|()| judge_text(state, whole.as_bytes()));
    whole.truncate(length);
    match (joined, judged) {
        (Ok(()), Err(_)) => None,
        _ => Some(look_up(whole.as_ptr(), copied.as_ptr())),
    }
}

/// A whole message: each of its questions.
///
/// # Safety
/// `message` is readable for `length` bytes, or a bad pointer.
#[inline]
unsafe fn sent<T>(
    message: *const c_uchar,
    length: c_int,
    send: impl FnOnce(*const c_uchar, c_int) -> T,
) -> Option<T> {
    // SAFETY: the caller's promise.
    (!unsafe { refuses_message(message, length) }).then(|| send(message, length))
}

/// # Safety
/// As for [`sent`].
unsafe fn refuses_message(message: *const c_uchar, length: c_int) -> bool {
    let Some(state) = state::judging(Section::Dns) else {
        return false;
    };
    let length = usize::try_from(length).unwrap_or_default();
    if !sys::can_read(message.cast(), length) {
        return false;
    }
    // SAFETY: the caller's promise.
    questions::judge_one(state, unsafe {
        core::slice::from_raw_parts(message, length)
    })
    .is_err()
}

resolver! {
    res_query(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up(name), gives answer, size;
    __res_query(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up(name), gives answer, size;
    res_search(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up(name), gives answer, size;
    __res_search(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up(name), gives answer, size;
    res_querydomain(name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up_within(name, domain), gives answer, size;
    __res_querydomain(name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up_within(name, domain), gives answer, size;
    res_send(message: *const c_uchar, length: c_int, answer: *mut c_uchar, size: c_int) judged by sent(message, length), gives answer, size;
    __res_send(message: *const c_uchar, length: c_int, answer: *mut c_uchar, size: c_int) judged by sent(message, length), gives answer, size;
    res_nquery(resolver: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up(name), gives answer, size;
    __res_nquery(resolver: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up(name), gives answer, size;
    res_nsearch(resolver: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up(name), gives answer, size;
    __res_nsearch(resolver: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up(name), gives answer, size;
    res_nquerydomain(resolver: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up_within(name, domain), gives answer, size;
    __res_nquerydomain(resolver: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, size: c_int) judged by looked_up_within(name, domain), gives answer, size;
    res_nsend(resolver: *mut c_void, message: *const c_uchar, length: c_int, answer: *mut c_uchar, size: c_int) judged by sent(message, length), gives answer, size;
    __res_nsend(resolver: *mut c_void, message: *const c_uchar, length: c_int, answer: *mut c_uchar, size: c_int) judged by sent(message, length), gives answer, size;
}
