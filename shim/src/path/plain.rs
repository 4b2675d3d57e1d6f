//! Is a name as it stands what it means? Asked of nearly every name that is judged.

#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::__m128i;

use super::PATH_MAX;

/// A name that is absolute and has no component to take out: its bytes are its meaning, links aside.
pub fn is_plain(path: &[u8]) -> bool {
    if path.first() != Some(&b'/') || path.len() >= PATH_MAX {
        return false;
    }
    // Without a slash before a slash or a dot, it can only be the end that is not plain.
    if has_odd_pair(path) {
        return has_plain_components(path);
    }
    path.len() == 1 || path.last() != Some(&b'/')
}

/// The same, one component after the other. Apart, for few names have a component that begins with a dot.
#[cold]
#[inline(never)]
fn has_plain_components(path: &[u8]) -> bool {
    let mut rest = path;
    // Each component begins behind a slash; an empty one, `.` and `..` are what a plain name lacks.
    while let Some((b'/', tail)) = rest.split_first() {
        match tail {
            [] => return path.len() == 1,
            [b'/', ..] | [b'.'] | [b'.', b'/', ..] | [b'.', b'.'] | [b'.', b'.', b'/', ..] => {
                return false;
            }
            _ => {}
        }
        let next = tail
            .iter()
            .position(|byte| *byte == b'/')
            .unwrap_or(tail.len());
        rest = tail.get(next..).unwrap_or_default();
    }
    true
}

/// Does a slash or a dot follow a slash anywhere? Many places at a time: each byte beside the one behind it.
#[inline(always)]
fn has_odd_pair(path: &[u8]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if path.len() > 16 {
        return has_odd_pair_among_16(path);
    }
    has_odd_pair_among_8(path)
}

/// Apart, for on x86-64 only short names come here.
#[inline(never)]
fn has_odd_pair_among_8(path: &[u8]) -> bool {
    /// A word of eight of a byte.
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let mut odd = 0;
    let is_long = each_pair(path, |front, behind| {
        let slashes = u64::from_le_bytes(*front) ^ each(b'/');
        // A slash is a dot with the lowest bit set.
        let marks = (u64::from_le_bytes(*behind) | each(1)) ^ each(b'/');
        let both = slashes | marks;
        // Not 0 if and only if one of the bytes is.
        odd |= both.wrapping_sub(each(1)) & !both & each(0x80);
    });
    if is_long {
        return odd != 0;
    }
    path.windows(2)
        .any(|pair| matches!(pair, [b'/', b'/' | b'.']))
}

/// The same in a third of the instructions, of a name of more than sixteen bytes.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn has_odd_pair_among_16(path: &[u8]) -> bool {
    use core::arch::x86_64::{
        _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
        _mm_setzero_si128,
    };
    let [slash, dot] = [b'/', b'.'].map(each_of_16);
    // SAFETY: every x86-64 has SSE2; sixteen bytes are read, at whatever address.
    unsafe {
        let mut odd = _mm_setzero_si128();
        each_pair(path, |front: &[u8; 16], behind: &[u8; 16]| {
            let front = _mm_loadu_si128(front.as_ptr().cast());
            let behind = _mm_loadu_si128(behind.as_ptr().cast());
            let marks = _mm_or_si128(_mm_cmpeq_epi8(behind, slash), _mm_cmpeq_epi8(behind, dot));
            let both = _mm_and_si128(_mm_cmpeq_epi8(front, slash), marks);
            odd = _mm_or_si128(odd, both);
        });
        _mm_movemask_epi8(odd) != 0
    }
}

/// Calls `look` with so many bytes of the name at a time and with those that stand one place behind them, the last of them with bytes that it has seen.
/// `false`: there are fewer.
#[inline(always)]
fn each_pair<const AT_A_TIME: usize>(
    path: &[u8],
    mut look: impl FnMut(&[u8; AT_A_TIME], &[u8; AT_A_TIME]),
) -> bool {
    let Some(last) = path.len().checked_sub(AT_A_TIME + 1) else {
        return false;
    };
    let mut at = 0;
    loop {
        // SAFETY: so many bytes and one more begin there, for it is not behind the last place where they do.
        unsafe {
            let place = path.as_ptr().add(at);
            look(&*place.cast(), &*place.add(1).cast());
        }
        if at == last {
            return true;
        }
        at = (at + AT_A_TIME).min(last);
    }
}

/// Sixteen of a byte. The compiler would keep them in memory, in a line of the caches that nothing else is read from.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn each_of_16(byte: u8) -> __m128i {
    let each;
    // SAFETY: every x86-64 has SSE2; two registers.
    unsafe {
        core::arch::asm!(
            "movd {each}, {word:e}",
            "pshufd {each}, {each}, 0",
            each = out(xmm_reg) each,
            word = in(reg) u32::from_ne_bytes([byte; 4]),
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    each
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_have_nothing_to_take_out() {
        for plain in ["/", "/a", "/a/b.c", "/a/..b", "/a/...", "/.a/b"] {
            assert!(is_plain(plain.as_bytes()), "{plain}");
        }
        for other in [
            "", "a", "./a", "//", "/a//b", "/a/", "/.", "/..", "/a/.", "/a/..", "/a/./b", "/a/../b",
        ] {
            assert!(!is_plain(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_pair_is_found_wherever_it_stands_and_nothing_else_is() {
        for length in 0..52 {
            for filler in [b'a', b'.', b'0', 0x2e ^ 0x80, 0x2f ^ 0x80, 0xff, 0] {
                let plain = vec![filler; length];
                assert!(!has_odd_pair(&plain), "{plain:?}");
                for at in 0..length {
                    for next in [b'/', b'.', b'-', b'0', b'a', 0xae, 0xaf] {
                        let mut path = plain.clone();
                        path[at] = b'/';
                        if let Some(behind) = path.get_mut(at + 1) {
                            *behind = next;
                        }
                        let is_odd = path
                            .windows(2)
                            .any(|pair| matches!(pair, [b'/', b'/' | b'.']));
                        assert_eq!(has_odd_pair(&path), is_odd, "{path:?}");
                    }
                }
            }
        }
    }
}
