"""Runs the library where other people's functions run: `python3 tests/platforms/run.py [PLACE…]`, a place by the beginning of its name.

Takes the zips that `make layer` has made. Needs apt for the packages, and Linux 6.7 for an emulator of its own (see enter.py).
"""

import fcntl
import sys
import time
import unittest
from pathlib import Path

import places
from places import archive


def main(names):
    began = time.monotonic()
    wanted = [place for place in places.PLACES if not names or any(place.name.startswith(name) for name in names)]
    if not wanted:
        return f"no place of that name; there are {', '.join(place.name for place in places.PLACES)}"
    places.PLACES[:] = wanted
    # What is unpacked and compiled below is for one run at a time.
    places.CACHE.mkdir(parents=True, exist_ok=True)
    turn = (places.CACHE / "turn").open("w")
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another run is at work in {places.CACHE}: waiting for its end", flush=True)
        fcntl.flock(turn, fcntl.LOCK_EX)
    try:
        for place in wanted:
            place.root
    except archive.CannotFetch as problem:
        return f"set-up: {problem}"
    made = time.monotonic()
    here = str(Path(__file__).parent)
    tests = unittest.defaultTestLoader.discover(here, top_level_dir=here)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(tests)
    print(f"set-up {made - began:.0f} s, tests {time.monotonic() - made:.0f} s")
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
