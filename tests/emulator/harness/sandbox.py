"""A place of our own to attack in: own network, own /opt, /var/task and /etc/resolv.conf, seen by this process only.

As root, or as a user where the kernel lets users make namespaces, the process moves into a new mount and a new network
namespace. There the layer and the function lie at their real paths, names are answered by our own server, and no packet
can leave: the only network device is loopback, which also bears the addresses of `HOSTS`. Nothing on the machine itself
is changed, and all of it is gone when the process ends.

Where neither is possible, the same tree lies under `target/` and this machine plays the attacker's host, under a name
of /etc/hosts; `Sandbox.isolated` is false then, and the tests that need the real paths say that they were not run.
"""

import ctypes
import fcntl
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .paths import CACHE, VENV

# Reserved for documentation (RFC 2606, RFC 5737): nobody's names and addresses, should a test ever escape.
HOSTS = {"evil.example": "203.0.113.7", "carrier.example": "198.51.100.5"}
RESOLVER = "192.0.2.53"

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x40000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8913, 0x8914, 0x8916, 0x1

libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Host:
    """A host that a function is told to send something to: as a URL names it, and where its web server listens."""

    name: str
    address: str
    port: int = 0
    """The web server's port; 0 for any that is free."""


@dataclass
class Sandbox:
    """Where a function is laid out, and who its neighbours are."""

    isolated: bool
    root: Path
    partner: Host
    """A host that the example's policy allows."""
    attacker_by_name: Optional[Host]
    """A host that it does not allow, for a function that resolves names; None where there is no such name."""
    attacker_by_number: Optional[Host]
    """The same for a function that is given an address."""


def enter():
    """Moves this process into its own namespaces where that can be done. To be called once, before any thread."""
    try:
        unshare_as_allowed()
    except OSError as refusal:
        return without_namespaces(refusal)
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    # `files` and `dns` only: systemd-resolved and nscd would answer from outside, through their sockets.
    graft("/etc", {"resolv.conf": f"nameserver {RESOLVER}\n", "nsswitch.conf": "hosts: files dns\n"})
    graft("/var", {"task": Path, "runtime": Path, "lang": VENV})
    graft("/opt", {})
    if os.path.isdir("/run/nscd"):
        mount("none", "/run/nscd", "tmpfs", 0)
    bring_up_loopback([RESOLVER, *HOSTS.values()])
    return Sandbox(
        isolated=True,
        root=Path("/"),
        partner=Host("carrier.example", HOSTS["carrier.example"], 80),
        attacker_by_name=Host("evil.example", HOSTS["evil.example"], 80),
        attacker_by_number=Host(HOSTS["evil.example"], HOSTS["evil.example"], 80),
    )


def unshare_as_allowed():
    """New mount and network namespaces; if we may not, the same as root of a user namespace of our own."""
    try:
        unshare(CLONE_NEWNS | CLONE_NEWNET)
    except PermissionError:
        uid, gid = os.geteuid(), os.getegid()
        unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def without_namespaces(refusal):
    """The second best: this machine plays every host, so that still no packet leaves it."""
    by_name, by_number = name_in_etc_hosts(), own_address()
    shown = " and ".join(host.name for host in (by_name, by_number) if host)
    left_out = [what for what, host in (("by name", by_name), ("by address", by_number)) if not host]
    print(
        f"note: no namespaces here ({refusal}).\n"
        "  The layer lies under target/lambda/root instead of /opt. This machine itself plays\n"
        f"  the attacker's host, as {shown or 'nothing'}."
        + (f" It has nothing that could be attacked {' and '.join(left_out)}: LEFT OUT." if left_out else "")
        + "\n  To see it all, let namespaces be made. One of these:\n"
        "  - as root (in Docker: --privileged)\n"
        "  - sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), kernel.unprivileged_userns_clone=1 (Debian)\n",
        flush=True,
    )
    return Sandbox(
        isolated=False,
        root=CACHE / "root",
        partner=Host("localhost", "127.0.0.1"),
        attacker_by_name=by_name,
        attacker_by_number=by_number,
    )


def name_in_etc_hosts():
    """Another name of this machine, found without asking the network. No policy forbids `localhost` and the host's name."""
    allowed_always = {"localhost", "localhost.localdomain", socket.gethostname()}
    for line in Path("/etc/hosts").read_text(errors="replace").splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        for name in names:
            if name not in allowed_always and not name.endswith(".localhost") and is_ours(address):
                return Host(name, address)
    return None


def own_address():
    """The machine's own address, if it is none of loopback, which a policy leaves open."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        try:
            route.connect((HOSTS["evil.example"], 9))  # only looks for a route: a datagram socket sends nothing yet
        except OSError:
            return None
        address = route.getsockname()[0]
    return None if address.startswith("127.") else Host(address, address)


def is_ours(address):
    """Whether a web server can listen at an address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def graft(directory, additions):
    """Puts a writable copy of a directory's outside over it: its entries are still there, `additions` are new.

    An addition is a file (its text), a symbolic link (a path) or an empty folder (`Path` itself).
    """
    beneath = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    names = os.listdir(directory)
    mode = os.stat(directory).st_mode & 0o7777
    mount("none", directory, "tmpfs", 0, f"mode={mode:o}")
    for name in names:
        if name not in additions:
            graft_entry(f"/proc/self/fd/{beneath}/{name}", Path(directory, name))
    os.close(beneath)
    for name, addition in additions.items():
        target = Path(directory, name)
        if addition is Path:
            target.mkdir()
        elif isinstance(addition, Path):
            target.symlink_to(addition)
        else:
            target.write_text(addition)


def graft_entry(source, target):
    """One old entry under its old name: a link again, or the file or folder itself, bound."""
    if os.path.islink(source):
        target.symlink_to(os.readlink(source))
        return
    if os.path.isdir(source):
        target.mkdir()
    else:
        target.touch()
    mount(source, str(target), None, MS_BIND | MS_REC)


def make_mount(folder):
    """Makes a folder a mount of its own, so that it can be made read-only by itself."""
    mount(folder, folder, None, MS_BIND)


def set_read_only(folder, read_only):
    """What `make_mount` or `graft` has mounted: whether even root may write there."""
    mount(None, folder, None, MS_REMOUNT | MS_BIND | (MS_RDONLY if read_only else 0))


def bring_up_loopback(addresses):
    """Switches `lo` on and gives it more addresses, as `ip` would (which need not be installed)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))
        for number, address in enumerate(addresses, 1):
            alias = f"lo:{number}".encode()
            fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16sHH4s8x", alias, socket.AF_INET, 0, socket.inet_aton(address)))


def unshare(flags):
    check(libc.unshare(flags), "unshare")


def mount(source, target, kind, flags, data=None):
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    source_, target_, kind_, data_ = encoded
    check(libc.mount(source_, target_, kind_, ctypes.c_ulong(flags), data_), f"mount {target}")


def check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
