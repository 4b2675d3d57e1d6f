//! Reads gzip (RFC 1952): a policy that has to fit into the environment of a function.

use alloc::boxed::Box;
use alloc::vec::Vec;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Why there is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unpacked {
    /// What is wrong, in a few words.
    Damaged(&'static str),
    /// More than `most` bytes.
    TooLong,
}

/// All members of a gzip file, one after the other, if they are `most` bytes at most.
pub(crate) fn unpack(packed: &[u8], most: usize) -> Result<Vec<u8>, Unpacked> {
    let mut text = Vec::new();
    let mut rest = packed;
    loop {
        rest = member(rest, most, &mut text)?;
        if rest.is_empty() {
            return Ok(text);
        }
    }
}

/// Appends one member to `text` and gives what follows it.
fn member<'p>(packed: &'p [u8], most: usize, text: &mut Vec<u8>) -> Result<&'p [u8], Unpacked> {
    const CUT: Unpacked = Unpacked::Damaged("it is cut");
    let start = text.len();
    let body = header(packed)?;
    let mut decompressor = Box::new(DecompressorOxide::new());
    let mut rest = body;
    loop {
        let filled = text.len();
        let room = (packed.len() * 4).max(filled * 2).min(most + 1);
        text.resize(room, 0);
        let (status, read, written) = decompress(
            &mut decompressor,
            rest,
            text,
            filled,
            TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
        );
        text.truncate(filled + written);
        if text.len() > most {
            return Err(Unpacked::TooLong);
        }
        rest = rest.get(read..).unwrap_or_default();
        match status {
            TINFLStatus::Done => break,
            TINFLStatus::HasMoreOutput => {}
            TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => return Err(CUT),
            _ => return Err(Unpacked::Damaged("it is no deflate stream")),
        }
    }
    let Some((trailer, rest)) = rest.split_first_chunk::<8>() else {
        return Err(CUT);
    };
    let [a, b, c, d, e, f, g, h] = *trailer;
    let own = text.get(start..).unwrap_or_default();
    let length = u32::try_from(own.len()).unwrap_or(u32::MAX);
    if u32::from_le_bytes([a, b, c, d]) != checksum(own)
        || u32::from_le_bytes([e, f, g, h]) != length
    {
        return Err(Unpacked::Damaged("its checksum is wrong"));
    }
    Ok(rest)
}

/// What follows the header of a member.
fn header(packed: &[u8]) -> Result<&[u8], Unpacked> {
    const WRONG: Unpacked = Unpacked::Damaged("its header is wrong");
    const CHECKSUM: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let Some(([0x1f, 0x8b, 8, flags, ..], mut rest)) = packed.split_first_chunk::<10>() else {
        return Err(WRONG);
    };
    if flags & EXTRA != 0 {
        let (length, extra) = rest.split_first_chunk::<2>().ok_or(WRONG)?;
        rest = extra
            .get(usize::from(u16::from_le_bytes(*length))..)
            .ok_or(WRONG)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0).ok_or(WRONG)?;
            rest = rest.get(end + 1..).unwrap_or_default();
        }
    }
    if flags & CHECKSUM != 0 {
        rest = rest.get(2..).ok_or(WRONG)?;
    }
    Ok(rest)
}

/// CRC-32 (RFC 1952 §8), four bits at a time: sixteen words of table for what is read once in the life of a process.
fn checksum(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = [
        0x0000_0000,
        0x1db7_1064,
        0x3b6e_20c8,
        0x26d9_30ac,
        0x76dc_4190,
        0x6b6b_51f4,
        0x4db2_6158,
        0x5005_713c,
        0xedb8_8320,
        0xf00f_9344,
        0xd6d6_a3e8,
        0xcb61_b38c,
        0x9b64_c2b0,
        0x86d3_d2d4,
        0xa00a_e278,
        0xbdbd_f21c,
    ];
    let step = |crc: u32| crc >> 4 ^ TABLE.get((crc & 15) as usize).copied().unwrap_or_default();
    !bytes
        .iter()
        .fold(u32::MAX, |crc, byte| step(step(crc ^ u32::from(*byte))))
}

#[cfg(test)]
mod tests {
    use super::{Unpacked, checksum, unpack};

    /// `printf hello | gzip -nc`, and the same with a name, a comment, an extra field and a checksum of the header.
    const HELLO: [u8; 25] = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10,
        0x36, 5, 0, 0, 0,
    ];

    #[test]
    fn members_of_every_kind_are_read() {
        assert_eq!(checksum(b"hello"), 0x3610_a686);
        assert_eq!(unpack(&HELLO, 100), Ok(b"hello".to_vec()));
        let twice = [HELLO, HELLO].concat();
        assert_eq!(unpack(&twice, 100), Ok(b"hellohello".to_vec()));
        let mut full = HELLO[..3].to_vec();
        full.extend([2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 2, 0, 1, 2]);
        full.extend(*b"name\0comment\0\x01\x02");
        full.extend(&HELLO[10..]);
        assert_eq!(unpack(&full, 100), Ok(b"hello".to_vec()));
    }

    #[test]
    fn what_is_cut_changed_or_too_long_is_refused() {
        for end in 0..HELLO.len() {
            assert!(
                matches!(unpack(&HELLO[..end], 100), Err(Unpacked::Damaged(_))),
                "{end}"
            );
        }
        for at in [0, 1, 2, 12, 18, 22] {
            let mut changed = HELLO;
            changed[at] ^= 0x40;
            assert!(unpack(&changed, 100).is_err(), "{at}");
        }
        assert_eq!(unpack(&HELLO, 4), Err(Unpacked::TooLong));
        assert_eq!(unpack(&HELLO, 5), Ok(b"hello".to_vec()));
        let garbage = [HELLO.as_slice(), b"x"].concat();
        assert!(unpack(&garbage, 100).is_err());
    }
}
