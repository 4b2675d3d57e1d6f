//! Where libc has the functions that we call, as the main process hands it on to its children: `PALISADE_LIBC`, a variable of their environment.
//!
//! To look a hundred and eighty names up is the larger half of what the constructor of a child would do, and all of them find the same. So the
//! main process notes how far into `libc.so.6` each function lies. A child believes it if its own libc is the same build and its own library
//! has the same table; what else stands behind this library, such as another preload, it looks through itself.

use alloc::vec::Vec;
use core::ops::Range;

use crate::hooks::around;
use crate::objects::Behind;
use crate::{sixbit, table};

/// Name of the variable.
pub const VARIABLE: &str = "PALISADE_LIBC";

/// What tells the builds apart, in front; then so many bytes for each function, the lowest first.
const KEY: usize = size_of::<u64>();
const EACH: usize = 3;
const COUNT: usize = table::COUNT + around::COUNT;

/// In bytes.
const LENGTH: usize = KEY + EACH * COUNT;

/// Of each function of [`table`], and then of those of [`around`]; 0 for what libc has not.
pub struct Offsets {
    /// Some more, which [`sixbit::decode`] writes to.
    bytes: [u8; LENGTH + 16],
}

impl Offsets {
    /// Reads what was handed on. `None`: it was for another libc, or for another build of this library.
    #[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
    pub fn read(text: &[u8], behind: &Behind) -> Option<Self> {
        let mut offsets = Self {
            bytes: [0; LENGTH + 16],
        };
        let bytes = sixbit::decode(text, &mut offsets.bytes)?;
        let is_ours = bytes.len() == LENGTH && bytes.starts_with(&key(behind)?);
        is_ours.then_some(offsets)
    }

    /// Those of the functions of [`table`].
    #[inline(always)]
    pub fn of_table(&self) -> impl Iterator<Item = u32> {
        self.places(0..table::COUNT)
    }

    /// Those of the functions of [`around`].
    #[inline(always)]
    pub fn of_around(&self) -> impl Iterator<Item = u32> {
        self.places(table::COUNT..COUNT)
    }

    #[inline(always)]
    fn places(&self, range: Range<usize>) -> impl Iterator<Item = u32> {
        let (_, behind) = self.bytes.split_at(KEY);
        let (offsets, _) = behind.as_chunks::<EACH>();
        let offsets = offsets.get(range).unwrap_or_default().iter();
        offsets.map(|[low, middle, high]| u32::from_le_bytes([*low, *middle, *high, 0]))
    }
}

/// The text that [`Offsets::read`] reads; `None` where a build of libc has no name, or is larger than there is room for.
pub fn hand_on(behind: &Behind) -> Option<Vec<u8>> {
    let mut bytes = key(behind)?.to_vec();
    for offset in table::in_libc(behind).chain(around::offsets(behind)) {
        let [low, middle, high, 0] = offset.to_le_bytes() else {
            return None;
        };
        bytes.extend([low, middle, high]);
    }
    Some(sixbit::encode(b"", &bytes))
}

/// What the offsets depend on: the names, and the build of libc.
fn key(behind: &Behind) -> Option<[u8; KEY]> {
    let build = behind.build();
    if build.is_empty() {
        return None;
    }
    let sum = build.iter().fold(table::IDENTITY, |sum, byte| {
        (sum ^ u64::from(*byte))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29)
    });
    Some(sum.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects;

    #[test]
    fn what_is_handed_on_is_where_libc_has_its_functions() {
        let mut room = objects::room::<{ objects::OBJECTS_MAX }>();
        let behind = Behind::now(&mut room);
        around::resolve_among(&behind, None);
        table::resolve(&behind, None);
        let text = hand_on(&behind).unwrap();
        let offsets = Offsets::read(&text, &behind).unwrap();
        let each: Vec<u32> = offsets.of_table().chain(offsets.of_around()).collect();
        assert_eq!(each.len(), COUNT);
        assert!(each.iter().filter(|offset| **offset != 0).count() > COUNT / 2);
        // The first of `around` is dlsym.
        let known = behind.in_libc(c"dlsym", Some(each[table::COUNT]));
        assert_eq!(known, objects::libc_symbol(c"dlsym"));
        assert!(!known.is_null());
    }

    #[test]
    fn what_another_libc_or_another_table_was_asked_for_is_not_believed() {
        let mut room = objects::room::<{ objects::OBJECTS_MAX }>();
        let behind = Behind::now(&mut room);
        let text = hand_on(&behind).unwrap();
        let letters = text.iter().position(|byte| *byte == b':').unwrap() + 1;
        for place in letters..letters + 10 {
            let mut other = text.clone();
            other[place] = if other[place] == b'0' { b'1' } else { b'0' };
            assert!(Offsets::read(&other, &behind).is_none(), "{place}");
        }
        for short in [&text[..text.len() - 1], &text[..letters], b"0:", b""] {
            assert!(Offsets::read(short, &behind).is_none());
        }
        assert!(Offsets::read(&sixbit::encode(b"", &[0; LENGTH - 3]), &behind).is_none());
    }
}
