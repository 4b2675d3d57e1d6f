//! The record that Palisade leaves of a breach: one line of JSON in the function's own log.
//!
//! ```
//! use palisade_audit::{Access, Effect, Kind, LINE_MAX, Level, Message, Record, Subject, Timestamp};
//!
//! let record = Record {
//!     timestamp: Timestamp { seconds: 1_700_000_000, nanoseconds: 0 },
//!     level: Level::Error,
//!     kind: Kind::Dns,
//!     attack: "unlisted-domain",
//!     effect: Some(Effect::Prevent),
//!     rule: Some(b"payments"),
//!     enforce_after: None,
//!     msg: Message::Breach,
//!     function: b"pay-invoice",
//!     region: b"eu-west-1",
//!     pid: 17,
//!     ppid: 8,
//!     process: b"/usr/bin/wget",
//!     subject: Subject::Resolve { domain: b"yahoo.com" },
//!     count: 1,
//!     techniques: &["T1071.004"],
//! };
//! let mut line = [0; LINE_MAX];
//! let length = record.write(&mut line);
//! let text = std::str::from_utf8(&line[..length]).unwrap();
//! assert!(text.starts_with(r#"{"timestamp":"2023-11-14T22:13:20.000000Z","level":"ERROR","palisade":1,"type":"dns","#));
//! assert!(text.contains("DNS resolution of domain name yahoo.com triggered by /usr/bin/wget explicitly denied by a runtime rule."));
//! assert!(text.ends_with("\n"));
//! ```
//!
//! # What a line is, always
//!
//! - one JSON object (RFC 8259) in valid UTF-8, then one newline, in at most [`LINE_MAX`] bytes;
//! - safe to print: control characters, line separators, and characters that nobody sees or that turn the direction of
//!   writing are `\uXXXX` escapes, whatever bytes the attacker chose;
//! - true: bytes that are no UTF-8 become U+FFFD as [`String::from_utf8_lossy`] has it, and a value that is too long is cut between
//!   two characters, ends in `…`, and its field is named in `truncated`.
//!
//! # What writing one costs
//!
//! The writer runs in the child of a `vfork`, in a signal handler, on a 36 KiB stack. It takes no memory, no lock and less
//! than 1 KiB of stack besides the caller's buffer, and it reads no more of an argument than it writes. Without the feature
//! `read` this crate is `no_std` and has no allocator to call.
//!
//! [`String::from_utf8_lossy`]: https://doc.rust-lang.org/std/string/struct.String.html#method.from_utf8_lossy
#![forbid(unsafe_code)]
#![no_std]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[cfg(feature = "read")]
extern crate std;

mod line;
mod record;
mod sentence;
mod techniques;
mod timestamp;

#[cfg(feature = "read")]
mod read;
#[cfg(feature = "read")]
mod written;

pub use line::is_unseen;
pub use palisade_policy::event::Access;
#[cfg(feature = "read")]
pub use read::{
    Borrowed, Fields, Owned, Str, parse_in_csv, parse_in_json, parse_line, parse_prefix,
};
pub use record::{Effect, Kind, Level, Message, Record, Subject, Text};
pub use techniques::techniques;
pub use timestamp::Timestamp;

/// The longest line, in bytes, with its newline: `PIPE_BUF` of Linux. One write of that size to a pipe is atomic (pipe(7)),
/// so lines of several processes never mix.
pub const LINE_MAX: usize = 4096;

/// The field `palisade` of every record. It grows when a field changes its meaning; new fields alone do not change it.
pub const RECORD_VERSION: u32 = 1;
