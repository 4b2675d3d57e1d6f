"""One suite in one jail, with the images that run.py has built: `suite.py JAIL SUITE RUNTIME,… BASE [test_file[.Class[.test]] …]`."""

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
TESTS = HERE.parent
JAIL, SUITE, RUNTIMES, BASE, *NAMES = sys.argv[1:]
sys.path[:0] = [str(TESTS / SUITE), str(TESTS / "emulator"), str(HERE)]

import image  # noqa: E402  (finds the harness by the line above)
import jail  # noqa: E402
from daemon import CACHE, CannotStart, daemon  # noqa: E402
from harness import emulator as harness_emulator  # noqa: E402
from harness import world as harness_world  # noqa: E402


def main():
    """The daemon is started within the namespaces, so that the containers see what the tests lay there."""
    place = harness_world.world(image.LAYER)
    harness_world.world = lambda: place  # the tests ask for it without a layer
    chosen, runtimes = jail.JAILS[JAIL], RUNTIMES.split(",")
    with daemon() as docker, room() as folder:
        put_into_jail(docker, place, chosen, runtimes, folder)
        tests = emulator_suite(docker, chosen) if SUITE == "emulator" else runtimes_suite(runtimes)
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=result_class()).run(tests)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"\n{result.passed} passed, {failed} failed, {len(result.skipped)} skipped, {len(result.expectedFailures)} expected to fail")
    # In a base of one runtime the others of a test that goes through all are skipped.
    return 0 if not failed and (result.passed or BASE != image.OWN_BASE) else 1


def result_class():
    """What the suite's own run.py counts with."""
    return importlib.import_module("run").Result


def emulator_suite(docker, chosen):
    """Python's end-to-end tests, and whether the jail is one; told what is different in there."""
    import test_container_image
    import test_doctor
    import test_jail
    import test_prevent

    test_jail.TheJail.jail = test_doctor.TheDoctor.jail = test_doctor.TheCommand.jail = chosen
    test_container_image.Image.docker = docker
    test_container_image.Image.base = BASE if BASE != image.OWN_BASE else f"{BASE}-python"
    if BASE != image.OWN_BASE:
        # The command is built for this machine's glibc, which may be newer than theirs.
        del test_doctor.TheCommand
        del test_container_image.WithAClientOfItsOwn
    test_prevent.PYTHON = image.interpreter(docker)
    for name in chosen.fails:
        module, case, test = name.split(".")
        unittest.expectedFailure(getattr(getattr(importlib.import_module(module), case), test))
    loader = unittest.defaultTestLoader
    if NAMES:
        return loader.loadTestsFromNames(NAMES)
    # The image's own container is in no jail, so that one time is enough.
    once = ["test_container_image"] if "runtimes" in chosen.suites else []
    here = loader.loadTestsFromNames(["test_jail", "test_doctor", *once])
    return unittest.TestSuite([here, loader.discover(str(TESTS / SUITE), top_level_dir=str(TESTS / SUITE))])


def runtimes_suite(runtimes):
    """The tests of the runtimes that there are images of, but for those that start no function."""
    import machine
    import places
    import test_truth_table

    machine.MISSING.update({name: f"{BASE} has not got it" for name in image.INTERPRETERS if name not in runtimes})
    if BASE != image.OWN_BASE:
        # Other versions of the runtimes may fail in other words; the document has those of this machine.
        del test_truth_table.TruthTable.test_the_document_has_what_was_found
    furnished = places.Ground.reset

    def reset(ground):
        """What the acts change is the function's own, as in /tmp of Lambda."""
        furnished(ground)
        for path in (ground.denied, ground.free, *ground.denied.rglob("*"), *ground.free.rglob("*")):
            os.chown(path, *jail.USER)

    places.Ground.reset = reset
    names = ["test_truth_table", "test_built_in_policy", "test_strict_policy", "test_java_launchers"]
    names += ["test_examples.TheFunctions", "test_wrappers.OtherWrappers"]
    return unittest.defaultTestLoader.loadTestsFromNames(NAMES or names)


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


def put_into_jail(docker, place, chosen, runtimes, room):
    """From here on the harness starts its emulators in containers of the runtime's image."""
    folder = CACHE / "launch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    profile = folder / "seccomp.json"
    profile.write_text(chosen.seccomp())
    prefix = f"palisade-{os.getpid()}-"
    launches = {}
    for name in runtimes:
        launches[name] = folder / name / "launch"
        launches[name].parent.mkdir()
        shutil.copy(HERE / "launch", launches[name])
        how = {
            "docker": docker.command,
            "environment": docker.environment,
            "options": jail.options(profile, place.layout.task, place.layout.opt, room),
            "image": image.image_of(name),
            "prefix": prefix,
        }
        launches[name].with_name("how.json").write_text(json.dumps(how))
    plain_start, plain_end = harness_emulator.Emulator.start, harness_emulator.Emulator.end

    def start(function):
        harness_emulator.EMULATOR = launches[getattr(function.layout, "name", "python")]
        plain_start(function)

    def end(function):
        subprocess.run([*docker.command, "rm", "--force", f"{prefix}{function.process.pid}"], env=docker.environment, capture_output=True)
        plain_end(function)

    harness_emulator.Emulator.start, harness_emulator.Emulator.end = start, end


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotStart as problem:
        sys.exit(f"docker: {problem}")
