"""How tight Lambda's sandbox is, as far as it is known, in the words of `docker run`.

The filter of system calls is a list of what is refused, for nobody outside AWS has seen theirs: each call here has been reported to fail in Lambda,
with that error. Whether Lambda has openat2 is not known, so the tests are run with it and without it. That clone3 gives EPERM is one report, and a
doubtful one: glibc tries clone instead only after ENOSYS, so from 2.34 on it could start neither a thread nor, by posix_spawn, a program.
"""

import errno
import json
from dataclasses import dataclass

EPERM = """
    prctl ptrace seccomp unshare setns bpf chroot pivot_root mount umount2 fallocate perf_event_open userfaultfd keyctl add_key
    request_key landlock_create_ruleset landlock_add_rule landlock_restrict_self
""".split()
ENOSYS = ["io_uring_setup", "io_uring_enter", "io_uring_register"]


USER = (993, 990)
SUITES = ("emulator", "runtimes")


@dataclass(frozen=True)
class Jail:
    """One filter: what clone3 and openat2 give, 0 for what the kernel gives. `fails`: tests of which glibc itself fails there, without us, too."""

    clone3: int
    openat2: int
    fails: frozenset = frozenset()
    suites: tuple = ("emulator",)

    def seccomp(self):
        """The profile for `--security-opt seccomp=`."""
        refused = {errno.EPERM: list(EPERM), errno.ENOSYS: list(ENOSYS)}
        for name in ("clone3", "openat2"):
            if number := getattr(self, name):
                refused[number].append(name)
        calls = [{"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": number} for number, names in refused.items()]
        # Another architecture's calls (int 0x80) are not in the list, and kill, as in Lambda.
        return json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": calls}, indent=1)


NEEDS_POSIX_SPAWN = frozenset(
    (
        "test_alert.AnAlert.test_lets_os_posix_spawn",
        "test_alert.AnAlert.test_lets_os_system",
        "test_demo.TheDemo.test_every_outcome_is_right_and_the_exit_code_says_so",
    )
)

JAILS = {
    "as-reported": Jail(errno.EPERM, 0, NEEDS_POSIX_SPAWN),
    "without-openat2": Jail(errno.ENOSYS, errno.ENOSYS, suites=SUITES),
    "openat2-refused": Jail(errno.ENOSYS, errno.EPERM),
}


def options(profile, task, opt, room):
    """The options of `docker run`: nothing but /tmp can be written, and nobody there is anybody."""
    return [
        *("--read-only", "--tmpfs", "/tmp:rw,exec,nosuid,nodev,size=512m,mode=1777"),
        *("--volume", f"{room}:{room}"),  # what the tests themselves put below /tmp
        *("--ipc", "none"),  # no /dev/shm
        *("--user", "{}:{}".format(*USER), "--cap-drop", "ALL"),
        # runc drops privileges by prctl, which the filter refuses; with this option it loads the filter after that.
        *("--security-opt", "no-new-privileges", "--security-opt", f"seccomp={profile}"),
        *("--pids-limit", "1024", "--ulimit", "nofile=1024:1024"),
        *("--workdir", "/var/task", "--volume", f"{task}:/var/task:ro", "--volume", f"{opt}:/opt:ro"),
        *("--network", "host"),  # the test's own namespace, which has no way out
    ]
