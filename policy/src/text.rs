//! Text that is put together.

use alloc::string::String;
use core::fmt::{Arguments, Write as _};

/// What `format!` does, by a function that is compiled with this crate. The standard library's own was compiled for programs that unwind: its frame
/// names a personality routine, by a word of data that the library would have for that alone, which each start of a process would have to map, to
/// copy and to relocate.
#[doc(hidden)]
#[must_use]
pub fn formatted(parts: Arguments<'_>) -> String {
    let mut text = String::new();
    // A string fails at nothing, and what is written here has no error of its own.
    let _ = text.write_fmt(parts);
    text
}

/// As the standard library's ([`formatted`] says why).
#[doc(hidden)]
#[macro_export]
macro_rules! format {
    ($($part:tt)*) => {
        $crate::formatted(::core::format_args!($($part)*))
    };
}
