"""What is made once a process: the world around the functions, and the runtimes laid out in it."""

import functools
import os
import unittest

from harness.install import CannotInstall
from harness.install import install as install_emulator
from harness.world import world

from install import install, linters
from place import Place
from places import answer_everything, start_servers
from runtimes import RUNTIMES

MISSING = {}
"""Why a runtime cannot run here, by name."""


def set_up(names=None):
    """Fetches and builds what is missing. To be called before anything else: there is no network afterwards."""
    install_emulator()
    linters()
    for runtime in RUNTIMES.values():
        if names and runtime.name not in names:
            continue
        if missing := runtime.missing():
            MISSING[runtime.name] = f"{', '.join(missing)} not found; tests/packages tells what to install"
            continue
        try:
            install(runtime)
        except CannotInstall as problem:
            MISSING[runtime.name] = str(problem)
    if MISSING and os.environ.get("CI"):
        raise SystemExit("set-up: a runtime is missing, and this is CI:\n" + "\n".join(f"{n}: {why}" for n, why in MISSING.items()))
    for name, why in MISSING.items():
        print(f"set-up: no {RUNTIMES[name].title} here: {why}", flush=True)


@functools.cache
def surroundings():
    """The harness's world with our servers in it."""
    found = world()
    if found.sandbox.isolated:
        start_servers()
        answer_everything(found.name_server)
    return found


def prepared(runtime, task=None):
    """The runtime laid out, ready to start functions (its own, or that of the folder `task`); skips the tests where it cannot be."""
    if runtime.name in MISSING:
        raise unittest.SkipTest(MISSING[runtime.name])
    found = surroundings()
    if not found.sandbox.isolated:
        raise unittest.SkipTest("needs a mount and a network namespace; as root this test runs")
    place = Place(found.layout, runtime)
    place.lay(task)
    return place
