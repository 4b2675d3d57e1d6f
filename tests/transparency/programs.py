"""Everyday programs: the same on stdout and stderr, the same exit code."""

import difflib
import os
import shutil
from pathlib import Path

from modes import OFF

SCRIPTS = Path(__file__).resolve().parent / "programs"
PATIENCE = 300


def compare(room, pool, names):
    """What is different. Each script says in its first lines what it `needs:` and is a program's whole life in an empty directory."""
    scripts = sorted(script for script in SCRIPTS.iterdir() if not names or script.stem in names)
    faults = []
    for found in pool.map(lambda script: one(room, script), scripts):
        faults += found
    print(f"{len(scripts)} programs")
    return faults


def one(room, script):
    needed = next(line for line in script.read_text().splitlines() if "needs:" in line).split("needs:")[1].split()
    missing = [name for name in needed if shutil.which(name) is None]
    if missing:
        print(f"  left out: {script.stem}: {', '.join(missing)} is missing")
        return [f"{script.stem}: {', '.join(missing)} is missing"] if "CI" in os.environ else []
    seen = {mode: run(room, mode, [*needed[:1], str(script)]) for mode in room.modes}
    if seen[OFF][0] != 0:
        return [f"{script.stem}: fails without the library: {seen[OFF]}"]
    return [f"{script.stem}: {difference}" for mode in room.modes for difference in differences(mode, seen[OFF], seen[mode])]


def differences(mode, theirs, ours):
    if theirs[0] != ours[0]:
        yield f"exit code {ours[0]} under {mode}, {theirs[0]} without"
    for stream, *texts in zip(("stdout", "stderr"), theirs[1:], ours[1:], strict=True):
        lines = [text.decode(errors="backslashreplace").splitlines() for text in texts]
        for line in difflib.unified_diff(*lines, n=0, lineterm=""):
            if not line.startswith(("---", "+++", "@@")):
                yield f"{stream} under {mode}: {line}"


def run(room, mode, command):
    here, status, out, err = room.run(mode, command, PATIENCE)
    shutil.rmtree(here, ignore_errors=True)
    # Each run has a directory of its own.
    return status, *(text.replace(os.fsencode(here), b"HERE") for text in (out, err))
