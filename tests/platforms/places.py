"""Where the smoke program runs: root file systems of other architectures and of older and newer glibcs, each with the layer under /opt.

A place is made of packages, once, under `target/platforms`; the programs are compiled by the linker of the layer (zig), against glibc 2.17.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path[:0] = [str(REPOSITORY / "layer")]

import archive  # noqa: E402  (finds the layer's modules by the line above)
from library import make_tools  # noqa: E402

CACHE = REPOSITORY / "target/platforms"
UBUNTU = "https://archive.ubuntu.com/ubuntu/pool/main"

# Ubuntu's archive of amd64 has the oldest glibcs that can still be had. The hashes are those of its signed lists.
XENIAL = (
    ("g/glibc/libc6_2.23-0ubuntu11.3_amd64.deb", "d7825ca7a85a2a5c12ff653b9acf7218a86413c79dfe4e52035d63fe1285d642"),
    ("d/dash/dash_0.5.8-2.1ubuntu2_amd64.deb", "c46b4b8c9c952bfeab03993451f7c3c7f5d359ebfbf381e6c36e2870373cde85"),
)
BIONIC = (
    ("g/glibc/libc6_2.27-3ubuntu1.6_amd64.deb", "5b813d4512491cd8fb30b2eb9192349ee75ffe3c9f21ae136cc7b2429f70c3b2"),
    ("d/dash/dash_0.5.8-2.10_amd64.deb", "51fe28b98b8e023325ae8868f29807cdb53f6f2eac943723b5e6bd47cde0cb2c"),
)
RESOLUTE = (
    ("g/glibc/libc6_2.43-2ubuntu2_amd64.deb", "c13775dc0c984403f3fcad229d14507a9f387763bd07ace1e5f93897ee6b8434"),
    ("d/dash/dash_0.5.12-12ubuntu3_amd64.deb", "563091a9b615a5a59951c2cc4478163d099df366a051113e8ce5bb2baab7f0c8"),
)


@dataclass(frozen=True)
class Place:
    """A root file system: AWS's name of its architecture, its glibc, and where its packages come from."""

    name: str
    machine: str
    glibc: str
    release: str = ""
    packages: tuple = ("libc6", "dash")
    pinned: tuple = ()

    @functools.cached_property
    def root(self):
        """Its folder."""
        folder = CACHE / self.name
        if self.pinned:
            root = archive.unpack_pinned(folder, [(f"{UBUNTU}/{path}", sha256) for path, sha256 in self.pinned])
        else:
            architecture = {"x86_64": "amd64", "arm64": "arm64"}[self.machine]
            root = archive.unpack(folder, archive.debian(self.release), [architecture], list(self.packages))
        shell = root / "usr/bin/sh"
        if not shell.exists():
            shell.symlink_to("dash")
        (root / "etc").mkdir(exist_ok=True)
        return root

    def run(self, *words, policy=None, library=True, script=None, binds=(), environment=None):
        """Runs a program in it, under the layer's wrapper; what it wrote and how it ended."""
        variables = {"PATH": "/usr/bin:/bin", **(environment or {})}
        if policy is not None:
            variables["PALISADE_POLICY"] = json.dumps(policy)
        command = [sys.executable, str(HERE / "enter.py"), str(self.root)]
        if self.machine == "arm64" and os.uname().machine != "aarch64":
            command += ["--emulator", str(emulator())]
        for source, target in ((programs(self.machine), "/srv"), (layer(self.machine), "/opt"), *binds):
            command += ["--bind", str(source), target]
        words = ["/opt/palisade-wrapper", *words] if library else list(words)
        prepare = (script or ":") + '\nexec "$@"'
        done = subprocess.run(
            [*command, "--", "/bin/sh", "-c", prepare, "sh", *words], env=variables, capture_output=True, text=True, timeout=120
        )
        audits = [line for line in done.stderr.splitlines() if line.startswith('{"timestamp"')]
        said = [line for line in done.stderr.splitlines() if line not in audits]
        return Outcome(done.returncode, done.stdout.splitlines(), [json.loads(line) for line in audits], "\n".join(said))


@dataclass
class Outcome:
    """What came of a run: its exit code (128 and more: a signal), its lines, the audit records, and what else was on stderr."""

    code: int
    lines: list
    audits: list
    said: str


