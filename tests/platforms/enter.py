"""Runs a program in a root file system of another distribution or architecture: `enter.py ROOT [--emulator QEMU] [--bind FROM TO]… -- PROGRAM …`.

The process moves into user, mount, network and process namespaces of its own, so nothing of the machine is changed and no packet
leaves. The emulator is registered in a binfmt_misc that belongs to the user namespace (Linux 6.7), so that what the program starts is emulated,
too. /tmp is empty and writable, the rest of the root read-only.
"""

import ctypes
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "emulator"))

from harness.sandbox import (  # noqa: E402  (finds the harness by the line above)
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWUSER,
    MS_BIND,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    bring_up_loopback,
    libc,
    mount,
    unshare,
)

CLONE_NEWPID = 0x20000000
PR_SET_PDEATHSIG, SIGKILL = 1, 9
# Linux' Documentation/admin-guide/binfmt-misc.rst: an ELF of 64 bits, little-endian, executable or shared, for EM_AARCH64.
ARM64 = (
    rb":arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
    rb":\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:%s:PF"
)


def main(words):
    root, emulator, binds = Path(words[0]).resolve(), None, []
    words = words[1:]
    while words[0] != "--":
        if words[0] == "--emulator":
            emulator, words = words[1], words[2:]
        elif words[0] == "--bind":
            binds.append((words[1], words[2]))
            words = words[3:]
        else:
            raise SystemExit(f"enter: {words[0]}?")
    enter(root, binds, emulator)
    os.execvpe(words[1], words[1:], os.environ)


def enter(root, binds=(), emulator=None):
    """Moves this process there, as the second of its process namespace; the first is its parent, which waits for it and ends as it does."""
    said, answer = os.pipe(), os.pipe()
    outside = os.fork()
    if outside:
        os.read(said[0], 1)
        map_users(outside)
        os.write(answer[1], b"!")
    follow(outside)
    unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID)
    os.write(said[1], b"!")
    os.read(answer[0], 1)
    for each in (*said, *answer):
        os.close(each)
    follow(os.fork())
    follow(os.fork())
    bring_up_loopback([])
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount(str(root), str(root), None, MS_BIND)
    for name in ("proc", "dev", "tmp", *(to.lstrip("/") for _, to in binds)):
        (root / name).mkdir(parents=True, exist_ok=True)
    mount(None, str(root), None, MS_REMOUNT | MS_BIND | MS_RDONLY)
    mount("none", f"{root}/proc", "proc", 0)
    mount("/dev", f"{root}/dev", None, MS_BIND | MS_REC)
    mount("none", f"{root}/tmp", "tmpfs", 0, "mode=1777")
    for source, target in binds:
        # With what is mounted below it, which a namespace of users may not leave behind (mount_namespaces(7)).
        mount(source, f"{root}/{target}", None, MS_BIND | MS_REC)
    if emulator:
        mount("none", f"{root}/proc/sys/fs/binfmt_misc", "binfmt_misc", 0)
        register = Path(root, "proc/sys/fs/binfmt_misc/register")
        register.write_bytes(ARM64 % os.fsencode(emulator))
    os.chroot(root)
    os.chdir("/tmp")


def map_users(process):
    """Gives its user namespace every user and group that there is here, as themselves, so that files can be given away; or who started it, as root."""
    for kind, own in (("uid", os.geteuid()), ("gid", os.getegid())):
        if os.geteuid() == 0:
            known = [line.split() for line in Path(f"/proc/self/{kind}_map").read_text().splitlines()]
            lines = "".join(f"{inside} {inside} {count}\n" for inside, _, count in known)
        else:
            lines = f"0 {own} 1"
            Path(f"/proc/{process}/setgroups").write_text("deny")
        Path(f"/proc/{process}/{kind}_map").write_text(lines)


def follow(child):
    """In the child: goes on. In the parent: waits, and ends as the child did."""
    if child == 0:
        libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(SIGKILL))
        return
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


if __name__ == "__main__":
    main(sys.argv[1:])
