//! How the library is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Without the C compiler's start-up objects: there is nothing in them that a library without C++ needs, but for each start of a program
    // they bring two pages of code and four look-ups of symbols that nobody has.
    println!("cargo::rustc-cdylib-link-arg=-nostartfiles");
}
