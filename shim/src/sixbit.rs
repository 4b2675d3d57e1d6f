//! Bytes as text for an environment: six bits a character, from `0` to `o`, with the number of bytes in front.
//!
//! Base64 has the same density, but its letters are in five ranges. These are in one, so that eight of them are checked and put together in a
//! dozen instructions: each child of a function does that with the whole policy.

use alloc::string::ToString;
use alloc::vec::Vec;

/// The letter for no bits.
const FIRST: u8 = b'0';

/// One in each of eight letters.
const EACH: u64 = 0x0101_0101_0101_0101;

/// Bytes and the letters that they make.
const BYTES: usize = 6;
const LETTERS: usize = 8;

/// The text of bytes: a number, a colon, and as many letters as it takes.
pub fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = bytes.len().to_string().into_bytes();
    text.push(b':');
    text.reserve(bytes.len().div_ceil(BYTES) * LETTERS);
    let (chunks, rest) = bytes.as_chunks::<BYTES>();
    let mut last = [0; BYTES];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let last = (!rest.is_empty()).then_some(&last);
    for chunk in chunks.iter().chain(last) {
        let [a, b, c, d, e, f] = *chunk;
        text.extend_from_slice(&letters(u64::from_be_bytes([0, 0, a, b, c, d, e, f])));
    }
    text
}

/// What [`decode`] does, backwards: 48 bits fall apart into halves, quarters and eighths.
fn letters(bits: u64) -> [u8; LETTERS] {
    let halves = (bits & 0xffff_ff00_0000) << 8 | bits & 0x00ff_ffff;
    let twelves = (halves & 0x00ff_f000_00ff_f000) << 4 | halves & 0x0000_0fff_0000_0fff;
    let sixes = (twelves & 0x0fc0_0fc0_0fc0_0fc0) << 2 | twelves & 0x003f_003f_003f_003f;
    (sixes + EACH * FIRST as u64).to_be_bytes()
}

/// How many bytes [`decode`] needs to write to. `None`: it is no such text.
#[inline(always)]
pub fn room(text: &[u8]) -> Option<usize> {
    let (_, letters) = parts(text)?;
    // It writes eight bytes at a time, of which six count.
    Some(letters.len() / LETTERS * BYTES + 2)
}

/// The number of bytes, and the letters.
fn parts(text: &[u8]) -> Option<(usize, &[u8])> {
    let colon = text.iter().take(20).position(|byte| *byte == b':')?;
    let length = usize::try_from(crate::settings::number(text.get(..colon)?)?).ok()?;
    let letters = text.get(colon + 1..)?;
    let is_right =
        letters.len() % LETTERS == 0 && letters.len() / LETTERS == length.div_ceil(BYTES);
    is_right.then_some((length, letters))
}

/// The bytes that [`encode`] was given, in `bytes`.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
pub fn decode<'b>(text: &[u8], bytes: &'b mut [u8]) -> Option<&'b [u8]> {
    let (length, letters) = parts(text)?;
    let mut wrong = 0;
    let (chunks, _) = letters.as_chunks::<LETTERS>();
    for (index, chunk) in chunks.iter().enumerate() {
        // A letter below the first borrows from its neighbour, which shows in the two bits that are checked.
        let sixes = u64::from_be_bytes(*chunk).wrapping_sub(EACH * FIRST as u64);
        wrong |= sixes & (EACH * 0xc0);
        let twelves = (sixes & 0x3f00_3f00_3f00_3f00) >> 2 | sixes & 0x003f_003f_003f_003f;
        let halves = (twelves & 0x0fff_0000_0fff_0000) >> 4 | twelves & 0x0000_0fff_0000_0fff;
        let whole = (halves & 0x00ff_ffff_0000_0000) >> 8 | halves & 0x00ff_ffff;
        bytes
            .get_mut(index * BYTES..)?
            .first_chunk_mut::<LETTERS>()?
            .copy_from_slice(&(whole << 16).to_be_bytes());
    }
    if wrong != 0 {
        return None;
    }
    bytes.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_comes_back() {
        for length in 0..=40usize {
            for shift in 0..=255u8 {
                let bytes: Vec<u8> = (0..length)
                    .map(|i| (i as u8).wrapping_mul(37).wrapping_add(shift))
                    .collect();
                let text = encode(&bytes);
                assert!(text.iter().all(u8::is_ascii_graphic), "{text:?}");
                let mut to = vec![0xee; room(&text).unwrap()];
                assert_eq!(decode(&text, &mut to), Some(bytes.as_slice()));
            }
        }
    }

    #[test]
    fn what_is_no_such_text_is_refused() {
        let good = encode(b"palisade");
        let mut to = [0; 64];
        assert!(decode(&good, &mut to).is_some());
        for index in 0..good.len() {
            for other in [b' ', b'/', b'p', b'\x7f', 0xff] {
                let mut text = good.clone();
                text[index] = other;
                assert_eq!(decode(&text, &mut to), None, "{index} {other}");
            }
            assert_eq!(decode(&good[..index], &mut to), None);
        }
        assert_eq!(decode(&good, &mut [0; 8]), None);
        assert_eq!(room(b"99999999999999999999999:"), None);
        assert_eq!(room(b":"), None);
    }
}
