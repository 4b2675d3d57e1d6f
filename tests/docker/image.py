"""The image of the function: the Dockerfile on a base that has been pulled, or on one that is made of Debian's packages."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from daemon import CACHE, REPOSITORY, archive

from harness.paths import EMULATOR, EMULATOR_TESTS, PROBE

HERE = Path(__file__).resolve().parent
OWN_BASE = "palisade-base"
IMAGE = "palisade-function"
LAYER = REPOSITORY / "dist/palisade-layer-x86_64.zip"
PACKAGES = ["libc6", "libc-bin", "libstdc++6", "bash", "dash", "coreutils", "python3"]
USER = "sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin"


def build(docker, base):
    """Builds `IMAGE`; `base` may be any image with AWS's layout."""
    if base == OWN_BASE:
        make_base(docker)
    elif not docker("images", "--quiet", base):
        docker("pull", base)
    context = CACHE / "context"
    shutil.rmtree(context, ignore_errors=True)
    with zipfile.ZipFile(LAYER) as layer:
        for entry in layer.infolist():
            path = Path(layer.extract(entry, context / "opt"))
            path.chmod(entry.external_attr >> 16 & 0o777)
    shutil.copytree(PROBE, context / "task", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(EMULATOR, context)
    docker("build", "--network", "none", "--build-arg", f"BASE={base}", "--tag", IMAGE, "--file", str(HERE / "Dockerfile"), str(context))


def interpreter(docker):
    """The file that /var/lang/bin/python3 of the image is."""
    return docker("run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", IMAGE, "-c", "readlink -f /var/lang/bin/python3")


def make_base(docker):
    """Debian with Python, laid out as AWS's image: /var/lang/bin/python3, AWS's runtime client, a bootstrap that honours the wrapper."""
    wanted = f"{PACKAGES}{(EMULATOR_TESTS / 'requirements.txt').read_text()}{(EMULATOR_TESTS / 'bootstrap').read_text()}"
    stamp = CACHE / "base.made-from"
    if stamp.exists() and stamp.read_text() == wanted and docker("images", "--quiet", OWN_BASE):
        return
    root = archive.unpack(CACHE / "base", archive.debian("bookworm"), ["amd64"], PACKAGES)
    (root / "etc/passwd").write_text(f"root:x:0:0:root:/root:/bin/bash\n{USER}\n")
    (root / "etc/group").write_text("root:x:0:\nsbx:x:990:\n")
    (root / "etc/nsswitch.conf").write_text("passwd: files\nhosts: files dns\n")
    for folder in ("var/task", "var/runtime", "var/lang/bin", "opt", "tmp", "proc", "sys", "dev"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy(EMULATOR_TESTS / "bootstrap", root / "var/runtime/bootstrap")
    python = root / "var/lang/bin/python3"
    if not python.is_symlink():
        python.symlink_to("/usr/bin/python3.11")
    # Where Debian's Python looks for what no package of its own has brought.
    site = root / "usr/local/lib/python3.11/dist-packages"
    shutil.rmtree(site, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps", "--only-binary=:all:"]
    what = ["--python-version=3.11", f"--target={site}", "--root-user-action=ignore", "-r", str(EMULATOR_TESTS / "requirements.txt")]
    subprocess.run([*pip, *what], check=True)
    packed = subprocess.Popen(["tar", "--create", "--directory", str(root), "."], stdout=subprocess.PIPE)
    docker("import", "-", OWN_BASE, stdin=packed.stdout)
    if packed.wait():
        raise SystemExit("tar failed")
    stamp.write_text(wanted)
