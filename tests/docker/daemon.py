"""A Docker daemon of our own, for as long as a `with` block lasts: its images under `target/docker`, its socket in a temporary folder.

It is the machine's own dockerd, or else Debian's, unpacked. Nothing of a daemon that already runs is used or changed.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "layer"))

import archive  # noqa: E402  (finds the layer's modules by the line above)

CACHE = REPOSITORY / "target/docker"
STARTS_WITHIN = 30


class CannotStart(Exception):
    """There is no Docker daemon here; the text says why."""


class Docker:
    """A running daemon."""

    def __init__(self, command, environment):
        self.command = command
        self.environment = environment

    def __call__(self, *words, **options):
        """Runs a docker command to its end and gives what it printed."""
        done = subprocess.run([*self.command, *words], env=self.environment, capture_output=True, text=True, **options)
        if done.returncode:
            raise CannotStart(f"docker {' '.join(words[:3])} …: {done.stderr.strip()}")
        return done.stdout.strip()


def programs():
    """The environment in which `dockerd` and `docker` are found."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    if not (shutil.which("dockerd") and shutil.which("docker")):
        root = archive.unpack(CACHE / "programs", archive.debian("bookworm"), [archive.architecture()], ["docker.io"])
        libraries = root / "usr/lib" / {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[archive.architecture()]
        for name in ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2"):
            (libraries / name).unlink(missing_ok=True)  # the machine's own, as its loader is
        environment["PATH"] = f"{root}/usr/bin:{root}/usr/sbin:{environment['PATH']}"
        environment["LD_LIBRARY_PATH"] = str(libraries)
    return environment


@contextlib.contextmanager
def daemon():
    """Starts a daemon in this process's own namespaces and ends it again, with all that it started."""
    if os.geteuid() != 0:
        raise CannotStart("dockerd takes root: sudo make docker-test")
    environment = programs()
    room = Path(tempfile.mkdtemp(prefix="palisade-docker-"))
    socket = f"unix://{room}/socket"
    command = ["dockerd", "--data-root", str(CACHE / "data"), "--exec-root", str(room / "exec"), "--pidfile", str(room / "pid")]
    command += ["--host", socket, "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"]
    dockerd = shutil.which("dockerd", path=environment["PATH"])
    with open(room / "log", "wb") as log:
        process = subprocess.Popen([dockerd, *command[1:]], env=environment, stdout=log, stderr=log, start_new_session=True)
    docker = Docker([shutil.which("docker", path=environment["PATH"]), "--host", socket, "--config", str(room)], environment)
    try:
        wait(docker, process, room / "log")
        yield docker
    finally:
        with contextlib.suppress(CannotStart):
            if left := docker("ps", "--all", "--quiet").split():
                docker("rm", "--force", *left)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(room, ignore_errors=True)


def wait(docker, process, log):
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        with contextlib.suppress(CannotStart):
            docker("info")
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotStart("dockerd did not start:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:]))
        time.sleep(0.1)
