"""Runs the tests of the runtimes: `python3 tests/runtimes/run.py [test_file[.Class[.test]] …]`. The release build comes first."""

import sys
import time
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "emulator"))

from deployments import install_tools  # noqa: E402  (finds the harness by the line above)
from machine import set_up  # noqa: E402


class Result(unittest.TextTestResult):
    """Counts what passed, too."""

    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1

    def getDescription(self, test):
        return test.id()


def main(names, here=Path(__file__).parent):
    """Runs the tests of the folder `here`, or those that are named."""
    began = time.monotonic()
    set_up()
    if not names or any(name.startswith("test_deployments") for name in names):
        install_tools()
    made = time.monotonic()
    here = str(here)
    loader = unittest.defaultTestLoader
    tests = loader.loadTestsFromNames(names) if names else loader.discover(here, top_level_dir=here)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result).run(tests)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"\n{result.passed} passed, {failed} failed" + (f", {len(result.skipped)} skipped" if result.skipped else ""), end="")
    print(f" (set-up {made - began:.0f} s, tests {time.monotonic() - made:.0f} s)")
    return 0 if result.passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
