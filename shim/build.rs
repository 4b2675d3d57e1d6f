//! How the library is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Without the C compiler's start-up objects: there is nothing in them that a library without C++ needs, but for each start of a program
    // they bring two pages of code and four look-ups of symbols that nobody has.
    println!("cargo::rustc-cdylib-link-arg=-nostartfiles");
    // Each segment begins where the one before it ends: what lies between two of them is a mapping more, and a call of the loader's to make it.
    // Where pages may have 64 KiB, the file would have to be filled up to them.
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64") {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/segments.ld");
        println!("cargo::rerun-if-changed={script}");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-T,{script}");
    }
}
