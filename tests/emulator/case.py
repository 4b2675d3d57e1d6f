"""What the end-to-end tests share: a probe function in the emulator, and the audit records that belong to one act."""

import contextlib
import json
import unittest

from harness import audit
from harness.emulator import Emulator
from harness.paths import PROBE
from harness.world import world


def policy(name="tested", **sections):
    """A policy of one rule, as text: `policy(processes={...}, dns={...})`."""
    return json.dumps({"version": 1, "rules": [{"name": name, **sections}]})


MAIN_ONLY = {"effect": "prevent", "main_only": True}


class EmulatorTest(unittest.TestCase):
    """A test with a function of its own."""

    def setUp(self):
        self.world = world()
        self.layout = self.world.layout

    def needs_real_paths(self):
        """For tests about /opt and /var/task themselves, which only exist inside the namespaces."""
        if not self.world.sandbox.isolated:
            self.skipTest("/opt and /var/task are the machine's own here; as root this test runs")

    def lay(self):
        """The probe function and an untouched layer, no policy anywhere."""
        self.layout.lay_function(PROBE)
        self.layout.lay_layer()

    @contextlib.contextmanager
    def function(self, environment=None, wrapper=True, laid=False):
        """The probe function, started with Palisade; every audit line it leaves has to be a good one."""
        if not laid:
            self.lay()
        chosen = self.layout.wrapper if wrapper is True else wrapper
        with Emulator(self.layout, environment, chosen) as function:
            yield function
        for line in function.log:
            if audit.parse(line.raw) is not None:
                self.assertEqual(audit.faults(line.raw), [], line.text)
                self.assertEqual(line.stream, "stdout", "in Lambda audits go to stdout: " + line.text)

    def does(self, function, source):
        """Has the function run Python that must succeed; its answer."""
        answer = function.python(source)
        self.assertIsNone(answer.error, function.log_text())
        return answer.body

    def audits_of(self, function, source, wanted=1):
        """Runs Python in the function: the answer, and the verdicts on record since, of which there must be `wanted`."""
        before = len(self.verdicts(function))
        answer = function.python(source)
        function.audits(before + wanted)
        left = self.verdicts(function)[before:]
        self.assertEqual(len(left), wanted, f"{left}\n{answer}\n{function.log_text()}")
        for record in left:
            self.assertEqual(record.get("count", 1), 1, record)
        return answer, left

    @staticmethod
    def verdicts(function):
        """The records about an act; a `policy` record is about Palisade itself."""
        return [record for record in audit.records(function.log) if record["type"] != "policy"]

    def stopped_with(self, function):
        """Invokes a function whose start must be stopped: exit 78, and this one line is all that was written."""
        self.assertEqual(function.invoke_in_vain({"python": ""}), 78, function.log_text())
        lines = function.own_lines()
        self.assertEqual(len(lines), 1, function.log_text())
        record = json.loads(lines[0].raw)
        self.assertEqual(record["level"], "ERROR", record)
        return record

    def runs_undefended(self, function):
        """Invokes a function that must run without defence and say so: the one line that says it."""
        self.assertEqual(self.does(function, RUNS_A_PROGRAM), "ran\n")
        lines = [line for line in function.own_lines() if line.text.startswith("{")]
        self.assertEqual(len(lines), 1, function.log_text())
        record = json.loads(lines[0].raw)
        self.assertIn("undefended", record["msg"].lower(), record)
        return record


RUNS_A_PROGRAM = """
import subprocess
answer = subprocess.run(["/bin/echo", "ran"], capture_output=True, text=True).stdout
"""
