"""Nothing configured but the layer and its wrapper: every runtime starts, answers, and runs no program."""

import unittest

from machine import prepared
from place import function
from places import Ground
from runtimes import RUNTIMES
from series import Verdicts

A_PROGRAM = {
    "python": ("subprocess.run", "PermissionError 13"),
    "node": ("child_process.execFileSync", "EACCES"),
    "java": ("Runtime.exec(String)", "IOException"),
    "ruby": ("backticks", "Errno::EACCES"),
    "dotnet": ("Process.Start(ProcessStartInfo)", "Win32Exception 13"),
}


class TheBuiltInPolicy(unittest.TestCase):
    def test_refuses_programs_in_every_runtime_and_nothing_else(self):
        ground = Ground()
        self.addCleanup(ground.remove)
        for runtime in RUNTIMES.values():
            with self.subTest(runtime.title), function(prepared(runtime)) as running:
                ground.reset()
                verdicts = Verdicts(running)
                act, refusal = A_PROGRAM[runtime.name]
                answer = running.invoke({"act": act, "target": ground.target(1)}).body
                self.assertTrue(str(answer.get("refused")).startswith(refusal), f"{answer}\n{running.log_text()}")
                (record,) = verdicts.since(0, 1)
                self.assertEqual((record["type"], record["effect"], record["function"]), ("process", "prevent", f"probe-{runtime.name}"))
                for harmless in ("reading and writing elsewhere", "a connection to loopback"):
                    answer = running.invoke({"act": harmless, "target": ground.target(2)}).body
                    self.assertIn("answer", answer, running.log_text())
                self.assertEqual(len(verdicts.since(1, 0)), 0)
