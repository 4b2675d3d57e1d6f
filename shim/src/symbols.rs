//! The symbols of an object that is loaded, as elf(5) and the GNU hash section lay them out.

use core::ffi::{CStr, c_char, c_void};

/// A function, in the low half of a symbol's info.
const STT_FUNC: u8 = 2;
const STT_OBJECT: u8 = 1;

/// Elf64_Sym.
#[repr(C)]
struct Symbol {
    name: u32,
    info: u8,
    other: u8,
    section: u16,
    value: u64,
    size: u64,
}

/// The hash of the GNU hash section.
pub const fn hash(name: &[u8]) -> u32 {
    let mut hash = 5381u32;
    let mut rest = name;
    while let [first, tail @ ..] = rest {
        hash = hash.wrapping_mul(33).wrapping_add(*first as u32);
        rest = tail;
    }
    hash
}

/// Is the C string at `text` this one? By hand: two calls into libc for each of a hundred short names would cost more.
///
/// # Safety
/// `text` is a C string.
#[inline]
unsafe fn is(text: *const c_char, name: &CStr) -> bool {
    let mut at = text.cast::<u8>();
    for byte in name.to_bytes_with_nul() {
        // SAFETY: every byte so far was that of `name`, so the string goes on until its NUL has been compared.
        unsafe {
            if *at != *byte {
                return false;
            }
            at = at.add(1);
        }
    }
    true
}

/// The symbols of a loaded object.
#[derive(Clone, Copy)]
pub struct Symbols {
    base: usize,
    strings: *const c_char,
    symbols: *const Symbol,
    /// Null where the object knows no versions.
    versions: *const u16,
    table: *const u32,
}

impl Symbols {
    /// Those of the object that lies at `base`. `None` for one without a GNU hash section, such as an empty one.
    ///
    /// # Safety
    /// `entry` is the dynamic section of a loaded object.
    pub unsafe fn by(base: usize, mut entry: *const [i64; 2]) -> Option<Self> {
        const DT_STRTAB: i64 = 5;
        const DT_SYMTAB: i64 = 6;
        const DT_GNU_HASH: i64 = 0x6fff_fef5;
        const DT_VERSYM: i64 = 0x6fff_fff0;
        let (mut strings, mut symbols, mut versions, mut table) = (0, 0, 0, 0);
        loop {
            // SAFETY: the dynamic section of a loaded object ends in DT_NULL.
            let [tag, value] = unsafe { *entry };
            // glibc has relocated the addresses already; the vDSO's are left as they are.
            let address = if (value as usize) < base {
                base + value as usize
            } else {
                value as usize
            };
            match tag {
                0 => break,
                DT_STRTAB => strings = address,
                DT_SYMTAB => symbols = address,
                DT_VERSYM => versions = address,
                DT_GNU_HASH => table = address,
                _ => {}
            }
            // SAFETY: as above.
            entry = unsafe { entry.add(1) };
        }
        (strings != 0 && symbols != 0 && table != 0).then_some(Self {
            base,
            strings: strings as *const c_char,
            symbols: symbols as *const Symbol,
            versions: versions as *const u16,
            table: table as *const u32,
        })
    }

    /// The function that lies so far into it.
    pub fn at(&self, offset: u32) -> *mut c_void {
        (self.base + offset as usize) as *mut c_void
    }

    /// How far into it a function lies; `None` for one of another object.
    pub fn offset_of(&self, function: *const c_void) -> Option<u32> {
        let offset = (function as usize).checked_sub(self.base)?;
        u32::try_from(offset).ok()
    }

    /// Has it a reference to that name, which some other object is to satisfy? Those come before all that are hashed.
    pub fn asks_for(&self, name: &CStr) -> bool {
        // SAFETY: as in `find`; the second word is the index of the first symbol that is hashed.
        unsafe {
            let first = *self.table.add(1);
            (1..first).any(|index| {
                let symbol = &*self.symbols.add(index as usize);
                symbol.section == 0 && is(self.strings.add(symbol.name as usize), name)
            })
        }
    }

    /// The function of that name: in its default version, or in a hidden one if there is no other. glibc 2.34 has hidden the resolver's old
    /// names, which programs that were built before still ask for.
    #[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
    pub fn find(&self, name: &CStr, hash: u32) -> Option<*mut c_void> {
        /// A version that only explicit references get.
        const HIDDEN: u16 = 0x8000;
        // SAFETY: the sections of a loaded object, laid out as the GNU hash section is: four words, a Bloom filter of
        // 64-bit words, the buckets, and chains of hashes of which the lowest bit ends each.
        unsafe {
            let (buckets, first) = (*self.table, *self.table.add(1));
            let (filters, shift) = (*self.table.add(2), *self.table.add(3));
            if buckets == 0 || filters == 0 {
                return None;
            }
            let filter = self
                .table
                .add(4)
                .cast::<u64>()
                .add(((hash / 64) & (filters - 1)) as usize)
                .read_unaligned();
            if filter >> (hash % 64) & filter >> ((hash >> shift) % 64) & 1 == 0 {
                return None;
            }
            let bucket = self.table.add(4 + 2 * filters as usize);
            let chain = bucket.add(buckets as usize);
            let mut hidden = None;
            let mut index = *bucket.add((hash % buckets) as usize);
            if index < first {
                return None;
            }
            loop {
                let link = *chain.add((index - first) as usize);
                let symbol = &*self.symbols.add(index as usize);
                let is_default =
                    self.versions.is_null() || *self.versions.add(index as usize) & HIDDEN == 0;
                // A function or a variable that is there, and not a function that is chosen at run time (STT_GNU_IFUNC).
                if link | 1 == hash | 1
                    && symbol.section != 0
                    && matches!(symbol.info & 15, STT_FUNC | STT_OBJECT)
                    && is(self.strings.add(symbol.name as usize), name)
                {
                    let found = (self.base + symbol.value as usize) as *mut c_void;
                    if is_default {
                        return Some(found);
                    }
                    hidden = Some(found);
                }
                if link & 1 == 1 {
                    return hidden;
                }
                index += 1;
            }
        }
    }
}