PLACES = [
    Place("arm64", "arm64", "2.36", "bookworm", ("libc6", "libstdc++6", "dash", "bash", "python3", "coreutils")),
    Place("arm64-2.31", "arm64", "2.31", "bullseye"),
    Place("arm64-sid", "arm64", "the newest", "sid"),
    Place("glibc-2.23", "x86_64", "2.23", pinned=XENIAL),
    Place("glibc-2.27", "x86_64", "2.27", pinned=BIONIC),
    Place("glibc-2.31", "x86_64", "2.31", "bullseye"),
    Place("glibc-2.36", "x86_64", "2.36", "bookworm"),
    Place("glibc-2.41", "x86_64", "2.41", "trixie"),
    Place("glibc-2.43", "x86_64", "2.43", pinned=RESOLUTE),
    Place("glibc-sid", "x86_64", "the newest", "sid"),
]


DASH = ("http://deb.debian.org/debian/pool/main/d/dash/dash_0.5.12.orig.tar.gz", "6a474ac46e8b0b32916c4c60df694c82058d3297d8b385b74508030ca4a8f28a")


class Musl(Place):
    """What Alpine is to the wrapper: musl's loader, and a shell that is linked against musl. Debian has the first, so the second is built."""

    @functools.cached_property
    def root(self):
        root = archive.unpack(CACHE / self.name, archive.debian(self.release), ["amd64"], list(self.packages))
        shell = root / "usr/bin/sh"
        if not shell.exists():
            shutil.copy(musl_shell(), shell)
        # The one program that the wrapper calls; Alpine's is a part of busybox.
        date = root / "usr/bin/date"
        date.write_text("#!/bin/sh\necho 2026-01-01T00:00:00.000000Z\n")
        date.chmod(0o755)
        return root


def musl_shell():
    """dash out of its sources, compiled by zig, which brings musl."""
    folder = CACHE / "musl-dash"
    shell = folder / "dash-0.5.12/src/dash"
    if not shell.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        archive.fetch(*DASH, folder / "dash.tar.gz")
        compiler = folder / "cc"
        python = make_tools(REPOSITORY / "target/layer/tools") / "bin/python3"
        compiler.write_text(f"#!/bin/sh\nexec '{python}' -m ziglang cc -target x86_64-linux-musl -dynamic \"$@\"\n")
        compiler.chmod(0o755)
        configure = f"./configure --host=x86_64-linux-musl CC='{compiler}' CC_FOR_BUILD=cc"
        script = f"tar xzf dash.tar.gz && cd dash-0.5.12 && {configure} && make"
        environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(CACHE / "zig"), "ZIG_LOCAL_CACHE_DIR": str(CACHE / "zig")}
        done = subprocess.run(["sh", "-c", script], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise archive.CannotFetch(f"dash cannot be built for musl:\n{done.stdout[-2000:]}")
    return shell


PLACES.append(Musl("musl", "x86_64", "none", "bookworm", ("musl",)))
ALL = tuple(PLACES)
"""Those, too, to which run.py was told not to go."""


def emulator():
    """QEMU's user mode, statically linked, so that the root needs nothing of it."""
    root = archive.unpack(CACHE / "qemu", archive.debian("bookworm"), [archive.architecture()], ["qemu-user-static"])
    for other in root.glob("usr/bin/qemu-*"):
        if other.name != "qemu-aarch64-static":
            other.unlink()  # 200 MB for machines that nobody here asks for
    return root / "usr/bin/qemu-aarch64-static"


@functools.cache
def layer(machine):
    """The layer as it lies under /opt: the zip, unpacked."""
    zipped = REPOSITORY / f"dist/palisade-layer-{machine}.zip"
    if not zipped.exists():
        raise SystemExit(f"{zipped} is missing: `make layer` makes it")
    folder = CACHE / f"layer-{machine}"
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(zipped) as content:
        for entry in content.infolist():
            path = Path(content.extract(entry, folder))
            path.chmod(entry.external_attr >> 16 & 0o777)
    return folder


@functools.cache
def programs(machine):
    """The folder of the compiled smoke program."""
    folder = CACHE / f"programs-{machine}"
    folder.mkdir(parents=True, exist_ok=True)
    target = {"x86_64": "x86_64", "arm64": "aarch64"}[machine]
    compiler = [str(make_tools(REPOSITORY / "target/layer/tools") / "bin/python3"), "-m", "ziglang", "cc"]
    options = ["-O1", "-Wall", "-Werror", "-Wno-nonnull", "-fno-sanitize=all", "-pthread", "-ldl"]
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(CACHE / "zig"), "ZIG_LOCAL_CACHE_DIR": str(CACHE / "zig")}
    command = [*compiler, "-target", f"{target}-linux-gnu.2.17", *options, "-o", str(folder / "smoke"), str(HERE / "smoke.c")]
    subprocess.run(command, check=True, env=environment)
    return folder
