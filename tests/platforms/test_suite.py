"""The hook suite on arm64: tests/tests/hooks, built for that architecture, in Debian's file system under QEMU.

The C programs of the suite are compiled in there, by Debian's cross compiler, which is no emulated program.
"""

import functools
import json
import os
import subprocess
import sys
import unittest

from places import CACHE, HERE, PLACES, REPOSITORY, archive, emulator, layer

import rust  # the layer's modules are found by what places does
from library import MACHINES, NEWEST_GLIBC, make_tools

FOLDER = CACHE / "arm64-suite"
MACHINE = MACHINES["arm64"]
PROGRAMS = ("dash", "bash", "coreutils", "util-linux", "libgcc-s1")
FILES = {
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/hostname": "arm64\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
LINKS = {"cc": "aarch64-linux-gnu-gcc", "nm": "aarch64-linux-gnu-nm", "sh": "dash"}

IMPOSSIBLE = {
    "traps::no_refusal_takes_memory_or_a_lock_or_waits": "QEMU has no seccomp(2), which is the trap for who waits",
    "traps::no_call_that_is_judged_and_allowed_takes_memory_or_a_lock_or_waits": "the same",
    "numbers::a_judged_number_has_the_kernels_own_answer": "the same: a filter is what answers for the kernel",
}
"""Tests that fail under QEMU. One that passes fails this test."""


class OnArm64(unittest.TestCase):
    def setUp(self):
        if not any(place.name == "arm64" for place in PLACES):
            self.skipTest("run.py was told to go elsewhere")

    def test_the_hook_suite_holds(self):
        skipped = [word for name in IMPOSSIBLE for word in ("--skip", name)]
        # Twice as many as there are processors in CI: each waits for its program most of the time.
        done = run("/programs/hooks", "--test-threads=4", *skipped)
        self.assertEqual(done.returncode, 0, done.stdout[-8000:])
        self.assertRegex(done.stdout, r"ok\. \d\d passed; 0 failed; 0 ignored")

    def test_what_qemu_cannot_do_is_still_what_it_cannot_do(self):
        for name in IMPOSSIBLE:
            with self.subTest(name):
                done = run("/programs/hooks", "--exact", name)
                self.assertEqual(done.returncode, 101, done.stdout[-2000:])
                self.assertIn("1 failed", done.stdout)


def run(*words):
    """Runs one of the root's programs, with the repository at /palisade and the layer under /opt."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "PALISADE_TEST_REPOSITORY": "/palisade",
        "PALISADE_TEST_LIBRARY": "/opt/palisade/libpalisade.so",
    }
    command = [sys.executable, str(HERE / "enter.py"), str(root())]
    compiled = FOLDER / "compiled"
    for folder in (compiled, REPOSITORY / "target/tests"):
        folder.mkdir(exist_ok=True)
    if os.uname().machine != "aarch64":
        command += ["--emulator", str(emulator())]
    binds = ((REPOSITORY, "/palisade"), (compiled, "/palisade/target/tests"), (layer("arm64"), "/opt"), (programs(), "/programs"))
    for source, target in binds:
        command += ["--bind", str(source), target]
    return subprocess.run([*command, "--", *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=3600)


@functools.cache
def root():
    """Debian's programs for arm64, and a compiler for it that runs on this machine as it is."""
    host = archive.architecture()
    compiler = ["gcc", "libc6-dev"] if host == "arm64" else ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"]
    architectures = list(dict.fromkeys([host, "arm64"]))
    made = archive.unpack(FOLDER, archive.debian("bookworm"), architectures, [*compiler, *(f"{name}:arm64" for name in PROGRAMS)])
    for name, content in FILES.items():
        (made / name).write_text(content)
    for name, target in LINKS.items():
        link = made / "usr/bin" / name
        if not link.exists():
            link.symlink_to(target)
    return made


@functools.cache
def programs():
    """The folder of the suite's own program, built with the linker of the layer."""
    work = REPOSITORY / "target/layer"
    tools = make_tools(work / "tools")
    environment = {
        **os.environ,
        "PATH": f"{tools / 'bin'}:{os.environ['PATH']}",
        "RUSTC": rust.compiler(MACHINE.target, work),
        "CARGO_TARGET_DIR": str(work / "build"),
        "CARGO_ZIGBUILD_CACHE_DIR": str(work / "zigbuild"),
        "ZIG_GLOBAL_CACHE_DIR": str(work / "zig"),
        "CARGO_PROFILE_DEV_DEBUG": "0",
    }
    target = f"{MACHINE.target}.{'.'.join(map(str, NEWEST_GLIBC))}"
    command = ["cargo", "zigbuild", "--locked", "--quiet", "-p", "palisade-tests", "--test", "hooks", "--target", target]
    built = subprocess.run([*command, "--message-format=json"], cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found = [message["executable"] for message in map(json.loads, built.stdout.splitlines()) if message.get("executable")]
    folder = FOLDER / "programs"
    folder.mkdir(exist_ok=True)
    link = folder / "hooks"
    link.unlink(missing_ok=True)
    os.link(found[-1], link)
    return folder
