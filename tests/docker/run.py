"""Runs functions in containers as tight as Lambda: `run.py [--base IMAGE] [--jail JAIL] [--suite SUITE] [test_file[.Class[.test]] …]`.

There are two suites: `emulator`, the end-to-end tests of Python, in every jail; and `runtimes`, the truth tables, examples and wrappers of five
runtimes, in the jail where the library has the least to go by. The tests, the name server and the hosts that a function talks to are outside, in a
mount and a network namespace of their own; the emulator, the wrapper and the function are inside. Takes root, and the zip that `make layer` has made.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path[:0] = [str(TESTS / "runtimes"), str(TESTS / "emulator"), str(HERE)]

import image  # noqa: E402  (finds the harness by the line above)
import jail  # noqa: E402
from daemon import CannotStart, archive, daemon  # noqa: E402
from harness.install import install  # noqa: E402
from machine import set_up  # noqa: E402


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--base", default=image.OWN_BASE, help="an image with AWS's layout, such as public.ecr.aws/lambda/python:3.12")
    arguments.add_argument("--jail", choices=jail.JAILS, help="this one only")
    arguments.add_argument("--suite", choices=jail.SUITES, help="this one only")
    arguments.add_argument("tests", nargs="*")
    given = arguments.parse_args()
    try:
        if given.base == image.OWN_BASE:
            set_up()
        else:
            install()
        with daemon() as docker:
            runtimes = image.build(docker, given.base)
    except (CannotStart, archive.CannotFetch) as problem:
        return f"docker: {problem}"
    # A process for each, because a process can enter its namespaces only once.
    ran = 0
    for name, chosen in jail.JAILS.items():
        for suite in chosen.suites:
            wanted = given.jail in (None, name) and given.suite in (None, suite)
            if not wanted or (suite == "emulator" and "python" not in runtimes):
                continue
            print(f"\n== {suite}, in the jail {name}", flush=True)
            ran += 1
            command = [sys.executable, str(HERE / "suite.py"), name, suite, ",".join(runtimes), given.base, *given.tests]
            if code := subprocess.run(command).returncode:
                return code
    return 0 if ran else f"docker: no suite {given.suite} in the jail {given.jail}"


if __name__ == "__main__":
    sys.exit(main())
