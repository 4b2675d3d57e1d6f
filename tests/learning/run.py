"""Runs the tests of learning: `python3 tests/learning/run.py [test_file[.Class[.test]] …]`. The release build comes first."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "runtimes"), str(HERE.parent / "emulator")]

from run import main  # noqa: E402  (that of the runtimes, which prepares them)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], HERE))
