//! Globs against `globset`, whose language they are.

use super::{Shape, compile, escape, ops};
use crate::blob::{Space, access, list, state};
use crate::builder::Builder;
use crate::decide::Decider;
use crate::event::{Access, File, Reason, Section};
use globset::GlobBuilder;
use proptest::prelude::*;
use std::os::unix::ffi::OsStrExt as _;

/// A blob whose only entries are these patterns, in `filesystem.deny`.
fn deny(patterns: &[&str]) -> Result<Vec<u8>, super::BadGlob> {
    let mut out = Builder::default();
    for _ in 0..crate::blob::setting::COUNT {
        out.entry(&["setting"], None, "");
    }
    for pattern in patterns {
        let entry = out.entry(&["deny"], None, pattern);
        for alternative in compile(pattern)? {
            for shape in ops::shapes(&alternative, false) {
                out.shape(Space::File, &shape, list::DENY, access::BOTH, entry);
            }
        }
    }
    out.sections[Section::Filesystem as usize] = state::PREVENT;
    Ok(out.finish())
}

fn hit(bytes: &[u8], path: &[u8]) -> Option<String> {
    let decider = Decider::from_bytes(bytes).unwrap();
    let verdict = decider.file(&File {
        path,
        alias: None,
        access: Access::Read,
    });
    match verdict.reason {
        Reason::Denied => verdict.pattern().map(str::to_owned),
        Reason::Unrestricted => None,
        other => panic!("{other:?}"),
    }
}

fn ours(pattern: &str, path: &[u8]) -> bool {
    hit(&deny(&[pattern]).unwrap(), path).is_some()
}

fn theirs(pattern: &str) -> Result<globset::GlobMatcher, globset::Error> {
    Ok(GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()?
        .compile_matcher())
}

fn globset_matches(matcher: &globset::GlobMatcher, path: &[u8]) -> bool {
    matcher.is_match(std::ffi::OsStr::from_bytes(path))
}

macro_rules! table {
    ($name:ident, $expected:expr, $($pattern:expr => $path:expr),+ $(,)?) => {
        #[test]
        fn $name() {
            $(
                let (pattern, path): (&str, &[u8]) = ($pattern, $path.as_ref());
                let shown = String::from_utf8_lossy(path);
                assert_eq!(globset_matches(&theirs(pattern).unwrap(), path), $expected, "globset: {pattern} on {shown}");
                assert_eq!(ours(pattern, path), $expected, "{pattern} on {shown}");
            )+
        }
    };
}

table! { a_pattern_matches, true,
    "/etc/passwd" => "/etc/passwd",
    "/" => "/",
    "/*" => "/a",
    "/*" => "/",
    "/etc/*" => "/etc/passwd",
    "/etc/*" => "/etc/",
    "/etc/*.conf" => "/etc/host.conf",
    "/etc/*.conf" => "/etc/.conf",
    "/etc/h*t.c*f" => "/etc/host.conf",
    "/proc/*/environ" => "/proc/1/environ",
    "/proc/*/environ" => "/proc//environ",
    "/etc/?" => "/etc/x",
    "/etc/??" => "/etc/é",
    "/etc/?" => b"/etc/\xff",
    "/etc/**" => "/etc/a/b/c",
    "/etc/**" => "/etc/",
    "/etc/**" => "/etc/a\nb",
    "/**" => "/",
    "/**" => "/a/b",
    "**" => "",
    "**" => "/",
    "**" => "a/b\n",
    "**/x" => "x",
    "**/x" => "/x",
    "**/x" => "/a/b/x",
    "**/*.so" => "/lib/a.so",
    "**/*.so" => ".so",
    "**/*a/b" => "/x/ya/b",
    "**/**/x" => "/a/x",
    "/**/x" => "/x",
    "/**/x" => "/a/b/x",
    "/a/**/b" => "/a/b",
    "/a/**/b" => "/a/x/y/b",
    "/a/**/**/b" => "/a/x/b",
    "/a/**/b*/c" => "/a/b/x/b1/c",
    "/a/*/**" => "/a/b/",
    "/a/*/**" => "/a/b/c/d",
    "/x/[abc]" => "/x/b",
    "/x/[a-cx-z]" => "/x/y",
    "/x/[!a-c]" => "/x/d",
    "/x/[^a-c]" => "/x/d",
    "/x/[]]" => "/x/]",
    "/x/[!]]" => "/x/a",
    "/x/[-a]" => "/x/-",
    "/x/[a-]" => "/x/-",
    "/x/[!a]y" => "/x//y",
    "/{bin,usr/bin}/sh" => "/usr/bin/sh",
    "/{bin,usr/bin}/sh" => "/bin/sh",
    "/{a,b{c,d}}/x" => "/bd/x",
    "{/a,/b}/**" => "/b/c",
    "/x{/**,y}" => "/x/a/b",
    "/x/{**/a,b}" => "/x/p/q/a",
    "{**/a,/b}" => "/q/a",
    "/a,b" => "/a,b",
    "/\\*" => "/*",
    "/\\{a\\}" => "/{a}",
    "/\\[a]" => "/[a]",
    "/a\\b" => "/ab",
    "/a**b" => "/axxb",
    "/é*" => "/éa",
    "/*/*/c" => "/a/b/c",
    "/a*a*a*a*a*a*a*a*b" => "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
}

