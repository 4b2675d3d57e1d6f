"""The images of the functions, one a runtime: the Dockerfile on a base that has been pulled, or on one that is made of Debian's packages."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from daemon import CACHE, REPOSITORY, archive

from harness.paths import CACHE as LAMBDA, EMULATOR, EMULATOR_TESTS, PROBE, RUNTIMES

HERE = Path(__file__).resolve().parent
OWN_BASE = "palisade-base"
IMAGE = "palisade-function"
LAYER = REPOSITORY / "dist/palisade-layer-x86_64.zip"
PACKAGES = ["libc6", "libc-bin", "libstdc++6", "bash", "dash", "coreutils", "python3", "ruby3.1", "openjdk-17-jre-headless"]
USER = "sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin"
INTERPRETERS = {"python": "python3", "node": "node", "java": "java", "ruby": "ruby", "dotnet": "dotnet"}
"""What a base has under /var/lang/bin, by which its runtime is known."""
OWN_INTERPRETERS = {
    "python": {"python3.11": "/usr/bin/python3.11", "python3": "/usr/bin/python3.11"},
    "java": {"java": "/usr/lib/jvm/java-17-openjdk-amd64/bin/java"},
    "ruby": {"ruby": "/usr/bin/ruby3.1"},
}
"""Those that are packages of Debian. Node.js and .NET are brought along, in the versions that AWS's clients need."""
OWN_DOCKERFILE = f"""FROM {OWN_BASE}
ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime
WORKDIR /var/task
COPY aws-lambda-rie /usr/local/bin/
COPY lambda-entrypoint.sh /
COPY lang/ /var/lang/
COPY runtime/ /var/runtime/
ENTRYPOINT ["/lambda-entrypoint.sh"]
"""
"""What AWS's Dockerfiles say, as far as it is known."""


def build(docker, base):
    """Builds an image for each runtime that there is, and says which those are; `base` may be any image with AWS's layout."""
    context = CACHE / "context"
    shutil.rmtree(context, ignore_errors=True)
    unpack_layer(context / "opt")
    shutil.copytree(PROBE, context / "task", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(EMULATOR, context)
    bases = own_bases(docker) if base == OWN_BASE else {runtime_of(docker, base): base}
    for name, its_base in bases.items():
        arguments = ["--build-arg", f"BASE={its_base}", "--tag", image_of(name), "--file", str(HERE / "Dockerfile")]
        docker("build", "--network", "none", *arguments, str(context))
    return list(bases)


def unpack_layer(folder):
    """What `unzip` makes of the layer."""
    with zipfile.ZipFile(LAYER) as layer:
        for entry in layer.infolist():
            path = Path(layer.extract(entry, folder))
            path.chmod(entry.external_attr >> 16 & 0o777)


def image_of(name):
    """The image of a runtime's functions."""
    return f"{IMAGE}-{name}"


def runtime_of(docker, base):
    """The runtime of a base that somebody else has made, fetched where it is not here yet."""
    if not docker("images", "--quiet", base):
        docker("pull", base)
    tests = "; ".join(f"[ ! -x /var/lang/bin/{command} ] || echo {name}" for name, command in INTERPRETERS.items())
    found = docker("run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", base, "-c", tests).split()
    if len(found) != 1:
        raise SystemExit(f"{base} is none of AWS's images: of the interpreters under /var/lang/bin it has {found or 'none'}")
    return found[0]


def interpreter(docker):
    """The file that /var/lang/bin/python3 of Python's image is."""
    return docker(
        "run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", image_of("python"), "-c", "readlink -f /var/lang/bin/python3"
    )


def own_bases(docker):
    """Debian with the five interpreters, and for each runtime what AWS's image has under /var/lang and /var/runtime."""
    make_root(docker)
    bases = {}
    for name in INTERPRETERS:
        room = CACHE / "own" / name
        shutil.rmtree(room, ignore_errors=True)
        parts = LAMBDA / "runtimes" / name
        shutil.copytree(parts / "runtime", room / "runtime", symlinks=True)
        shutil.copy(RUNTIMES / "wrapper-tail", room / "runtime")
        (room / "lang/bin").mkdir(parents=True)
        if name in OWN_INTERPRETERS:
            for link, target in OWN_INTERPRETERS[name].items():
                (room / "lang/bin" / link).symlink_to(target)
        else:
            shutil.copytree(parts / "lang/bin", room / "lang/bin", dirs_exist_ok=True)
        for path in (EMULATOR, HERE / "lambda-entrypoint.sh"):
            shutil.copy(path, room)
        (room / "Dockerfile").write_text(OWN_DOCKERFILE)
        bases[name] = f"{OWN_BASE}-{name}"
        docker("build", "--network", "none", "--tag", bases[name], str(room))
    return bases


def make_root(docker):
    """Debian's packages and AWS's runtime client for Python, as an image."""
    wanted = f"{PACKAGES}{(EMULATOR_TESTS / 'requirements.txt').read_text()}"
    stamp = CACHE / "base.made-from"
    if stamp.exists() and stamp.read_text() == wanted and docker("images", "--quiet", OWN_BASE):
        return
    root = archive.unpack(CACHE / "base", archive.debian("bookworm"), ["amd64"], PACKAGES)
    (root / "etc/passwd").write_text(f"root:x:0:0:root:/root:/bin/bash\n{USER}\n")
    (root / "etc/group").write_text("root:x:0:\nsbx:x:990:\n")
    (root / "etc/nsswitch.conf").write_text("passwd: files\nhosts: files dns\n")
    for folder in ("var/task", "var/runtime", "var/lang", "opt", "tmp", "proc", "sys", "dev"):
        (root / folder).mkdir(parents=True, exist_ok=True)
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
