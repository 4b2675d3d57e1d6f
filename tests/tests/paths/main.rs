//! Does a verdict hold for the file, whatever it is called? And is everything else about an open as it was?

mod limits;
mod same;
mod secret;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use palisade_tests::compile;

/// A way to open something: a sentence, and statements in C that put a descriptor into `fd`.
pub type Way = (&'static str, &'static str);

/// The program that has them all: the first argument says which, and each prints what came of it.
pub fn program(ways: &[Way]) -> std::path::PathBuf {
    let cases: String = ways
        .iter()
        .enumerate()
        .map(|(index, (_, code))| format!("    case {index}: {{ {code}; break; }}\n"))
        .collect();
    compile(&include_str!("frame.c").replace("CASES", &cases), &["-O1"])
}

/// What the ways lead through: the same in every run.
pub fn furnish(folder: &Path) {
    fs::write(folder.join("secret"), "secret").expect("secret");
    fs::create_dir_all(folder.join("dir/deep")).expect("dir");
    for (target, name) in [
        ("secret", "link"),
        ("link", "chain"),
        ("../secret", "dir/up"),
        ("dir/deep", "jump"),
        ("secret.new", "dangling"),
        ("dangling", "chain.new"),
        ("/proc/self/cwd/secret", "magic"),
        (".", "here"),
        ("loop", "loop"),
    ] {
        symlink(target, folder.join(name)).expect(name);
    }
    symlink(folder.join("secret"), folder.join("absolute")).expect("absolute");
}
