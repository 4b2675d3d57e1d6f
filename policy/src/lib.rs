//! What a Palisade policy says, and the verdict on one event. Pure: no I/O, no clock, no environment.
//!
//! ```
//! use palisade_policy::{Connect, Context, Identity, Outcome, Platform, compile, parse};
//!
//! let text = br#"{ "version": 1, "rules": [{
//!     "name": "payments",
//!     "scope": { "functions": ["pay-*"] },
//!     "network": { "effect": "prevent", "outbound": { "allow": ["10.0.0.0/8:443"] } }
//! }] }"#;
//! let policy = parse(text).unwrap().policy;
//!
//! let compiled = compile(&policy, &Context {
//!     identity: Identity { function: "pay-invoices", region: "eu-west-1", account: "" },
//!     platform: &Platform::default(),
//!     resolve: &|_| None,
//!     now: 0,
//! });
//! let decider = compiled.decider();
//!
//! let verdict = decider.connect(&Connect { ip: "10.1.2.3".parse().unwrap(), port: 80 });
//! assert_eq!(verdict.outcome, Outcome::Prevent);
//! assert_eq!(verdict.place(), Some("rules[0].network.outbound.allow"));
//! assert_eq!(decider.rule(), Some("payments"));
//! ```
//!
//! From text to verdict: [`decode`] the value of an environment variable, [`parse`] what a person wrote (every mistake at once, each a
//! [`Problem`] with its place) or [`read`] it without advice, [`compile()`] it for one function into a flat run of bytes, and ask a [`Decider`] on those bytes.
//!
//! # What a decision may do
//!
//! It is made inside a hook: in the child of `vfork(2)`, in a signal handler, inside `malloc(3)`. So it neither allocates nor locks nor recurses
//! nor panics, and its stack is small. Its cost depends on the length of the name, not on the number of rules: everything that can be looked up
//! lies in one hash table. Only true wildcards (`/a/*b*`) are run, each as a set of states over the name, and only those whose plain beginning or
//! end the name has. A child takes the bytes of its parent as they are ([`Decider::from_bytes`]), from where the function cannot have changed
//! them: reads are checked, but what is well formed is believed.
//!
//! # What a policy means
//!
//! * The first enabled rule whose scope matches the function applies; no other is read.
//! * `deny` goes before `allow`; an empty `allow` allows everything, one entry denies the rest.
//! * **Paths** are matched whole, after links are resolved by the caller, in the language of the `globset` crate with `literal_separator`: `*` and `?`
//!   do not cross `/`, `**` does, `[…]` is one byte of a set, `{a,b}` either, `\` takes a meaning away. `/dir/**` is what lies below `/dir`, not
//!   `/dir` itself. Patterns and paths are bytes: `?` is one byte, and so `é` is `??`. What no resolved path can look like (relative, `//`,
//!   `..`, a slash at the end) is a mistake, as are the empty alternative that `globset` would silently drop and non-ASCII in brackets.
//! * A pattern also names what a link in its plain part leads to: `/bin/sh` is also `/usr/bin/dash`, and `/var/run/**` also `/run/**`.
//! * **Programs** without a `/` are globs for the base name. `allow` looks at the resolved file only, so that `allow: ["python3"]` does not let
//!   run a `python3` that is a link to `python3.11`, nor a link of that name to anything; write `python3*` or the path of the link. `deny`
//!   also looks at the name that was given. Miners come first, then `deny`, `main_only`, `allow`. The main process may always execute itself again
//!   unless an entry denies it.
//! * **Programs that cannot be followed** (`unfollowable`) and those without a file are judged besides, by the effect of the section or by the
//!   setting. `unfollowable` alone makes the section active, unless it says `allow`.
//! * **Networks**: the platform's endpoints and resolvers, then `deny`, then loopback, then `allow`. IPv4 mapped into IPv6 is IPv4. "Any address"
//!   (`0.0.0.0`, `::`) is loopback, as it is to Linux, and what is said of `127.0.0.1` or `::1` holds for it.
//! * **Names among networks** (`*.amazonaws.com:443`) are patterns as in `dns` and stand for the addresses that were got by resolving a name that
//!   they match: [`Decider::connect_resolved`]. An address by itself is matched by none, and an allow list of nothing but names allows none.
//! * **Ports** to listen on: the platform's on loopback, then `deny`, then `allow`.
//! * **Names**: numeric hosts and `localhost` are not judged; then mining pools (`crypto_miners`), the platform's names, `deny`, `allow`. Pools are
//!   refused by the stricter of the effects of `processes` and `dns`, so that neither section weakens the other, and make `dns` active alone.
//! * **Files**: `deny`, then, where there is an allow list, what the platform needs, then `allow`. Opening for reading and writing needs both.
//! * **`enforce_after`** is compared with the clock when the policy is compiled. Until then each `prevent` gives alerts that are marked as
//!   [delayed](Verdict::delayed); whoever acts on one has a clock, and refuses from then on. So a process that was started before, or that
//!   SnapStart has frozen long ago, begins to prevent at that time all the same, and a verdict needs no clock.
//! * **`mode: learn`** makes every section active and lets everything pass; the verdict still says why it would have been refused.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

extern crate alloc;

mod blob;
mod builder;
mod compile;
mod decide;
mod decode;
mod diagnostics;
mod domain;
pub mod event;
mod glob;
mod gzip;
mod json;
#[cfg(feature = "schema")]
mod json_schema;
mod known;
mod lint;
#[cfg(test)]
mod lists;
mod moment;
mod net;
mod nfa;
mod parse;
mod platform;
pub mod schema;
mod scope;
mod text;

pub use compile::{Compiled, Context, compile};
pub use decide::Decider;
pub use decode::decode;
pub use diagnostics::{Lint, Parsed, Problem};
pub use event::*;
#[cfg(feature = "schema")]
pub use json_schema::json_schema;
pub use parse::{parse, read};
pub use platform::{Platform, Surroundings};
pub use schema::*;
pub use scope::{Identity, select};
#[doc(hidden)]
pub use text::formatted;
