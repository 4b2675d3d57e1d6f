"""The truth table: each runtime × each way of its standard library × each effect."""

import concurrent.futures
import unittest

from expected_failures import EXPECTED_FAILURES
from machine import prepared
from runtimes import RUNTIMES
from series import EFFECTS, Series
from table import differences, section


class TruthTable:
    """The tests of one runtime; the classes below are made from it."""

    runtime = None
    longMessage = False

    @classmethod
    def setUpClass(cls):
        place = prepared(cls.runtime)
        with concurrent.futures.ThreadPoolExecutor(len(EFFECTS)) as pool:
            runs = {effect: pool.submit(Series(place, effect).run) for effect in EFFECTS}
            cls.cells = {effect: run.result() for effect, run in runs.items()}
        cls.known = EXPECTED_FAILURES.get(cls.runtime.name, {})

    def each_cell_is_right(self, effect):
        faults = [
            f"{cell.act.name}: {'; '.join(cell.faults)}" for cell in self.cells[effect] if cell.faults and cell.act.name not in self.known
        ]
        self.assertFalse(faults, f"{self.runtime.title} under {effect}:\n" + "\n".join(faults))

    def test_prevent_refuses_with_the_languages_own_failure_and_one_audit(self):
        self.each_cell_is_right("prevent")

    def test_alert_lets_everything_work_with_one_audit(self):
        self.each_cell_is_right("alert")

    def test_disable_lets_everything_work_without_audit(self):
        self.each_cell_is_right("disable")

    def test_what_is_expected_to_fail_still_does(self):
        failing = {cell.act.name for cells in self.cells.values() for cell in cells if cell.faults}
        self.assertFalse(
            sorted(set(self.known) - failing), f"{sorted(set(self.known) - failing)} are right now: take them out of expected_failures.py"
        )

    def test_each_act_is_worth_one_audit_or_says_why_not(self):
        for cell in self.cells["prevent"]:
            expected = {cell.act.expected(effect) for effect in ("prevent", "alert")}
            if cell.act.section != "honest" and expected != {1}:
                self.assertTrue(cell.act.why, cell.act.name)

    def test_every_section_has_its_acts(self):
        self.assertEqual(
            {cell.act.section for cell in self.cells["prevent"]},
            {"process", "resolve", "connect", "listen", "read", "write", "honest"},
        )

    def test_the_document_has_what_was_found(self):
        wrong = differences(self.runtime, section(self.runtime, self.cells))
        self.assertFalse(wrong, "docs/runtimes.md differs (UPDATE_DOCS=1 writes it anew):\n" + "\n".join(wrong))


for _runtime in RUNTIMES.values():
    _name = f"TruthTable_{_runtime.name}"
    globals()[_name] = type(_name, (TruthTable, unittest.TestCase), {"runtime": _runtime, "__doc__": _runtime.title})
