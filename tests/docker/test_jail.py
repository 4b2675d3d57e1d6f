"""Is the jail as tight as it says? Otherwise the other tests say nothing about Lambda."""

import errno

import jail
from case import EmulatorTest

STATE = """
import os
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
def may_write(folder):
    try:
        open(f"{folder}/palisade-probe", "w").close()
    except OSError:
        return False
    return True
answer = {
    "uid": os.getuid(), "gid": os.getgid(),
    "capabilities": [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "seccomp": status["Seccomp"].strip(),
    "writable": [folder for folder in ("/", "/tmp", "/var", "/var/task", "/opt", "/etc", "/usr", "/dev", "/run", "/home") if may_write(folder)],
    "shm": os.path.exists("/dev/shm"),
}
"""

CALLS = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
numbers = {"prctl": 157, "ptrace": 101, "seccomp": 317, "unshare": 272, "clone3": 435, "io_uring_setup": 425, "openat2": 437}
answer = {}
for name, number in numbers.items():
    ctypes.set_errno(0)
    result = libc.syscall(number, 0x7fff, 0, 0, 0)
    answer[name] = errno.errorcode.get(ctypes.get_errno(), "none") if result == -1 else "done"
"""


class TheJail(EmulatorTest):
    jail = jail.JAILS["as-reported"]
    """run.py puts the one here that it has made."""

    def test_is_nobody_with_nothing_to_write_to(self):
        with self.function(wrapper=None) as function:
            state = self.does(function, STATE)
        self.assertEqual(state, {"uid": 993, "gid": 990, "capabilities": [0] * 5, "seccomp": "2", "writable": ["/tmp"], "shm": False})

    def test_refuses_what_lambda_refuses(self):
        with self.function(wrapper=None) as function:
            answers = self.does(function, CALLS)
        wanted = {**dict.fromkeys(("prctl", "ptrace", "seccomp", "unshare"), "EPERM"), "io_uring_setup": "ENOSYS"}
        for name in ("clone3", "openat2"):
            found = answers.pop(name)
            if number := getattr(self.jail, name):
                self.assertEqual(found, errno.errorcode[number], name)
            else:
                self.assertNotIn(found, ("EPERM", "ENOSYS"), name)
        self.assertEqual(answers, wanted)
