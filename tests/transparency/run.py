"""Do honest programs notice the library? `python3 tests/transparency/run.py [--long] [module | program …]`; the release build comes first.

Each test of the interpreter's own test suite, and each of some everyday programs, runs without the library, with every section on `alert`, and
with every section on `prevent` under a policy that allows everything; in the long run also where everything is a breach that is let through. All have to give the same.
"""

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import programs
import suite
from modes import LIBRARY, REPOSITORY, Room


def main():
    arguments = parse()
    if not arguments.library.is_file():
        sys.exit(f"{arguments.library} is missing: make build")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="palisade-transparency-") as folder:
        # A program that drops its privileges has to get through.
        Path(folder).chmod(0o755)
        room = Room(Path(folder), arguments.library, arguments.long)
        faults = room.prove_the_library_is_there()
        # Many of the tests wait for something, and some measure how long.
        with ThreadPoolExecutor(2 if arguments.long else 4) as pool:
            faults += suite.compare(room, pool, arguments.python, arguments.names, arguments.long)
            faults += programs.compare(room, pool, arguments.names)
        faults += room.records()
    print(f"{len(faults)} differences ({time.monotonic() - began:.0f} s)")
    for fault in faults:
        print("  " + fault)
    return 1 if faults else 0


def parse():
    parser = argparse.ArgumentParser(description="Do honest programs notice the library?")
    parser.add_argument("--long", action="store_true", help="all modules of the test suite that have to do with the system")
    parser.add_argument("--library", type=Path, default=LIBRARY, help=f"default: {LIBRARY.relative_to(REPOSITORY)}")
    parser.add_argument("--python", help="the interpreter whose test suite is run; default: the first one that has it")
    parser.add_argument("names", nargs="*", help="only these modules (test_os) and programs (git)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
