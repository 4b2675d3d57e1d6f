//! Bytes as text for an environment: six bits a character, from `0` to `o`.
//!
//! Base64 has the same density, but its letters are in five ranges. These are in one, so that sixteen of them are checked and put together in
//! two dozen instructions: each child of a function does that with the whole policy. Half of what a compiled policy has is places of its tables
//! where nothing is, so twelve bytes that are zero have no letters: an exec copies less, and a child touches fewer pages.
//!
//! The text is the number of bytes, a colon, a bit for each twelve bytes that have letters (six of those in a letter, the first lowest), and
//! sixteen letters for each of them.

use alloc::string::ToString;
use alloc::vec::Vec;

/// The letter for no bits.
const FIRST: u8 = b'0';

/// How many bits a letter has.
const BITS: usize = 6;

/// One in each of eight letters.
const EACH: u64 = 0x0101_0101_0101_0101;

/// So many letters are put together at a time.
const LETTERS: usize = 8;

/// As many as are taken at a time.
const PAIR_BYTES: usize = 12;
const PAIR: usize = 2 * LETTERS;

/// `name`, and behind it the text of bytes. There is room for one character more.
pub fn encode(name: &[u8], bytes: &[u8]) -> Vec<u8> {
    let number = bytes.len().to_string();
    let (pairs, rest) = bytes.as_chunks::<PAIR_BYTES>();
    let mut last = [0; PAIR_BYTES];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let count = bytes.len().div_ceil(PAIR_BYTES);
    // A page that is written first is one that the kernel has to make: there is no copy of a long text.
    let marks = count.div_ceil(BITS);
    let mut text = Vec::with_capacity(name.len() + number.len() + 1 + marks + count * PAIR + 1);
    text.extend_from_slice(name);
    text.extend_from_slice(number.as_bytes());
    text.push(b':');
    let first_mark = text.len();
    text.resize(first_mark + marks, FIRST);
    for (index, pair) in pairs.iter().chain([&last]).enumerate() {
        if *pair == [0; PAIR_BYTES] {
            continue;
        }
        if let Some(mark) = text.get_mut(first_mark + index / BITS) {
            *mark += 1 << (index % BITS);
        }
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *pair;
        text.extend(letters(u64::from_le_bytes([a, b, c, d, e, f, 0, 0])));
        text.extend(letters(u64::from_le_bytes([g, h, i, j, k, l, 0, 0])));
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

/// How many bytes [`decode`] needs to write to: whole pairs. `None`: it is no such text.
#[inline(always)]
pub fn room(text: &[u8]) -> Option<usize> {
    let (length, ..) = parts(text)?;
    Some(length.next_multiple_of(PAIR_BYTES))
}

/// The number of bytes, the marks, and the letters. The number is no more than 72 for each mark.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
#[inline(never)]
fn parts(text: &[u8]) -> Option<(usize, &[u8], &[u8])> {
    let colon = text.iter().take(20).position(|byte| *byte == b':')?;
    let length = usize::try_from(crate::settings::number(text.get(..colon)?)?).ok()?;
    let marks = length.div_ceil(PAIR_BYTES).div_ceil(BITS);
    let (marks, letters) = text.get(colon + 1..)?.split_at_checked(marks)?;
    Some((length, marks, letters))
}

/// The bytes that [`encode`] was given, in `bytes`.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
pub fn decode<'b>(text: &[u8], bytes: &'b mut [u8]) -> Option<&'b [u8]> {
    let (length, marks, letters) = parts(text)?;
    let room = bytes.get_mut(..length.next_multiple_of(PAIR_BYTES))?;
    let (places, _) = room.as_chunks_mut::<PAIR_BYTES>();
    let (pairs, rest) = letters.as_chunks::<PAIR>();
    let mut pairs = pairs.iter();
    let mut wrong = 0;
    for (mark, places) in marks.iter().zip(places.chunks_mut(BITS)) {
        let mut marked = mark.wrapping_sub(FIRST);
        for place in places {
            if marked & 1 == 0 {
                *place = [0; PAIR_BYTES];
            } else {
                wrong |= take_pair(pairs.next()?, place);
            }
            marked >>= 1;
        }
        // More than are there, or than a letter has.
        wrong |= u64::from(marked);
    }
    if wrong != 0 || !pairs.as_slice().is_empty() || !rest.is_empty() {
        return None;
    }
    bytes.get(..length)
}

