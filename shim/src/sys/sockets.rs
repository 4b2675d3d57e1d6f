//! System calls about sockets.

use core::ffi::{c_int, c_long};

use super::{Errno, call, checked, raw};

/// getsockopt(2) at `SOL_SOCKET` for an integer option.
pub fn socket_option(fd: c_int, option: c_int) -> Result<c_int, Errno> {
    let mut value: c_int = 0;
    let mut length = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: `value` is as long as `length` says.
    unsafe {
        call!(
            libc::SYS_getsockopt,
            fd,
            libc::SOL_SOCKET,
            option,
            &raw mut value,
            &raw mut length
        )
    }?;
    Ok(value)
}

/// getsockname(2); the bytes that the kernel wrote.
pub fn getsockname(fd: c_int, out: &mut [u8; 128]) -> Result<usize, Errno> {
    socket_address(libc::SYS_getsockname, fd, out)
}

/// bind(2) to the name in `address`.
pub fn bind(fd: c_int, address: &[u8]) -> Result<(), Errno> {
    // SAFETY: the address is as long as is said.
    unsafe { call!(libc::SYS_bind, fd, address.as_ptr(), address.len()) }.map(|_| ())
}

/// getpeername(2); the bytes that the kernel wrote.
pub fn getpeername(fd: c_int, out: &mut [u8; 128]) -> Result<usize, Errno> {
    socket_address(libc::SYS_getpeername, fd, out)
}

fn socket_address(number: c_long, fd: c_int, out: &mut [u8; 128]) -> Result<usize, Errno> {
    let mut length = out.len() as libc::socklen_t;
    // SAFETY: `out` is as long as `length` says.
    unsafe { call!(number, fd, out.as_mut_ptr(), &raw mut length) }?;
    Ok((length as usize).min(out.len()))
}
