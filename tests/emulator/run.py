"""Runs the end-to-end tests: `python3 tests/emulator/run.py [test_file[.Class[.test]] …]`. The release build comes first."""

import sys
import unittest
from pathlib import Path

from harness.world import world


class Result(unittest.TextTestResult):
    """Counts what passed, too."""

    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main(names):
    world()
    here = str(Path(__file__).parent)
    loader = unittest.defaultTestLoader
    tests = loader.loadTestsFromNames(names) if names else loader.discover(here, top_level_dir=here)
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result)
    result = runner.run(tests)
    failed = len(result.failures) + len(result.errors)
    print(f"\n{result.passed} passed, {failed} failed" + (f", {len(result.skipped)} skipped" if result.skipped else ""))
    return 0 if result.passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