/// Sixteen letters as twelve bytes; in a third of the instructions that eight at a time take. What is not zero was no letter.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn take_pair(letters: &[u8; PAIR], to: &mut [u8; PAIR_BYTES]) -> u64 {
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
    put(wholes, to);
    wrong as u64
}

/// Sixteen letters as twelve bytes. What is not zero was no letter.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn take_pair(letters: &[u8; PAIR], to: &mut [u8; PAIR_BYTES]) -> u64 {
    let (mut wholes, mut wrong) = ([0; 2], 0);
    let (eights, _) = letters.as_chunks::<LETTERS>();
    for (whole, letters) in wholes.iter_mut().zip(eights) {
        // A letter below the first borrows from its neighbour, which shows in the two bits that are checked.
        let sixes = u64::from_le_bytes(*letters).wrapping_sub(EACH * FIRST as u64);
        let twelves = (sixes & 0x3f00_3f00_3f00_3f00) >> 2 | sixes & 0x003f_003f_003f_003f;
        let halves = (twelves & 0x0fff_0000_0fff_0000) >> 4 | twelves & 0x0000_0fff_0000_0fff;
        *whole = (halves & 0x00ff_ffff_0000_0000) >> 8 | halves & 0x00ff_ffff;
        wrong |= sixes & (EACH * 0xc0);
    }
    put(wholes, to);
    wrong
}

/// Twice six bytes, one behind the other.
#[inline(always)]
fn put([first, second]: [u64; 2], to: &mut [u8; PAIR_BYTES]) {
    if let Some((front, back)) = to.split_first_chunk_mut() {
        *front = (first | second << 48).to_le_bytes();
        back.copy_from_slice(&((second >> 16) as u32).to_le_bytes());
    }
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
    fn what_is_zero_has_no_letters() {
        for length in 0..=200usize {
            for one in 0..=length {
                let mut bytes = vec![0; length];
                if let Some(byte) = bytes.get_mut(one) {
                    *byte = 0xff;
                }
                let text = encode(b"A=", &bytes).split_off(2);
                let letters = if one < length { PAIR } else { 0 };
                let marks = length.div_ceil(PAIR_BYTES).div_ceil(BITS);
                assert_eq!(text.len(), length.to_string().len() + 1 + marks + letters);
                let mut to = vec![0xee; room(&text).unwrap()];
                assert_eq!(decode(&text, &mut to), Some(bytes.as_slice()));
            }
        }
    }

    #[test]
    fn what_is_marked_has_to_be_there_and_nothing_else() {
        // Two pairs, of which the second is there.
        let good = encode(b"", &[[0; 12], [1; 12]].concat());
        let mut to = [0; 64];
        assert_eq!(decode(&good, &mut to).map(<[u8]>::len), Some(24));
        let mark = good.iter().position(|byte| *byte == b':').unwrap() + 1;
        assert_eq!(good[mark], FIRST + 2);
        // Both, neither, one that is none of the two, and more than a letter has.
        for other in [
            FIRST + 3,
            FIRST,
            FIRST + 4,
            FIRST + 64,
            FIRST + 128,
            FIRST - 1,
        ] {
            let mut text = good.clone();
            text[mark] = other;
            assert_eq!(decode(&text, &mut to), None, "{other}");
        }
        for more in [&good[good.len() - PAIR..], b"0"] {
            assert_eq!(decode(&[&good, more].concat(), &mut to), None);
        }
        let vast = [b"999999999999999999:".as_slice(), &[FIRST; 99]].concat();
        assert_eq!(room(&vast), None);
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
