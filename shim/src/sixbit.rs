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
/// As many letters as are taken at a time.
const PAIR: usize = 2 * LETTERS;

/// `name`, and behind it the text of bytes: a number, a colon, and as many letters as it takes. There is room for one character more.
pub fn encode(name: &[u8], bytes: &[u8]) -> Vec<u8> {
    let number = bytes.len().to_string();
    let head = [name, number.as_bytes(), b":"].concat();
    // A page that is written first is one that the kernel has to make: there is no copy of a long text.
    let length = head.len() + bytes.len().div_ceil(BYTES) * LETTERS;
    let mut text = Vec::with_capacity(length + 1);
    text.extend_from_slice(&head);
    text.resize(length, 0);
    let (to, _) = text
        .get_mut(head.len()..)
        .unwrap_or_default()
        .as_chunks_mut::<LETTERS>();
    let (chunks, rest) = bytes.as_chunks::<BYTES>();
    let mut last = [0; BYTES];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    for (to, chunk) in to.iter_mut().zip(chunks.iter().chain([&last])) {
        let [a, b, c, d, e, f] = *chunk;
        *to = letters(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]));
    }
    text
}

/// What [`decode`] does, backwards: 48 bits fall apart into halves, quarters and eighths.
fn letters(bits: u64) -> [u8; LETTERS] {
    let halves = (bits & 0xffff_ff00_0000) << 8 | bits & 0x00ff_ffff;
    let twelves = (halves & 0x00ff_f000_00ff_f000) << 4 | halves & 0x0000_0fff_0000_0fff;
    let sixes = (twelves & 0x0fc0_0fc0_0fc0_0fc0) << 2 | twelves & 0x003f_003f_003f_003f;
    (sixes + EACH * FIRST as u64).to_le_bytes()
}

/// How many bytes [`decode`] needs to write to. `None`: it is no such text.
#[inline(always)]
pub fn room(text: &[u8]) -> Option<usize> {
    let (_, letters) = parts(text)?;
    // It writes eight bytes at a time, of which six count.
    Some(letters.len() / LETTERS * BYTES + 2)
}

/// The number of bytes, and the letters.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
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
    let (pairs, last) = letters.as_chunks::<PAIR>();
    let mut wrong = 0;
    for (index, pair) in pairs.iter().enumerate() {
        let to = bytes.get_mut(index * 2 * BYTES..)?;
        wrong |= take_pair(pair, to.first_chunk_mut()?);
    }
    if let Some(last) = last.first_chunk() {
        let to = bytes.get_mut(pairs.len() * 2 * BYTES..)?;
        wrong |= take(last, to.first_chunk_mut()?);
    }
    if wrong != 0 {
        return None;
    }
    bytes.get(..length)
}

/// Eight letters as six bytes, and two more that do not count. What is not zero was no letter.
#[inline(always)]
fn take(letters: &[u8; LETTERS], to: &mut [u8; LETTERS]) -> u64 {
    // A letter below the first borrows from its neighbour, which shows in the two bits that are checked.
    let sixes = u64::from_le_bytes(*letters).wrapping_sub(EACH * FIRST as u64);
    let twelves = (sixes & 0x3f00_3f00_3f00_3f00) >> 2 | sixes & 0x003f_003f_003f_003f;
    let halves = (twelves & 0x0fff_0000_0fff_0000) >> 4 | twelves & 0x0000_0fff_0000_0fff;
    let whole = (halves & 0x00ff_ffff_0000_0000) >> 8 | halves & 0x00ff_ffff;
    *to = whole.to_le_bytes();
    sixes & (EACH * 0xc0)
}

/// The same with sixteen letters, in a third of the instructions.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn take_pair(letters: &[u8; PAIR], to: &mut [u8; BYTES + LETTERS]) -> u64 {
    use core::arch::x86_64::{
        _mm_and_si128, _mm_loadu_si128, _mm_madd_epi16, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8, _mm_set1_epi16, _mm_set1_epi32, _mm_set1_epi64x, _mm_slli_epi16,
        _mm_srli_epi16, _mm_srli_epi64, _mm_storeu_si128, _mm_sub_epi8,
    };
    let mut wholes = [0u64; 2];
    // SAFETY: every x86-64 has SSE2; sixteen bytes are read and sixteen written, at whatever address.
    let wrong = unsafe {
        let text = _mm_loadu_si128(letters.as_ptr().cast());
        let sixes = _mm_sub_epi8(text, _mm_set1_epi8(FIRST as i8));
        // The two upper bits of each, both where they are asked for.
        let lower = _mm_slli_epi16(_mm_and_si128(sixes, _mm_set1_epi8(0x40)), 1);
        let wrong = _mm_movemask_epi8(_mm_or_si128(sixes, lower));
        let odd = _mm_srli_epi16(_mm_and_si128(sixes, _mm_set1_epi16(0x3f00)), 2);
        let twelves = _mm_or_si128(odd, _mm_and_si128(sixes, _mm_set1_epi16(0x003f)));
        // The second of two counts 2^12 times as much.
        let halves = _mm_madd_epi16(twelves, _mm_set1_epi32(1 | 1 << 28));
        let upper = _mm_and_si128(halves, _mm_set1_epi64x(0x00ff_ffff_0000_0000));
        let lower = _mm_and_si128(halves, _mm_set1_epi64x(0x00ff_ffff));
        let whole = _mm_or_si128(_mm_srli_epi64(upper, 8), lower);
        _mm_storeu_si128(wholes.as_mut_ptr().cast(), whole);
        wrong
    };
    let [first, second] = wholes.map(u64::to_le_bytes);
    // The second over what does not count of the first.
    if let Some(to) = to.first_chunk_mut() {
        *to = first;
    }
    if let Some(to) = to.last_chunk_mut() {
        *to = second;
    }
    wrong as u64
}

/// The same with sixteen letters.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn take_pair(letters: &[u8; PAIR], to: &mut [u8; BYTES + LETTERS]) -> u64 {
    let mut wrong = 0;
    let (chunks, _) = letters.as_chunks::<LETTERS>();
    for (index, chunk) in chunks.iter().enumerate() {
        if let Some(to) = to
            .get_mut(index * BYTES..)
            .and_then(|to| to.first_chunk_mut())
        {
            wrong |= take(chunk, to);
        }
    }
    wrong
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
                let text = encode(b"", &bytes);
                assert!(text.iter().all(u8::is_ascii_graphic), "{text:?}");
                let mut to = vec![0xee; room(&text).unwrap()];
                assert_eq!(decode(&text, &mut to), Some(bytes.as_slice()));
            }
        }
    }

    #[test]
    fn what_is_no_such_text_is_refused() {
        let good = encode(b"", b"palisade");
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
