"""A policy that was learnt from honest callers serves honest callers without a word, and refuses every attack of the demo."""

import tempfile
import unittest
from pathlib import Path

from function import Example, answers, learn, log_of, told
from load import FIRST, SECOND, attacks, load
from runtimes import RUNTIMES
from series import Verdicts


class TheProof:
    longMessage = False
    runtime = ""

    def setUp(self):
        self.example = Example(self.runtime)
        self.world = self.example.world
        folder = tempfile.TemporaryDirectory(prefix="palisade-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.loot = "/tmp/loot"

    def test_of_a_function_that_starts_no_programs(self):
        self.prove(programs=False, learning={"PALISADE_MODE": "learn"})

    def test_of_a_function_that_starts_programs(self):
        learning = '{"version": 1, "mode": "learn", "rules": [{"name": "watched"}]}'
        self.prove(programs=True, learning={"PALISADE_POLICY": learning})

    def prove(self, programs, learning):
        with self.example.under(wrapper=None) as running:
            without = [answers(running, load(self.world, which, programs)) for which in (FIRST, SECOND)]
            for case in attacks(self.world, self.loot):
                body = running.invoke(case.event).body
                got = case.success(body if isinstance(body, dict) else {})
                self.assertIsNotNone(got, f"{case.title} has to succeed without Palisade: {body}\n{running.log_text()}")
        with self.example.under(environment=learning) as running:
            self.assertEqual(answers(running, load(self.world, FIRST, programs)), without[0], running.log_text())
            log = log_of(running)
        policy = learn(log, self.folder)
        with self.example.under(policy) as running:
            verdicts = Verdicts(running)
            for which, expected in zip((FIRST, SECOND), without):
                found = answers(running, load(self.world, which, programs))
                records = verdicts.since(0, 0)
                self.assertEqual((found, records), (expected, []), told(policy, records, running))
            seen = 0
            for case in attacks(self.world, self.loot):
                body = running.invoke(case.event).body
                records = verdicts.since(seen, 1)
                seen += len(records)
                got = case.success(body if isinstance(body, dict) else {})
                self.assertIsNone(got, f"{case.title}: {got}\n{told(policy, records, running)}")
                types = {record["type"] for record in records}
                # A shell that may run meets its limits where its command does something: at a program, or at a file.
                expected = {"process", "filesystem"} if programs and case.audit_type == "process" else {case.audit_type}
                self.assertTrue(records and types <= expected, f"{case.title}\n{told(policy, records, running)}")
                self.assertEqual({record["effect"] for record in records}, {"prevent"})


for _runtime in RUNTIMES.values():
    _name = f"TheProof_{_runtime.name}"
    globals()[_name] = type(_name, (TheProof, unittest.TestCase), {"runtime": _runtime.name, "__module__": __name__})
