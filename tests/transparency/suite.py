"""CPython's own test suite: each test's outcome, without the library and with it."""

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree
from collections import defaultdict
from pathlib import Path

from differences import EXPECTED, NOT_RUN
from modes import OFF

# Modules of the test suite, and what of them is run by `make test`: everything, or the tests that a pattern names.
SHORT = {
    "test_os": [],
    "test_posix": [],
    "test_fileio": [],
    "test_tempfile": [],
    "test_shutil": [],
    "test_pathlib": [],
    "test_popen": [],
    "test_pty": [],
    "test_select": [],
    "test_fcntl": [],
    "test_ctypes": [],
    "test_httpservers": [],
    "test_subprocess": ["test_pass_fds", "test_fork_exec", "test_vfork", "test_exception", "test_preexec", "test_restore_signals", "test_start_new_session", "test_shell", "test_swap_fds"],
    "test_socket": ["BasicTCPTest", "BasicUDPTest", "GeneralModuleTests", "SendmsgUDPTest", "RecvmsgTCPTest", "TestUnixDomain"],
    "test_asyncio.test_subprocess": ["SubprocessFastWatcherTests"],
}

# What a program does with the system beneath it. Without test_ioctl, of which nothing runs: each run is a session of its own, and has no terminal.
LONG = """
    test_subprocess test_os test_posix test_popen test_pty test_openpty test_fork1 test_wait3 test_wait4 test_thread test_threading test_signal
    test_threadsignals test_multiprocessing_fork test_multiprocessing_forkserver test_multiprocessing_spawn test_multiprocessing_main_handling
    test_concurrent_futures test_faulthandler test_resource test_atexit test_eintr
    test_io test_fileio test_file test_bufio test_mmap test_tempfile test_shutil test_pathlib test_posixpath test_genericpath test_glob
    test_filecmp test_fileinput test_linecache test_stat test_fcntl test_tty test_termios test_unicode_file
    test_unicode_file_functions test_zipfile test_tarfile test_gzip test_bz2 test_lzma test_sqlite3 test_dbm test_shelve test_mailbox
    test_pwd test_grp test_getpass test_syslog test_pipes
    test_socket test_select test_selectors test_poll test_epoll test_asyncio test_asyncore test_asynchat test_ssl test_httpservers test_ftplib
    test_smtplib test_smtpd test_poplib test_imaplib test_telnetlib test_nntplib test_netrc test_urllib test_urllib2 test_urllib2_localnet
    test_xmlrpc test_docxmlrpc test_wsgiref test_logging test_uuid test_platform
    test_cmd_line test_cmd_line_script test_site test_sys test_runpy test_import test_importlib test_zipimport test_zipapp test_venv
    test_compileall test_py_compile test_embed test_capi test_ctypes test_tracemalloc test_builtin test_utf8_mode test_c_locale_coercion
    test_audit
""".split()

# Resources of the test suite that are not used: there is no network but loopback, and nothing is to be heavy.
HEAVY = ("network", "urlfetch", "largefile", "cpu", "audio", "gui", "tzdata", "walltime")
PATIENCE = 600
TRIES = 3


# What an interpreter says about itself: its own path (pyenv's is a shell script that searches for it), where its test suite is, and
# which of the suite's resources there are to ask for.
INTRODUCTION = f"""
import sys, test, test.test_subprocess
from test.libregrtest.cmdline import RESOURCE_NAMES
print(sys.executable, test.__path__[0], ",".join(name for name in RESOURCE_NAMES if name not in {HEAVY}), sep="\\n")
"""


def interpreter(asked):
    """The first interpreter that has its test suite, which distributions pack by itself; what it says about itself."""
    installed = [*Path.home().glob(".pyenv/versions/3.1*/bin/python3")]
    found = [shutil.which(name) for name in ("python3", "/usr/bin/python3")]
    for python in [asked] if asked else [sys.executable, *found, *sorted(installed)]:
        answer = python and subprocess.run([python, "-c", INTRODUCTION], capture_output=True, text=True, check=False)
        if answer and answer.returncode == 0:
            return answer.stdout.splitlines()
    return None


