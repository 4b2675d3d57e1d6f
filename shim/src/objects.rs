//! The objects that the loader has put into this process (dl_iterate_phdr(3)), and symbols in them.
//!
//! Whoever exports `dlsym` cannot ask `dlsym` for the real one: a reference to it, versioned or not, leads back to the own
//! symbol. So the symbol table of libc is read here, as elf(5) and the GNU hash section lay it out. No allocation: a malloc replacement may
//! ask for `dlsym` before our constructor has run.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

use libc::dl_phdr_info;

/// Shared objects of the C library. Before glibc 2.34 threads, names and the loader's interface have their own.
const LIBC: [&[u8]; 4] = [
    b"libc.so.6",
    b"libpthread.so.0",
    b"libdl.so.2",
    b"libresolv.so.2",
];

/// The addresses of each object of [`LIBC`], once the constructor has noted them.
static RANGES: [[AtomicUsize; 2]; LIBC.len()] =
    [const { [const { AtomicUsize::new(0) }; 2] }; LIBC.len()];

/// Is the address in the C library?
pub fn is_libc(address: *const c_void) -> bool {
    let address = address as usize;
    RANGES.iter().any(|[start, end]| {
        start.load(Ordering::Relaxed) <= address && address < end.load(Ordering::Relaxed)
    })
}

/// Notes where the C library is. For the constructor.
pub fn note() {
    each(&mut |object, which| {
        if let Some([start, end]) = RANGES.get(which) {
            let range = object.addresses();
            start.store(range.start, Ordering::Relaxed);
            end.store(range.end, Ordering::Relaxed);
        }
    });
}

/// The function of that name in the C library, in its default version; null if it has none.
pub fn libc_symbol(name: &CStr) -> *mut c_void {
    let mut found: *mut c_void = core::ptr::null_mut();
    each(&mut |object, _| {
        if found.is_null() {
            found = object.symbol(name).unwrap_or(core::ptr::null_mut());
        }
    });
    found
}

struct Object<'a>(&'a dl_phdr_info);

/// Calls `visit` with each loaded object of the C library.
fn each(visit: &mut dyn FnMut(Object<'_>, usize)) {
    unsafe extern "C" fn step(info: *mut dl_phdr_info, _: usize, visit: *mut c_void) -> c_int {
        // SAFETY: the loader's info, and the reference that `each` passed.
        let (info, visit) = unsafe {
            (
                &*info,
                &mut *visit.cast::<&mut dyn FnMut(Object<'_>, usize)>(),
            )
        };
        if !info.dlpi_name.is_null() {
            // SAFETY: a C string of the loader.
            let path = unsafe { CStr::from_ptr(info.dlpi_name) }.to_bytes();
            let base = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            if let Some(which) = LIBC.iter().position(|name| *name == base) {
                visit(Object(info), which);
            }
        }
        0
    }
    let mut visit = visit;
    // SAFETY: `step` only uses the pointer during the call.
    unsafe { libc::dl_iterate_phdr(Some(step), (&raw mut visit).cast()) };
}

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

impl Object<'_> {
    fn headers(&self) -> &[libc::Elf64_Phdr] {
        // SAFETY: the loader gives so many program headers.
        unsafe { core::slice::from_raw_parts(self.0.dlpi_phdr, self.0.dlpi_phnum.into()) }
    }

    fn addresses(&self) -> Range<usize> {
        let base = self.0.dlpi_addr as usize;
        let loads = self
            .headers()
            .iter()
            .filter(|header| header.p_type == libc::PT_LOAD);
        let end = loads
            .map(|header| header.p_vaddr + header.p_memsz)
            .max()
            .unwrap_or(0);
        base..base + end as usize
    }

    /// An entry of the dynamic section, as an address: glibc has relocated it already.
    fn dynamic(&self, tag: i64) -> Option<usize> {
        let header = self
            .headers()
            .iter()
            .find(|header| header.p_type == libc::PT_DYNAMIC)?;
        let mut entry = (self.0.dlpi_addr + header.p_vaddr) as *const [i64; 2];
        loop {
            // SAFETY: the dynamic section of a loaded object ends in DT_NULL.
            let [found, value] = unsafe { *entry };
            if found == tag {
                let value = value as usize;
                let base = self.0.dlpi_addr as usize;
                return Some(if value < base { base + value } else { value });
            }
            if found == 0 {
                return None;
            }
            // SAFETY: as above.
            entry = unsafe { entry.add(1) };
        }
    }

    /// Looks a name up in the GNU hash table; only a default version counts.
    fn symbol(&self, name: &CStr) -> Option<*mut c_void> {
        const DT_STRTAB: i64 = 5;
        const DT_SYMTAB: i64 = 6;
        const DT_GNU_HASH: i64 = 0x6fff_fef5;
        const DT_VERSYM: i64 = 0x6fff_fff0;
        /// A version that only explicit references get.
        const HIDDEN: u16 = 0x8000;
        let strings = self.dynamic(DT_STRTAB)? as *const c_char;
        let symbols = self.dynamic(DT_SYMTAB)? as *const Symbol;
        let versions = self.dynamic(DT_VERSYM)? as *const u16;
        let table = self.dynamic(DT_GNU_HASH)? as *const u32;
        let hash = name.to_bytes().iter().fold(5381u32, |h, byte| {
            h.wrapping_mul(33).wrapping_add(u32::from(*byte))
        });
        // SAFETY: the sections of a loaded object, laid out as the GNU hash section is: four words, a Bloom filter of
        // 64-bit words, the buckets, and chains of hashes of which the lowest bit ends each.
        unsafe {
            let (buckets, first, filter) = (*table, *table.add(1), *table.add(2));
            let bucket = table.add(4 + 2 * filter as usize);
            let chain = bucket.add(buckets as usize);
            let mut index = *bucket.add((hash % buckets) as usize);
            if index < first {
                return None;
            }
            loop {
                let link = *chain.add((index - first) as usize);
                let symbol = &*symbols.add(index as usize);
                let is_it = link | 1 == hash | 1
                    && CStr::from_ptr(strings.add(symbol.name as usize)) == name
                    && symbol.section != 0
                    && *versions.add(index as usize) & HIDDEN == 0;
                if is_it {
                    return Some((self.0.dlpi_addr + symbol.value) as *mut c_void);
                }
                if link & 1 == 1 {
                    return None;
                }
                index += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libc_has_dlsym_where_dlsym_says() {
        // SAFETY: C strings.
        let known = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"dlsym".as_ptr()) };
        assert!(!known.is_null());
        assert_eq!(libc_symbol(c"dlsym"), known);
        assert!(libc_symbol(c"no_such_function").is_null());
    }

    #[test]
    fn addresses_of_libc_are_told_from_others() {
        note();
        assert!(is_libc(libc_symbol(c"open")));
        assert!(!is_libc(
            addresses_of_libc_are_told_from_others as *const c_void
        ));
    }
}
