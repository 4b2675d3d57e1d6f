"""Without the library, and with it in each of two policies: how a command is run, and what must not come of it."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "target/release/libpalisade.so"
WRAPPER = REPOSITORY / "wrapper-script/palisade-wrapper"

OFF, ALERT, PREVENT = MODES = ("off", "alert", "prevent")
# Everything is a breach, is let through and put on record: in the long run only.
BREACHES = "breaches"


def policy(effect, allows):
    """Every section is on, and has something to look for that never comes."""

    def lists(allow, deny):
        return {"deny": [deny]} | ({"allow": [allow]} if allows else {})

    return json.dumps({
        "version": 1,
        "rules": [{
            "name": "transparency",
            # A static program that a test brings along is no breach here.
            "processes": {"effect": effect, "unfollowable": "allow", **lists("*", "/never/there")},
            "network": {"effect": effect, "outbound": lists("*", "203.0.113.251:9"), "listen": lists("1-65535", "1")},
            "dns": {"effect": effect, **lists("*", "never.example")},
            "filesystem": {"effect": effect, **lists("/**", "/never/**")},
        }],
    })


def policy_of_breaches():
    """Only what never comes is allowed."""
    return json.dumps({
        "version": 1,
        "rules": [{
            "name": "transparency",
            "processes": {"effect": "alert", "allow": ["/never/there"]},
            "network": {"effect": "alert", "outbound": {"allow": ["203.0.113.251:9"], "loopback": False}, "listen": {"allow": [1]}},
            "dns": {"effect": "alert", "allow": ["never.example"]},
            "filesystem": {"effect": "alert", "allow": ["/never/**"]},
        }],
    })


POLICIES = {ALERT: policy(ALERT, allows=False), PREVENT: policy(PREVENT, allows=True), BREACHES: policy_of_breaches()}

# A network of its own with nothing but loopback, a process tree that ends with its first process, and /proc as that tree sees it.
SANDBOX = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
os.execvp(sys.argv[1], sys.argv[1:])
"""


def sandbox():
    """What a command is started with; nothing where that is not to be had."""
    for command in (SANDBOX, ["unshare", "--map-root-user", *SANDBOX[1:]]):
        command = [*command, sys.executable, "-c", LOOPBACK_UP]
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return []


class Room:
    """Where commands are run: each in a new empty directory of its own."""

    def __init__(self, folder, library, is_long):
        self.folder = folder
        self.modes = (*MODES, BREACHES) if is_long else MODES
        self.library = library.resolve()
        self.sandbox = sandbox()
        self.numbers = itertools.count()

    def log(self, mode):
        return self.folder / f"audit.{mode}"

    def run(self, mode, command, timeout, **variables):
        """Runs the command, by its wrapper as Lambda would. `None` in place of an exit code: it did not end."""
        here = self.folder / f"{next(self.numbers)}"
        here.mkdir()
        # The same length in each mode; a temporary directory in an environment that nobody else's settings are in.
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(here),
            "TMPDIR": str(here),
            "LANG": "C.UTF-8",
            **variables,
        }
        if mode != OFF:
            command = [str(WRAPPER), *command]
            environment |= {
                "PALISADE_LIBRARY": str(self.library),
                "PALISADE_POLICY": POLICIES[mode],
                "PALISADE_AUDIT": f"file:{self.log(mode)}",
            }
        process = subprocess.Popen(
            [*self.sandbox, *command],
            cwd=here, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            # unshare(1) would not listen to less; with it goes the whole tree.
            os.killpg(process.pid, 9)
            out, err = process.communicate()
            return here, None, out, err
        return here, process.returncode, out, err

    def prove_the_library_is_there(self):
        """Without which everything below would be the same for a bad reason."""
        code = "import subprocess; print(open('/proc/self/maps').read(), flush=True); subprocess.run(['cat', '/proc/self/maps'])"
        faults = []
        for mode in self.modes:
            _, status, out, err = self.run(mode, [sys.executable, "-c", code], 60)
            maps = out.count(b"r-xp") and out.decode().count(str(self.library))
            processes = out.decode().count("[stack]")
            if status != 0 or processes != 2 or (mode == OFF) != (maps == 0):
                faults.append(f"set-up: the library is in {maps} mappings of {processes} processes under {mode} ({status}, {err.decode()})")
        return faults

    def records(self):
        """Nothing is a breach under the first two policies, so there is nothing to put on record."""
        return [
            f"{mode}: on record: {line}"
            for mode in (ALERT, PREVENT)
            if self.log(mode).exists()
            for line in self.log(mode).read_text().splitlines()[:10]
        ]
