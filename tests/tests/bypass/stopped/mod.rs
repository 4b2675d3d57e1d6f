//! Stopped, and on record. A file for each table of docs/threat-model.md.

mod files;
mod functions;
mod network;
mod programs;
mod spawned;

/// The errno of `EACCES`.
const EACCES: i32 = 13;
const DENIED_FILE: &str = "denied-file";
