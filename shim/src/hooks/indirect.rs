//! Bytes that go to a socket without being handed to a function that sends: `sendfile(2)`, `splice(2)`, `aio(7)` and `io_submit(2)`. They are looked at
//! for questions to a name server, or refused where they cannot be looked at.

use core::ffi::{c_int, c_long, c_uint, c_void};

use libc::{iovec, off_t};

use super::messages::{judge_message, may_be_resolver, refused};
use super::{REFUSED, finish, questions};
use crate::sys::{Errno, Reader};
use crate::{sys, table};

/// Judges bytes that the kernel takes out of a file or a pipe, where nothing can be read before it is sent.
///
/// # Errors
/// `EACCES`: they would go to a name server.
fn judge_unseen(fd: c_int) -> Result<(), Errno> {
    if may_be_resolver() {
        questions::judge_unseen(fd)
    } else {
        Ok(())
    }
}

macro_rules! copies {
    ($($name:ident($($arg:ident: $type:ty),*) to $to:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(next: Option<table::$name::Function>, $($arg: $type),*) -> isize {
            if judge_unseen($to).is_err() {
                return refused();
            }
            match next {
                // SAFETY: the caller's arguments.
                Some(next) => unsafe { next($($arg),*) },
                None => finish(Err(Errno(libc::ENOSYS))) as isize,
            }
        }
    )*};
}

copies! {
    sendfile(to: c_int, from: c_int, offset: *mut off_t, length: usize) to to;
    sendfile64(to: c_int, from: c_int, offset: *mut off_t, length: usize) to to;
    splice(from: c_int, from_offset: *mut off_t, to: c_int, to_offset: *mut off_t, length: usize, flags: c_uint) to to;
}

/// struct aiocb of aio(7) in glibc, as far as it is read.
#[repr(C)]
pub struct AioRequest {
    descriptor: c_int,
    operation: c_int,
    priority: c_int,
    buffer: *mut c_void,
    length: usize,
}

/// Judges a write that a thread of libc will make.
///
/// # Errors
/// `EACCES`.
///
/// # Safety
/// As the manual page of aio_write(3) says; null is nothing to judge.
unsafe fn judge_later(request: *const AioRequest) -> Result<(), Errno> {
    if !may_be_resolver() || !sys::can_read(request.cast(), size_of::<AioRequest>()) {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe {
        let request = &*request;
        let vector = iovec {
            iov_base: request.buffer,
            iov_len: request.length,
        };
        judge_message(request.descriptor, &raw const vector, 1)
    }
}

/// struct iocb of linux/aio_abi.h.
#[repr(C)]
pub struct Iocb {
    data: u64,
    key_and_flags: u64,
    operation: u16,
    priority: i16,
    descriptor: u32,
    buffer: u64,
    length: u64,
    offset: i64,
    more: [u64; 2],
}

const _: () = assert!(size_of::<Iocb>() == 64);

/// IOCB_CMD_PWRITE of linux/aio_abi.h.
const PWRITE: u16 = 1;

/// IOCB_CMD_PWRITEV.
const PWRITEV: u16 = 8;

/// `io_submit(2)`, for which libc has no function: what comes before the first refused write is submitted, as if that one had failed.
///
/// # Safety
/// As its manual page says.
pub unsafe fn io_submit(context: usize, count: c_long, list: *const *const Iocb) -> c_long {
    let (mut allowed, mut reader) = (count, Reader::new());
    if may_be_resolver() {
        for index in 0..usize::try_from(count).unwrap_or_default() {
            let request = list.wrapping_add(index);
            // SAFETY: it has been found to be readable, and the caller's promise.
            if reader.is_there(request) && unsafe { judge_submitted(*request) }.is_err() {
                allowed = index as c_long;
                break;
            }
        }
        if allowed == 0 && count > 0 {
            return finish(Err(REFUSED)).into();
        }
    }
    let arguments = [context, allowed as usize, list as usize, 0, 0, 0];
    // SAFETY: the caller's arguments, or fewer of them.
    match unsafe { sys::any(libc::SYS_io_submit, arguments) } {
        Ok(submitted) => submitted as c_long,
        Err(errno) => finish(Err(errno)).into(),
    }
}

/// # Safety
/// Nobody unmaps the request meanwhile.
unsafe fn judge_submitted(request: *const Iocb) -> Result<(), Errno> {
    if !sys::can_read(request.cast(), size_of::<Iocb>()) {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe {
        let request = &*request;
        let fd = request.descriptor as c_int;
        match request.operation {
            PWRITE => {
                let vector = iovec {
                    iov_base: request.buffer as *mut c_void,
                    iov_len: request.length as usize,
                };
                judge_message(fd, &raw const vector, 1)
            }
            PWRITEV => judge_message(fd, request.buffer as *const iovec, request.length as usize),
            _ => Ok(()),
        }
    }
}

macro_rules! later_sends {
    ($($one:ident $many:ident;)*) => {$(
        #[doc = concat!("`", stringify!($one), "(3)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $one(request: *mut AioRequest) -> c_int {
            // SAFETY: the caller's argument.
            match (unsafe { judge_later(request) }, table::$one::next()) {
                // SAFETY: the caller's argument.
                (Ok(()), Some(next)) => unsafe { next(request) },
                (judged, _) => finish(Err(judged.err().unwrap_or(Errno(libc::ENOSYS)))),
            }
        }

        #[doc = concat!("`", stringify!($many), "(3)`: one refused message refuses the list, because nothing of it has been started yet.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $many(mode: c_int, list: *const *mut AioRequest, count: c_int, event: *mut c_void) -> c_int {
            // SAFETY: the caller's arguments.
            let judged = unsafe { judge_list(list, count) };
            match (judged, table::$many::next()) {
                // SAFETY: the caller's arguments.
                (Ok(()), Some(next)) => unsafe { next(mode, list, count, event) },
                (judged, _) => finish(Err(judged.err().unwrap_or(Errno(libc::ENOSYS)))),
            }
        }
    )*};
}

later_sends! {
    aio_write lio_listio;
    aio_write64 lio_listio64;
}

/// # Safety
/// `count` requests or null pointers, as the manual page of lio_listio(3) asks, or a bad pointer.
unsafe fn judge_list(list: *const *mut AioRequest, count: c_int) -> Result<(), Errno> {
    if !may_be_resolver() {
        return Ok(());
    }
    let mut reader = Reader::new();
    for index in 0..usize::try_from(count).unwrap_or_default() {
        let place = list.wrapping_add(index);
        if !reader.is_there(place) {
            break;
        }
        // SAFETY: what is read has been found to be readable, and the caller's promise.
        unsafe {
            let request = *place;
            if reader.is_there(request) && (*request).operation == libc::LIO_WRITE {
                judge_later(request)?;
            }
        }
    }
    Ok(())
}
