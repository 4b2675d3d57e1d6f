//! The compiled policy that a child finds in its environment: whatever the bytes are, every question ends.
#![no_main]

#[path = "common/mod.rs"]
mod common;

use libfuzzer_sys::fuzz_target;
use palisade_policy::{Context, Decider, Identity, Platform, compile, parse};
use std::sync::LazyLock;

static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let parsed = parse(include_bytes!("../corpus/policy/rich.json")).unwrap();
    let context = Context {
        identity: Identity::default(),
        platform: &Platform::default(),
        resolve: &|_| None,
        now: 0,
    };
    compile(&parsed.policy, &context).into_bytes()
});

// The name that is asked about, and what is changed in good bytes: a place (two bytes) and a byte, as often as there is more.
fuzz_target!(|input: (&[u8], u32, Vec<(u16, u8)>)| {
    let (name, number, damage) = input;
    let mut bytes = GOOD.clone();
    for (at, byte) in damage {
        let at = usize::from(at) % bytes.len();
        bytes[at] = byte;
    }
    for bytes in [&bytes[..], name] {
        if let Some(decider) = Decider::from_bytes(bytes) {
            let _ = common::SECTIONS.map(|section| decider.active(section));
            common::ask(decider, name, number);
        }
    }
});
