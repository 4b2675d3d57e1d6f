//! The [lists](crate::lists) as `build.rs` compiled them.

/// Tables in the form of a compiled policy, little-endian whatever the machine.
pub(crate) static BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/known.bin"));
