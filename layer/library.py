"""Builds the `libpalisade.so` of a layer: the same bytes from whatever directory, and for every glibc that Lambda has.

The oldest is Amazon Linux 2's 2.26. A symbol version that the function's glibc lacks does not switch the defence off, it
keeps the function from starting at all; so the library is linked against 2.17 and what came out is looked at.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import rust

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
NEWEST_GLIBC = (2, 17)


@dataclass
class Machine:
    """An architecture of Lambda, under the name that AWS has for it."""

    name: str
    target: str
    elf: str
    loader: str


MACHINES = {
    "x86_64": Machine("x86_64", "x86_64-unknown-linux-gnu", "Advanced Micro Devices X86-64", "ld-linux-x86-64.so.2"),
    "arm64": Machine("arm64", "aarch64-unknown-linux-gnu", "AArch64", "ld-linux-aarch64.so.1"),
}


class CannotBuild(Exception):
    """The library cannot be built, or is not fit for Lambda; the text says why."""


def build(repository, machine):
    """The path of the built library of a checkout, which has been found fit."""
    work = repository / "target/layer"
    tools = make_tools(work / "tools")
    try:
        compiler = rust.compiler(machine.target, work)
    except rust.CannotFetch as problem:
        raise CannotBuild(f"no Rust for {machine.target} here:\n{problem}") from problem
    private = private_paths(repository, compiler)
    environment = dict(os.environ)
    environment.update(
        PATH=f"{tools / 'bin'}:{environment['PATH']}",
        RUSTC=compiler,
        CARGO_TARGET_DIR=str(work / "build"),
        CARGO_ZIGBUILD_CACHE_DIR=str(work / "zigbuild"),
        ZIG_GLOBAL_CACHE_DIR=str(work / "zig"),
        CARGO_ENCODED_RUSTFLAGS="\x1f".join(remap(private)),
        SOURCE_DATE_EPOCH="0",
    )
    glibc = ".".join(map(str, NEWEST_GLIBC))
    run(
        ["cargo", "zigbuild", "--release", "--locked", "-p", "palisade-shim", "--features", "alone", "--target", f"{machine.target}.{glibc}"],
        cwd=repository,
        env=environment,
    )
    library = work / "build" / machine.target / "release" / "libpalisade.so"
    faults = faults_of(library, machine, [*private, f"{Path.home()}/"])
    if faults:
        raise CannotBuild(f"{library} is not fit for Lambda:\n  " + "\n  ".join(faults))
    return library


def make_tools(folder, requirements=REQUIREMENTS, what="the linker (cargo-zigbuild and ziglang, about 100 MB)"):
    """A Python environment with the pinned linker, or with what else is pinned; made once, and again when a pin changes."""
    stamp = folder / "made-from"
    wanted = sys.version + requirements.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    print(f"layer: fetching {what} …", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(folder / "bin/python3"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run([*pip, "install", "--no-deps", "--only-binary=:all:", "-r", str(requirements)])
    stamp.write_text(wanted)
    return folder


def private_paths(repository, compiler):
    """The directories of this machine that rustc would write into the library, each with the name that stands for it."""
    cargo_home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    return {str(repository): "/palisade", str(cargo_home): "/cargo", rust.sysroot(compiler): "/rust"}


def remap(paths):
    """rustc's options for that. Of several that match the last one wins, so the longest path comes last."""
    return [f"--remap-path-prefix={path}={paths[path]}" for path in sorted(paths, key=len)]


# What the library may take of a function's memory and of its start (docs/performance.md).
MOST_BYTES = 600_000


def faults_of(library, machine, private):
    """What would go wrong with this library in Lambda, or differ from machine to machine."""
    found = []
    content = library.read_bytes()
    found += [f"has {len(content):,} bytes, more than {MOST_BYTES:,}"] if len(content) > MOST_BYTES else []
    # As a whole path: /root/ is also a part of /proc/self/root/, which the library knows of.
    holds = {path: re.search(rb"(?<![\w.-])" + re.escape(path.encode()), content) for path in private if len(path) > 1}
    found += [f"holds the path {path}" for path, place in holds.items() if place]
    header = re.search(r"Machine:\s*(.*)", readelf(library, "--file-header")).group(1)
    found += [f"is for {header}, not for {machine.elf}"] if header != machine.elf else []
    versions = readelf(library, "--version-info")
    needed = {tuple(map(int, each.split("."))) for each in re.findall(r"GLIBC_(\d[\d.]*\d)", versions)}
    found += [f"needs GLIBC_{'.'.join(map(str, each))}" for each in sorted(needed) if each > NEWEST_GLIBC]
    libraries = re.findall(r"\(NEEDED\).*\[(.*)\]", readelf(library, "--dynamic"))
    known = {"libc.so.6", machine.loader, "libpthread.so.0", "libdl.so.2", "libm.so.6", "librt.so.1"}
    found += [f"needs {each}, which is no part of glibc" for each in libraries if each not in known]
    return found


def readelf(library, option):
    environment = {**os.environ, "LC_ALL": "C"}
    command = ["readelf", "--wide", option, str(library)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def run(command, **options):
    try:
        subprocess.run(command, check=True, **options)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise CannotBuild(f"{' '.join(command)}: {problem}") from problem
