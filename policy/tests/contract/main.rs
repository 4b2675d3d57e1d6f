//! The contract with the user (docs/contract.md), sentence by sentence, of the policy alone.

#[path = "../common/mod.rs"]
mod common;

mod around;
mod by_name;
mod modes;
mod names_and_files;
mod network;
mod processes;
mod rules;
