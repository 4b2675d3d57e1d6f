//! Patterns for files, against the crate whose language they are.
#![no_main]

use globset::{Glob, GlobBuilder};
use libfuzzer_sys::fuzz_target;
use palisade_policy::{Access, Context, File, Identity, Outcome, Platform, Reason, compile, parse};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

// Patterns, one a line, then an empty line, then names, one a line: a deny list, and what is judged by it.
fuzz_target!(|data: &[u8]| {
    let end = data
        .windows(2)
        .position(|w| w == b"\n\n")
        .unwrap_or(data.len());
    let (patterns, names) = data.split_at(end);
    let Ok(patterns) = std::str::from_utf8(patterns) else {
        return;
    };
    let patterns: Vec<&str> = patterns.lines().take(8).collect();
    let policy = serde_json::json!({
        "version": 1,
        "rules": [{ "filesystem": { "effect": "prevent", "deny": patterns } }],
    });
    let Ok(parsed) = parse(policy.to_string().as_bytes()) else {
        return;
    };
    let context = Context {
        identity: Identity::default(),
        platform: &Platform::default(),
        resolve: &|_| None,
        now: 0,
    };
    let compiled = compile(&parsed.policy, &context);
    let theirs: Vec<_> = patterns
        .iter()
        .map(|pattern| {
            theirs(pattern)
                .unwrap_or_else(|e| panic!("only ours takes it: {e}"))
                .compile_matcher()
        })
        .collect();
    for name in names
        .split(|b| *b == b'\n')
        .chain(patterns.iter().map(|p| p.as_bytes()))
        .take(32)
    {
        let verdict = compiled.decider().file(&File {
            path: name,
            alias: None,
            access: Access::Read,
        });
        let expected = theirs
            .iter()
            .any(|matcher| matcher.is_match(OsStr::from_bytes(name)));
        let shown = String::from_utf8_lossy(name);
        assert_eq!(
            verdict.outcome == Outcome::Prevent,
            expected,
            "{patterns:?} on {shown:?}: {verdict:?}"
        );
        if expected {
            assert_eq!(verdict.reason, Reason::Denied);
            // The entry that is named is one that matches.
            let named = patterns
                .iter()
                .position(|p| Some(*p) == verdict.pattern())
                .unwrap();
            assert!(
                theirs[named].is_match(OsStr::from_bytes(name)),
                "{:?} on {shown:?}",
                patterns[named]
            );
        }
    }
});

fn theirs(pattern: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
}
