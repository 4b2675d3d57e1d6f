//! What a Palisade policy says, and the verdict on one event.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod blob;
mod builder;
mod compile;
mod decide;
mod decode;
mod diagnostics;
mod domain;
pub mod event;
mod glob;
mod json;
#[cfg(feature = "schema")]
mod json_schema;
mod lint;
mod miners;
mod net;
mod nfa;
mod parse;
mod platform;
pub mod schema;
mod scope;

pub use compile::{Compiled, Context, compile};
pub use decide::Decider;
pub use decode::decode;
pub use diagnostics::{Lint, Parsed, Problem};
pub use event::*;
#[cfg(feature = "schema")]
pub use json_schema::json_schema;
pub use parse::parse;
pub use platform::{Platform, Surroundings};
pub use schema::*;
pub use scope::Identity;
