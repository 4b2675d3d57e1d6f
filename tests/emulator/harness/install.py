"""The set-up: AWS's Python runtime client and AWS's emulator, both from PyPI, kept under `target/lambda`.

The emulator (Apache-2.0, a static binary) is a file inside the wheel of `aws-sam-cli`; it is checked against the hash
below. A second run finds everything in place and does nothing.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from .paths import CACHE, EMULATOR, EMULATOR_TESTS, VENV

SAM = "aws-sam-cli==1.170.0"
EMULATOR_IN_WHEEL = "samcli/local/rapid/aws-lambda-rie-x86_64"
EMULATOR_SHA256 = "6b1e686e62ab2baf5759c412c4864276ef2a88b094fca53ec070637ccba9b9a5"
REQUIREMENTS = EMULATOR_TESTS / "requirements.txt"


class CannotInstall(Exception):
    """The set-up cannot be done; the text says why and how to go on."""


def install():
    """Makes sure that `VENV` has the runtime client and that `EMULATOR` is the binary we know."""
    if sys.version_info < (3, 10):
        raise CannotInstall("AWS's Python runtime client needs Python 3.10 or newer; this is " + sys.version.split()[0])
    CACHE.mkdir(parents=True, exist_ok=True)
    if not venv_is_current():
        make_venv()
    if not EMULATOR.exists():
        fetch_emulator()


def wanted_venv():
    """What the venv was made from: a change of either makes it anew."""
    return f"{sys.executable} {sys.version}\n{REQUIREMENTS.read_text()}"


def venv_is_current():
    stamp = VENV / "made-from"
    return stamp.exists() and stamp.read_text() == wanted_venv() and (VENV / "bin" / "python3").exists()


def make_venv():
    say("Python environment with AWS's runtime client (awslambdaric)")
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if made.returncode != 0:
        raise CannotInstall(
            "python3 -m venv failed; on Debian and Ubuntu: apt-get install python3-venv\n" + made.stdout + made.stderr
        )
    pip("install", "--no-deps", "--only-binary=:all:", "-r", str(REQUIREMENTS))
    (VENV / "made-from").write_text(wanted_venv())


def fetch_emulator():
    say(f"AWS Lambda Runtime Interface Emulator, out of {SAM}")
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        pip("download", "--no-deps", "--only-binary=:all:", "--dest", folder, SAM)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            binary = archive.read(EMULATOR_IN_WHEEL)
        found = hashlib.sha256(binary).hexdigest()
        if found != EMULATOR_SHA256:
            raise CannotInstall(f"{EMULATOR_IN_WHEEL} of {SAM} has sha256 {found}, wanted {EMULATOR_SHA256}")
        # Renamed into place last, so that an interrupted set-up never leaves half an emulator.
        part = Path(folder) / "aws-lambda-rie"
        part.write_bytes(binary)
        part.chmod(0o755)
        part.rename(EMULATOR)


def pip(*arguments):
    command = [str(VENV / "bin" / "python3"), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotInstall(f"pip {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


def say(what):
    print(f"set-up: {what} …", flush=True)
