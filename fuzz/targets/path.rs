//! Names of files, against a model that is simple and slow.
#![no_main]

#[allow(dead_code, reason = "the library uses all of it, this target a part")]
#[path = "../../shim/src/path/mod.rs"]
mod path;

/// What `path` needs of the shim's system calls, none of which is made here.
mod sys {
    use core::ffi::{c_char, c_int};
    use core::mem::MaybeUninit;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Errno(pub c_int);

    pub unsafe fn readlinkat(
        _: c_int,
        _: *const c_char,
        _: &mut [MaybeUninit<u8>],
    ) -> Result<usize, Errno> {
        Err(Errno(libc::ENOSYS))
    }

    pub fn getcwd(_: &mut [MaybeUninit<u8>]) -> Result<usize, Errno> {
        Err(Errno(libc::ENOSYS))
    }
}

use libfuzzer_sys::fuzz_target;
use path::{Name, PATH_MAX, is_plain, proc_alias, split_last};

fuzz_target!(|input: (u32, &[u8], &[u8])| {
    let (own, base, name) = input;
    // A name ends where its C string does.
    let [base, name] = [base, name].map(|bytes| bytes.split(|b| *b == 0).next().unwrap());
    plain(name);
    last(name);
    alias(name, own);
    // A base is what the kernel gave: absolute, and nothing to take out.
    if base.is_empty() || is_plain(base) {
        components(base, name);
    }
});

/// The components that are left when `.`, `..` and empty ones are taken out.
fn model<'a>(base: &'a [u8], name: &'a [u8]) -> Vec<&'a [u8]> {
    let mut whole: Vec<&[u8]> = Vec::new();
    let parts = base.split(|b| *b == b'/').chain(name.split(|b| *b == b'/'));
    for part in parts {
        match part {
            b"" | b"." => {}
            b".." => {
                whole.pop();
            }
            _ => whole.push(part),
        }
    }
    whole
}

fn written(components: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::new();
    for component in components {
        text.push(b'/');
        text.extend_from_slice(component);
    }
    if text.is_empty() {
        text.push(b'/');
    }
    text
}

fn components(base: &[u8], name: &[u8]) {
    let mut whole = Name::new();
    whole.push(base).unwrap();
    match whole.push_components(name) {
        Ok(()) => assert_eq!(whole.as_bytes(), written(&model(base, name))),
        // It may have been too long on the way.
        Err(_) => assert!(base.len() + name.len() + 2 >= PATH_MAX),
    }
    assert!(whole.as_bytes().len() < PATH_MAX);
}

fn plain(name: &[u8]) {
    let expected =
        name.first() == Some(&b'/') && name.len() < PATH_MAX && written(&model(b"", name)) == name;
    assert_eq!(is_plain(name), expected);
}

fn last(name: &[u8]) {
    let expected = name.rsplit(|b| *b == b'/').next().unwrap();
    match split_last(name) {
        None => assert!([&b""[..], b".", b".."].contains(&expected)),
        Some((parent, last)) => {
            assert_eq!(last, expected);
            assert_eq!([parent, last].concat(), name);
            assert!(![&b""[..], b".", b".."].contains(&last));
        }
    }
}

/// `/proc/<pid>[/task/<thread>]/<what>`: without the thread, and `self` where the process is our own.
fn alias(name: &[u8], own: u32) {
    for own in [own, 7] {
        let mut out = Name::new();
        let found = proc_alias(name, own, &mut out).map(<[u8]>::to_vec);
        assert_eq!(found, expected_alias(name, own));
    }
}

fn expected_alias(name: &[u8], own: u32) -> Option<Vec<u8>> {
    let parts: Vec<&[u8]> = name.split(|b| *b == b'/').collect();
    let [b"", b"proc", pid, rest @ ..] = &parts[..] else {
        return None;
    };
    if rest.is_empty() || pid.is_empty() || !pid.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let is_own = *pid == own.to_string().as_bytes();
    let (rest, of_thread) = match rest {
        [b"task", _thread, more @ ..] if !more.is_empty() => (more, true),
        _ => (rest, false),
    };
    let pid = if is_own { b"self" } else { *pid };
    let named = [&[b"", b"proc".as_slice(), pid], rest].concat();
    let named = named.join(&b'/');
    ((is_own || of_thread) && named.len() < PATH_MAX).then_some(named)
}