table! { a_pattern_does_not_match, false,
    "/etc/passwd" => "/etc/passwd2",
    "/etc/passwd" => "/ETC/passwd",
    "/etc/passwd" => "etc/passwd",
    "/etc/*" => "/etc",
    "/etc/*" => "/etc/a/b",
    "/etc/?" => "/etc/",
    "/etc/?" => "/etc//",
    "/etc/?" => "/etc/é",
    "/etc/**" => "/etc",
    "/etc/**" => "/etcetera/x",
    "**/x" => "/ax",
    "**/x" => "/x/y",
    "**/*.so" => "/lib/a.so.1",
    "/**/x" => "x",
    "/a/**/b" => "/ab",
    "/a/**/b" => "/a/xb",
    "/a/**b" => "/a/x/b",
    "/a**" => "/a/b",
    "/proc/*/environ" => "/proc/1/task/1/environ",
    "/x/[abc]" => "/x/d",
    "/x/[!a-c]" => "/x/b",
    "/x/[a-c]" => "/x/",
    "/{bin,sbin}/sh" => "/usr/bin/sh",
    "/\\*" => "/a",
    "/a*a*a*a*a*a*a*a*b" => "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
}

#[test]
fn a_bad_pattern_is_refused() {
    for pattern in [
        "", "/[a", "/[]", "/{a", "/a}", "/[z-a]", "/a\\", "/a\0", "/{a,}", "/{,a}", "/{}", "/[é]",
        "/[à-é]",
    ] {
        assert!(compile(pattern).is_err(), "{pattern}");
    }
    assert!(compile(&"{a,b}".repeat(9)).is_ok());
    assert!(compile(&"{a,b}".repeat(10)).is_err(), "1,024 alternatives");
    assert!(compile(&"{a,b}".repeat(2000)).is_err());
    assert!(compile(&"{".repeat(4000)).is_err());
    assert!(compile(&"[a]".repeat(200)).is_ok());
    assert!(compile(&"[a]".repeat(201)).is_err());
    assert!(compile(&format!("/{}", "a".repeat(4096))).is_err());
    assert!(compile(&format!("/*{}?", "a".repeat(1100))).is_err());
    assert!(compile(&format!("/*{}?", "a".repeat(1000))).is_ok());
}

#[test]
fn escaping_makes_any_text_match_itself_only() {
    for text in ["/a*b", "/[x]", "/{a,b}", "/\\", "/?", "/plain"] {
        assert!(ours(&escape(text), text.as_bytes()), "{text}");
    }
    assert!(!ours(&escape("/a*b"), b"/axb"));
}

#[test]
fn common_patterns_need_no_program() {
    for pattern in [
        "/etc/passwd",
        "/etc/**",
        "**/id_rsa",
        "**/*.pem",
        "**",
        "/**",
    ] {
        for alternative in compile(pattern).unwrap() {
            for shape in ops::shapes(&alternative, false) {
                assert!(!matches!(shape, Shape::Wild { .. }), "{pattern}: {shape:?}");
            }
        }
    }
}

