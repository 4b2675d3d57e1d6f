"""Runs the end-to-end tests of Python with each function in a container as tight as Lambda: `run.py [--base IMAGE] [test_file[.Class[.test]] …]`.

The tests, the name server and the hosts that a function talks to are outside, in a mount and a network namespace of their own; the
emulator, the wrapper and the function are inside. Takes root, and the zip that `make layer` has made.
"""

import argparse
import contextlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
EMULATOR_TESTS = REPOSITORY / "tests/emulator"
sys.path[:0] = [str(EMULATOR_TESTS), str(HERE)]

import image  # noqa: E402  (finds the harness by the line above)
import jail  # noqa: E402
from daemon import CACHE, CannotStart, archive, daemon  # noqa: E402
from harness import emulator as harness_emulator  # noqa: E402
from harness import world as harness_world  # noqa: E402
from harness.install import install  # noqa: E402
from run import Result  # noqa: E402


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--base", default=image.OWN_BASE, help="an image with AWS's layout, such as public.ecr.aws/lambda/python:3.12")
    arguments.add_argument("--jail", choices=jail.JAILS, help="run the tests in this one only, with the image that is there")
    arguments.add_argument("tests", nargs="*")
    given = arguments.parse_args()
    try:
        if given.jail:
            return run_tests(given)
        install()
        with daemon() as docker:
            image.build(docker, given.base)
    except (CannotStart, archive.CannotFetch) as problem:
        return f"docker: {problem}"
    # A process for each, because a process can enter its namespaces only once.
    for name in jail.JAILS:
        print(f"\n== the jail {name}", flush=True)
        command = [sys.executable, str(HERE / "run.py"), "--base", given.base, "--jail", name, *given.tests]
        if code := subprocess.run(command).returncode:
            return code
    return 0


def run_tests(given):
    """The tests with one profile. The daemon is started within the namespaces, so that the containers see what the tests lay there."""
    place = harness_world.world(image.LAYER)
    harness_world.world = lambda: place  # the tests ask for it without a layer
    chosen = jail.JAILS[given.jail]
    with daemon() as docker, room() as folder:
        put_into_jail(docker, place, chosen, folder)
        loader = unittest.defaultTestLoader
        if given.tests:
            tests = loader.loadTestsFromNames(given.tests)
        else:
            here = [loader.loadTestsFromNames(["test_jail", "test_doctor"])]
            tests = unittest.TestSuite([*here, loader.discover(str(EMULATOR_TESTS), top_level_dir=str(EMULATOR_TESTS))])
        adapt(docker, chosen)
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result).run(tests)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"\n{result.passed} passed, {failed} failed, {len(result.skipped)} skipped", end="")
    print(f", {len(result.expectedFailures)} as without Palisade" if result.expectedFailures else "")
    return 0 if result.passed and not failed and not result.skipped else 1


@contextlib.contextmanager
def room():
    """A folder below /tmp for the temporary files of the tests, which the functions see at the same path, and own."""
    folder = tempfile.mkdtemp(prefix="palisade-jail-")
    os.chmod(folder, 0o777)
    made_file, made_folder = tempfile._mkstemp_inner, tempfile.mkdtemp

    def file(*arguments, **options):
        descriptor, name = made_file(*arguments, **options)
        os.fchown(descriptor, *jail.USER)
        return descriptor, name

    def directory(*arguments, **options):
        name = made_folder(*arguments, **options)
        os.chown(name, *jail.USER)
        return name

    tempfile.tempdir, tempfile._mkstemp_inner, tempfile.mkdtemp = folder, file, directory
    try:
        yield folder
    finally:
        tempfile.tempdir, tempfile._mkstemp_inner, tempfile.mkdtemp = None, made_file, made_folder
        shutil.rmtree(folder, ignore_errors=True)


def adapt(docker, chosen):
    """Tells the tests what is different in there."""
    import test_doctor
    import test_jail
    import test_prevent

    test_jail.TheJail.jail = test_doctor.TheDoctor.jail = chosen
    test_prevent.PYTHON = image.interpreter(docker)
    for name in chosen.fails:
        module, case, test = name.split(".")
        unittest.expectedFailure(getattr(getattr(importlib.import_module(module), case), test))


def put_into_jail(docker, place, chosen, room):
    """From here on the harness starts its emulators in containers."""
    folder = CACHE / "launch"
    folder.mkdir(parents=True, exist_ok=True)
    profile = folder / "seccomp.json"
    profile.write_text(chosen.seccomp())
    launch = folder / "launch"
    launch.unlink(missing_ok=True)
    launch.write_bytes((HERE / "launch").read_bytes())
    launch.chmod(0o755)
    prefix = f"palisade-{os.getpid()}-"
    how = {
        "docker": docker.command,
        "environment": docker.environment,
        "options": jail.options(profile, place.layout.task, place.layout.opt, room),
        "image": image.IMAGE,
        "prefix": prefix,
    }
    (folder / "how.json").write_text(json.dumps(how))
    harness_emulator.EMULATOR = launch
    plain = harness_emulator.Emulator.end

    def end(function):
        subprocess.run([*docker.command, "rm", "--force", f"{prefix}{function.process.pid}"], env=docker.environment, capture_output=True)
        plain(function)

    harness_emulator.Emulator.end = end


if __name__ == "__main__":
    sys.exit(main())
