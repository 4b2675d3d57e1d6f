"""Builds the `libpalisade.so` of the layer: the same bytes from whatever directory, and for every glibc that Lambda has.

The oldest is Amazon Linux 2's 2.26. A symbol version that the function's glibc lacks does not switch the defence off, it
keeps the function from starting at all; so the library is linked against 2.17 and what came out is looked at.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
TARGET = "x86_64-unknown-linux-gnu"
NEWEST_GLIBC = (2, 17)


class CannotBuild(Exception):
    """The library cannot be built, or is not fit for Lambda; the text says why."""


def build(repository):
    """The path of the built library of a checkout, which has been found fit."""
    work = repository / "target/layer"
    tools = make_tools(work / "tools")
    environment = dict(os.environ)
    environment.update(
        PATH=f"{tools / 'bin'}:{environment['PATH']}",
        CARGO_TARGET_DIR=str(work / "build"),
        CARGO_ZIGBUILD_CACHE_DIR=str(work / "zigbuild"),
        ZIG_GLOBAL_CACHE_DIR=str(work / "zig"),
        CARGO_ENCODED_RUSTFLAGS="\x1f".join(remap(repository)),
        SOURCE_DATE_EPOCH="0",
    )
    glibc = ".".join(map(str, NEWEST_GLIBC))
    run(
        ["cargo", "zigbuild", "--release", "--locked", "-p", "palisade-shim", "--target", f"{TARGET}.{glibc}"],
        cwd=repository,
        env=environment,
    )
    library = work / "build" / TARGET / "release" / "libpalisade.so"
    faults = faults_of(library, [*private_paths(repository), f"{Path.home()}/"])
    if faults:
        raise CannotBuild(f"{library} is not fit for Lambda:\n  " + "\n  ".join(faults))
    return library


def make_tools(folder):
    """A Python environment with the pinned linker; made once, and again when a pin changes."""
    stamp = folder / "made-from"
    wanted = sys.version + REQUIREMENTS.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    print("layer: fetching the linker (cargo-zigbuild and ziglang, about 100 MB) …", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(folder / "bin/python3"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run([*pip, "install", "--no-deps", "--only-binary=:all:", "-r", str(REQUIREMENTS)])
    stamp.write_text(wanted)
    return folder


def private_paths(repository):
    """The directories of this machine that rustc would write into the library, each with the name that stands for it."""
    cargo_home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    return {str(repository): "/palisade", str(cargo_home): "/cargo", sysroot: "/rust"}


def remap(repository):
    """rustc's options for that. Of several that match the last one wins, so the longest path comes last."""
    paths = private_paths(repository)
    return [f"--remap-path-prefix={path}={paths[path]}" for path in sorted(paths, key=len)]


def faults_of(library, private):
    """What would go wrong with this library in Lambda, or differ from machine to machine."""
    found = []
    content = library.read_bytes()
    found += [f"holds the path {path}" for path in private if len(path) > 1 and path.encode() in content]
    versions = readelf(library, "--version-info")
    needed = {tuple(map(int, each.split("."))) for each in re.findall(r"GLIBC_(\d[\d.]*\d)", versions)}
    found += [f"needs GLIBC_{'.'.join(map(str, each))}" for each in sorted(needed) if each > NEWEST_GLIBC]
    libraries = re.findall(r"\(NEEDED\).*\[(.*)\]", readelf(library, "--dynamic"))
    known = {"libc.so.6", "ld-linux-x86-64.so.2", "libpthread.so.0", "libdl.so.2", "libm.so.6", "librt.so.1"}
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
