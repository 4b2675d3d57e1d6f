//! Helpers for the tests that load the built library into real programs.
//!
//! A test asks one question of a program that it compiles and runs, once with the library and, as its negative control,
//! once without. Each folder of `tests/` answers one kind of question:
//!
//! - `hooks`: does each hooked function do what its manual page says, and does each refusal look as the contract says?
//! - `names`: does a destination that is allowed by its name mean exactly the addresses that the name led to?
//! - `paths`: does a verdict hold for the file, whatever it is called?
//! - `environment`: is every child defended, and is its environment otherwise what its parent gave it?
//! - `audit`: does every line reach the function's log, and nothing else?
//! - `processes`: does the library hold in forks, threads, signal handlers, and small stacks?
//! - `wrapper`: does the function start as Lambda meant it to, or not at all?
//! - `mistakes`: does a wrong policy stop the start?
//! - `contract`: is every sentence of docs/contract.md so?
//! - `cost`: does a section that is off cost no system call?
//!
//! What a test needs and does not find is a failure that says what to install, never a test that was skipped.

mod built;
mod compiler;
mod named;
mod run;

pub use built::{libc, library, repository, tool, wrapper};
pub use compiler::{compile, compile_with_musl};
pub use named::named_tests;
pub use run::{Log, Outcome, Run, both, policy, records};