#[test]
fn the_first_pattern_that_matches_is_the_one_named() {
    let patterns = ["/nothing", "/a/*", "/a/b", "**/b", "/a/**"];
    assert_eq!(
        hit(&deny(&patterns).unwrap(), b"/a/b").as_deref(),
        Some("/a/*")
    );
    assert_eq!(
        hit(&deny(&patterns).unwrap(), b"/c/b").as_deref(),
        Some("**/b")
    );
    assert_eq!(
        hit(&deny(&patterns).unwrap(), b"/a/c/d").as_deref(),
        Some("/a/**")
    );
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => Just("/"), 3 => Just("a"), 2 => Just("b"), 1 => Just("ab"), 1 => Just("."), 1 => Just("é"),
        3 => Just("*"), 3 => Just("**"), 1 => Just("?"), 2 => Just("/**/"), 1 => Just("**/"), 1 => Just("/**"),
        1 => Just("[ab]"), 1 => Just("[!a]"), 1 => Just("[^/]"), 1 => Just("[a-c-]"), 1 => Just("["), 1 => Just("]"),
        1 => Just("{a,b}"), 1 => Just("{a/,**/b}"), 1 => Just("{/**,b}"), 1 => Just("{**,a}"), 1 => Just("{a,{b,/*}}"),
        1 => Just("{"), 1 => Just("}"), 1 => Just(","), 1 => Just("\\*"), 1 => Just("\\"), 1 => Just("!"),
    ]
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let part: BoxedStrategy<&'static [u8]> = prop_oneof![
        4 => Just(b"/".as_slice()), 4 => Just(b"a".as_slice()), 3 => Just(b"b".as_slice()), 1 => Just(b"c".as_slice()),
        1 => Just(b".".as_slice()), 1 => Just("é".as_bytes()), 1 => Just(b"*".as_slice()), 1 => Just(b"\n".as_slice()),
        1 => Just(b"\xff".as_slice()), 1 => Just(b"-".as_slice()), 1 => Just(b",".as_slice()),
    ]
    .boxed();
    prop::collection::vec(part, 0..9).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pattern_means_what_globset_takes_it_for(
        pieces in prop::collection::vec(piece(), 1..9), absolute in any::<bool>(), names in prop::collection::vec(name(), 1..12),
    ) {
        let pattern = format!("{}{}", if absolute { "/" } else { "" }, pieces.concat());
        match (deny(&[&pattern]), theirs(&pattern)) {
            (Ok(blob), Ok(matcher)) => {
                for name in &names {
                    for name in [name.clone(), [b"/".as_slice(), name].concat()] {
                        prop_assert_eq!(hit(&blob, &name).is_some(), globset_matches(&matcher, &name),
                            "{} on {:?}", pattern, String::from_utf8_lossy(&name));
                    }
                }
            }
            (Err(_), Err(_)) => {}
            (Ok(_), Err(error)) => prop_assert!(false, "{}: globset says {}", pattern, error),
            (Err(bad), Ok(_)) => {
                let stricter = bad.message.contains("alternative in the braces is empty") || bad.message.contains("several");
                prop_assert!(stricter, "{}: {:?}", pattern, bad);
            }
        }
    }

    #[test]
    fn many_patterns_at_once_are_the_same_as_each_alone(
        patterns in prop::collection::vec(prop::collection::vec(piece(), 1..6), 1..20), names in prop::collection::vec(name(), 1..12),
    ) {
        let patterns: Vec<String> =
            patterns.iter().map(|p| format!("/{}", p.concat())).filter(|p| compile(p).is_ok()).collect();
        let texts: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let all = deny(&texts).unwrap();
        for name in &names {
            let name = [b"/".as_slice(), name].concat();
            let first = texts.iter().find(|p| ours(p, &name)).map(|p| (*p).to_owned());
            prop_assert_eq!(hit(&all, &name), first);
        }
    }
}
