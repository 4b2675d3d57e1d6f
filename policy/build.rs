//! Compiles what every function has in common (`data/`) into one table, with the compiler of the crate itself, so that no start of a
//! function has to.

extern crate alloc;

use std::format;
use std::path::Path;

#[path = "src/blob.rs"]
#[allow(dead_code, reason = "shared with the crate, which uses the rest")]
mod blob;
#[path = "src/builder/mod.rs"]
#[allow(dead_code, reason = "shared with the crate, which uses the rest")]
mod builder;
#[path = "src/domain.rs"]
#[allow(dead_code, reason = "shared with the crate, which uses the rest")]
mod domain;
#[path = "src/glob/mod.rs"]
#[allow(dead_code, reason = "shared with the crate, which uses the rest")]
mod glob;
#[path = "src/lists.rs"]
#[allow(dead_code, reason = "shared with the crate, which uses the rest")]
mod lists;
#[path = "src/net.rs"]
#[allow(dead_code, reason = "shared with the crate, which uses the rest")]
mod net;

fn main() {
    println!("cargo::rerun-if-changed=data");
    println!("cargo::rerun-if-changed=src");
    let directory = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let file = Path::new(&directory).join("known.bin");
    std::fs::write(&file, lists::compile()).expect("the table is written");
}
