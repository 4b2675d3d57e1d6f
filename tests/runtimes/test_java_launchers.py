"""The ways in which the JDK starts a program without its spawn helper, which the truth table goes by: vfork and fork."""

import unittest

from machine import prepared
from runtimes import RUNTIMES
from series import Series


class EachLaunchMechanismOfTheJdk(unittest.TestCase):
    longMessage = False

    def test_leaves_one_audit_that_names_the_program(self):
        place = prepared(RUNTIMES["java"])
        for mechanism in ("VFORK", "FORK"):
            environment = {"JAVA_TOOL_OPTIONS": f"-Djdk.lang.Process.launchMechanism={mechanism}"}
            for effect in ("prevent", "alert"):
                with self.subTest(f"{mechanism}, {effect}"):
                    cells = Series(place, effect, environment).run(lambda act: act.section == "process")
                    faults = [f"{cell.act.name}: {'; '.join(cell.faults)}" for cell in cells if cell.faults]
                    self.assertFalse(faults, "\n".join(faults))
