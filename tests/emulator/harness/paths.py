"""Where things lie in the repository. Nothing the harness makes lies outside `target/`."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
EMULATOR_TESTS = REPOSITORY / "tests" / "emulator"
EXAMPLE = REPOSITORY / "examples" / "python"
PROBE = EMULATOR_TESTS / "functions" / "probe"
RUNTIMES = REPOSITORY / "tests" / "runtimes"

LIBRARY = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release" / "libpalisade.so"

CACHE = REPOSITORY / "target" / "lambda"
VENV = CACHE / "python"
EMULATOR = CACHE / "aws-lambda-rie"
