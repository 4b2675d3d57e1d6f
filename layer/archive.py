"""Packages of a distribution, of any release and architecture, unpacked in a folder of their own.

apt resolves and checks them (the archive's signature, each file's hash) with settings, lists and a database that all lie in that
folder, so nothing is installed and nothing of this machine's apt is touched. It takes a Debian or Ubuntu to run on.
"""

import hashlib
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEBIAN = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"

APT = """
Dir "{folder}";
Dir::State "{folder}/state";
Dir::State::status "{folder}/state/status";
Dir::Cache "{folder}/cache";
Dir::Etc "{folder}/etc";
Dir::Etc::sourcelist "{folder}/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Log "{folder}/log";
APT::Architecture "{architectures[0]}";
APT::Architectures {{ {quoted} }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
"""


class CannotFetch(Exception):
    """Packages cannot be had here; the text says why."""


def debian(release):
    """The sources of a release of Debian, with its security updates where it has such."""
    # A mirror that stands still for two weeks has a signature of sid that has run out; what it signed is still what it was.
    options = f"signed-by={KEYRING}" + (" check-valid-until=no" if release == "sid" else "")
    sources = [f"deb [{options}] {DEBIAN} {release} main"]
    # Sid has none, and those of bullseye have left the mirrors.
    if release not in ("sid", "bullseye"):
        sources.append(f"deb [signed-by={KEYRING}] {SECURITY} {release}-security main")
    return sources


def unpack(folder, sources, architectures, packages):
    """The root below which the packages lie with everything that they depend on; made once, and again when what is asked for changes."""
    root, stamp = folder / "root", folder / "made-from"
    wanted = "\n".join([*sources, *architectures, *packages])
    if stamp.exists() and stamp.read_text() == wanted:
        return root
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise CannotFetch(f"{tool} is missing: packages are fetched on Debian and Ubuntu only")
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("etc/preferences.d", "etc/apt.conf.d", "state/lists/partial", "cache/archives/partial", "log"):
        (folder / part).mkdir(parents=True)
    (folder / "state/status").touch()
    (folder / "etc/sources.list").write_text("\n".join(sources) + "\n")
    quoted = " ".join(f'"{each}";' for each in architectures)
    settings = folder / "etc/apt.conf"
    settings.write_text(APT.format(folder=folder, architectures=architectures, quoted=quoted))
    environment = {**os.environ, "APT_CONFIG": str(settings), "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "-qq", "update"], environment)
    run(["apt-get", "-qq", "-y", "install", "--download-only", *packages], environment)
    lay(sorted((folder / "cache/archives").glob("*.deb")), root)
    for part in ("cache", "state", "log"):
        shutil.rmtree(folder / part)
    stamp.write_text(wanted)
    return root


def unpack_pinned(folder, files):
    """The same for files that are named with their hashes: releases whose archive nobody here has the keys of."""
    root, stamp = folder / "root", folder / "made-from"
    wanted = "\n".join(f"{url} {sha256}" for url, sha256 in files)
    if stamp.exists() and stamp.read_text() == wanted:
        return root
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    packages = []
    for url, sha256 in files:
        packages.append(folder / url.rpartition("/")[2])
        fetch(url, sha256, packages[-1])
    lay(packages, root)
    stamp.write_text(wanted)
    return root


def fetch(url, sha256, path):
    """One file that is known by its hash."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            content = answer.read()
    except OSError as problem:
        raise CannotFetch(f"{url}: {problem}") from problem
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise CannotFetch(f"{url} has sha256 {found}, wanted {sha256}")
    path.write_bytes(content)


def lay(packages, root):
    """Unpacks them all. Directories that are links in a merged /usr come first: `dpkg-deb` would put a directory there."""
    root.mkdir()
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for package in packages:
        # tar keeps a link to a directory, with this option, where the archive has the directory.
        archive = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE)
        command = ["tar", "--extract", "--keep-directory-symlink", "--no-same-owner", "--directory", str(root), "--file", "-"]
        unpacked = subprocess.run(command, stdin=archive.stdout, capture_output=True, text=True)
        if archive.wait() or unpacked.returncode:
            raise CannotFetch(f"{package.name} cannot be unpacked: {unpacked.stderr}")
        package.unlink()


def run(command, environment):
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise CannotFetch(f"{' '.join(command)} failed:\n{done.stdout}")


def architecture():
    """This machine's, in Debian's words."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
