"""`examples/doctor` and `palisade doctor` in the jail: they see what is refused there, and behind the wrapper also what Palisade refuses."""

import errno
import os
import shutil

import jail
from case import EmulatorTest, policy
from harness.paths import REPOSITORY

COMMAND = REPOSITORY / "target/release/palisade"
ASK = """
import json, subprocess
done = subprocess.run(["/var/task/palisade", "doctor", "--format", "json"], capture_output=True, text=True)
answer = {"code": done.returncode, "said": done.stderr, "report": json.loads(done.stdout)}
"""


class TheDoctor(EmulatorTest):
    jail = jail.JAILS["as-reported"]
    """run.py puts the one here that it has made."""

    def diagnosis(self, wrapper):
        self.layout.lay_function(REPOSITORY / "examples/doctor")
        self.layout.lay_layer()
        with self.function(wrapper=wrapper, laid=True) as function:
            answer = function.invoke({})
            self.assertIsNone(answer.error, function.log_text())
            return answer.body

    def answers(self, name):
        number = getattr(self.jail, name)
        return errno.errorcode[number] if number else "works"

    def test_sees_the_sandbox(self):
        found = self.diagnosis(wrapper=None)
        refused = dict.fromkeys(("prctl", "ptrace", "seccomp", "unshare", "fallocate", "landlock"), "EPERM")
        allowed = dict.fromkeys(("memfd_create", "process_vm_readv"), "works")
        mixed = {"io_uring_setup": "ENOSYS", "clone3": self.answers("clone3"), "openat2": self.answers("openat2")}
        self.assertEqual(found["calls"], {**refused, **allowed, **mixed})
        self.assertEqual((found["user"], found["writable"], found["dev_shm"]), ([993, 990], ["/tmp"], False))
        self.assertEqual((found["loaded"], found["stdout"]["type"]), (False, "pipe"))
        self.assertEqual(found["posix_spawn"], "EPERM" if mixed["clone3"] == "EPERM" else "works")

    def test_sees_palisade(self):
        found = self.diagnosis(wrapper=True)
        self.assertEqual((found["loaded"], found["layer"], found["posix_spawn"]), (True, True, "EACCES"))


class TheCommand(EmulatorTest):
    jail = jail.JAILS["as-reported"]
    """run.py puts the one here that it has made."""

    def findings(self, environment=None, wrapper=None):
        """What `palisade doctor` finds as a child of the function: state and value, by name."""
        self.lay()
        shutil.copy(COMMAND, self.layout.task)
        with self.function(environment, wrapper=wrapper, laid=True) as function:
            answer = self.does(function, ASK)
        report = answer["report"]
        self.assertEqual((answer["said"], answer["code"], report["fit"]), ("", 0, True), report)
        return {finding["name"]: (finding["state"], finding["value"]) for part in report["parts"] for finding in part["findings"]}

    def refusal(self, number):
        return f"refused: {os.strerror(number)} (os error {number})" if number else "works"

    def test_sees_the_sandbox(self):
        found = self.findings()
        # Without clone3 glibc takes clone; where it is refused, no thread and no posix_spawn is to be had.
        clone3 = self.jail.clone3 if self.jail.clone3 != errno.ENOSYS else 0
        wanted = {
            "user": ("good", "993:990"),
            "writable": ("good", "/tmp"),
            "capabilities": ("good", "0" * 16),
            "seccomp": ("good", "a filter"),
            "no_new_privs": ("good", "1"),
            "prctl": ("good", self.refusal(errno.EPERM)),
            "memfd_create": ("good", "works"),
            "openat2": ("good", self.refusal(self.jail.openat2)),
            "threads": ("warning" if clone3 else "good", self.refusal(clone3)),
            "posix_spawn": ("warning" if clone3 else "good", self.refusal(clone3)),
            "stdout": ("good", "a pipe, can be opened again"),
            "stderr": ("good", "a pipe, can be opened again"),
            "wrapper": ("warning", "AWS_LAMBDA_EXEC_WRAPPER is not set"),
            "policy": ("good", "the built-in default: only the main process may run programs"),
            "at work here": ("good", "no"),
        }
        self.assertEqual({name: found[name] for name in wanted}, wanted)
        library = "/opt/palisade/libpalisade.so"
        not_asked = ("warning", f"{library}: nothing could be started: {os.strerror(clone3)} (os error {clone3})") if clone3 else None
        self.assertEqual(found["library"], not_asked or ("good", f"{library} can be loaded"))
        self.assertRegex(found["libc"][1], r"^glibc 2\.\d\d, /")
        self.assertIn("/var/lang/bin/python3", found["runtime"][1])

    def test_sees_palisade(self):
        allowed = policy(processes={"effect": "prevent", "allow": ["/var/task/palisade", "/usr/bin/dash"]})
        found = self.findings({"PALISADE_POLICY": allowed}, wrapper=True)
        wanted = {
            "wrapper": ("good", "/opt/palisade-wrapper"),
            "library": ("good", "/opt/palisade/libpalisade.so is there, and one is loaded"),
            "policy": ("good", "PALISADE_POLICY is valid"),
            "at work here": ("good", "yes: the library is loaded into this very process"),
        }
        self.assertEqual({name: found[name] for name in wanted}, wanted)
