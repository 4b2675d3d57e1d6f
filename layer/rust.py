"""A Rust compiler that has the standard library of a target: this machine's own, or else one that is fetched under `target/`.

`PALISADE_RUST=debian` takes Debian's at once, so that this way can be tried where rustup is.
"""

import os
import shutil
import subprocess

import archive
from archive import CannotFetch

RELEASE = "bookworm"
"""The release of Debian whose `rustc-web` is new enough (1.96 in its security updates; the workspace asks for 1.88)."""

ARCHITECTURES = {"x86_64-unknown-linux-gnu": "amd64", "aarch64-unknown-linux-gnu": "arm64"}

TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}


def compiler(target, work):
    """The path of a `rustc` for the target, with what it needs."""
    own = os.environ.get("RUSTC", "rustc")
    if os.environ.get("PALISADE_RUST") != "debian":
        if has(own, target) or add_with_rustup(own, target):
            return own
        print(f"layer: neither rustc nor rustup has {target}; fetching Debian's rustc-web (about 150 MB) …", flush=True)
    return debians(target, work)


def has(rustc, target):
    """Whether the standard library of that target lies where rustc looks for it."""
    return os.path.isdir(f"{sysroot(rustc)}/lib/rustlib/{target}/lib")


def add_with_rustup(rustc, target):
    """Has rustup fetch it. Without a network, or for a toolchain that is not rustup's, it cannot."""
    if not shutil.which("rustup"):
        return False
    print(f"layer: rustup target add {target} …", flush=True)
    added = subprocess.run(["rustup", "target", "add", target], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)
    return added.returncode == 0 and has(rustc, target)


def debians(target, work):
    """Debian's packages, unpacked. What starts the compiler is a script, for its libraries are not where the loader looks."""
    host, other = archive.architecture(), ARCHITECTURES[target]
    packages = ["rustc-web", f"libstd-rust-web-dev:{other}"]
    folder = work / f"rust-{other}"
    root = archive.unpack(folder, archive.debian(RELEASE), list(dict.fromkeys([host, other])), packages)
    script = folder / "rustc"
    triplet = TRIPLETS[host]
    if other != host:
        shutil.rmtree(root / "usr/lib" / TRIPLETS[other], ignore_errors=True)  # the compiler itself, once more
    for name in ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"):
        (root / "usr/lib" / triplet / name).unlink(missing_ok=True)  # this machine's own, as its loader is
    script.write_text(f"#!/bin/sh\nLD_LIBRARY_PATH='{root}/usr/lib/{triplet}' exec '{root}/usr/bin/rustc' \"$@\"\n")
    script.chmod(0o755)
    if not has(str(script), target):
        raise CannotFetch(f"{script} has no {target}")
    return str(script)


def sysroot(rustc):
    """Where a compiler's own libraries lie."""
    try:
        asked = subprocess.run([rustc, "--print", "sysroot"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise CannotFetch(f"{rustc} --print sysroot: {problem}") from problem
    return asked.stdout.strip()
