"""`examples/doctor` in the jail: it sees what is refused there, and behind the wrapper also what Palisade refuses."""

import errno

import jail
from case import EmulatorTest
from harness.paths import REPOSITORY


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