def compare(room, pool, asked, names, is_long):
    known = interpreter(asked)
    if known is None:
        text = "no interpreter here has its test suite (Debian 12: libpython3.11-testsuite)"
        if asked or "CI" in os.environ:
            return [text]
        print("left out: " + text)
        return []
    python, folder, resources = known
    chosen = dict.fromkeys(LONG, []) if is_long else SHORT
    if names:
        chosen = {name: [] for name in names if name.startswith("test_")}
    chosen = {name: patterns for name, patterns in chosen.items() if is_there(Path(folder), name)}
    print(f"{python}: {len(chosen)} modules")
    faults, counted = [], 0
    for tests, found in pool.map(lambda name: Module(room, python, resources, name, chosen[name]).compare(), chosen):
        counted += tests
        faults += found
    print(f"{counted} tests of {python}")
    return faults


def is_there(folder, name):
    path = folder.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


class Module:
    """A module of the test suite: what became of each test, by mode."""

    def __init__(self, room, python, resources, name, patterns):
        self.room, self.name, self.patterns = room, name, patterns
        self.command = [python, "-m", "test", "-u", resources, "--timeout", str(PATIENCE - 60), "--junit-xml", "junit.xml"]

    def compare(self):
        """How many tests there are, and what is different for no reason that is known."""
        began = time.monotonic()
        outcomes = {mode: self.run(mode, self.patterns) for mode in self.room.modes}
        if len(outcomes[OFF]) < 2:
            return 0, [f"{self.name}: no test ran: {self.said}"]
        differing = self.differing(outcomes)
        tries = 0
        while differing and tries < TRIES:
            # A test that is late on a busy machine is not the library's doing: one that is, is different every time.
            tries += 1
            again = {mode: self.run(mode, sorted(self.patterns_of(differing))) for mode in self.room.modes}
            still = self.differing(again) & differing
            for test in sorted(differing - still):
                print(f"  unsteady: {self.name}: {test}: " + self.describe(outcomes, test))
            outcomes, differing = again, still
        expected = EXPECTED.get(self.name, {})
        faults = [f"{self.name}: {test}: " + self.describe(outcomes, test) for test in sorted(differing) if test not in expected]
        print(f"  {self.name}: {len(outcomes[OFF]) - 1} tests, {time.monotonic() - began:.0f} s" + f", {len(faults)} DIFFERENT" * bool(faults), flush=True)
        return len(outcomes[OFF]) - 1, faults

    @staticmethod
    def patterns_of(tests):
        return {test.split(" ")[0] for test in tests} if WHOLE not in tests else set()

    def differing(self, outcomes):
        return {
            test
            for test in set().union(*outcomes.values())
            if len({tuple(outcomes[mode].get(test, ())) for mode in self.room.modes}) > 1
        }

    def describe(self, outcomes, test):
        return ", ".join(f"{mode} {' and '.join(outcomes[mode].get(test, ['missing']))}" for mode in self.room.modes)

    def run(self, mode, patterns):
        """The outcomes of each test by its name, and of the run itself under the name `WHOLE`."""
        command = list(self.command)
        for pattern in patterns:
            command += ["-m", pattern if "." in pattern else f"*{pattern}*"]
        for pattern in NOT_RUN:
            command += ["-i", pattern]
        here, status, out, err = self.room.run(mode, [*command, self.name], PATIENCE)
        self.said = (out + err).decode(errors="replace")[-500:]
        outcomes = defaultdict(list)
        outcomes[WHOLE].append("did not end" if status is None else f"exit {status}")
        report = here / "junit.xml"
        if report.exists():
            for case in xml.etree.ElementTree.parse(report).iter("testcase"):
                outcomes[case.get("name")].append(outcome(case))
        shutil.rmtree(here, ignore_errors=True)
        return outcomes


WHOLE = "(the run)"


def outcome(case):
    for child in case:
        if child.tag in ("failure", "error", "skipped"):
            # Why a test is left out is part of its outcome; the text of a failure is full of addresses.
            return f"{child.tag}: {child.text}" if child.tag == "skipped" else child.tag
    return case.get("result") or case.get("status")
