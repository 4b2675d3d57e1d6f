"""The libraries of the layers, each beside the C library of every place: what `tests/tests/built` asks of the library that was built here."""

import os
import subprocess
import unittest

from places import PLACES, REPOSITORY, Musl, layer

TESTS = [["--test", "built"], ["--test", "hooks", "--", "the_library_exports_its_table_and_nothing_else"]]


class Built:
    """The tests of one place; the classes below are made of it."""

    place = None

    def test_every_door_of_its_libc_is_hooked_or_excused(self):
        (libc,) = {path.resolve() for path in self.place.root.glob("**/libc.so.6")}
        library = layer(self.place.machine) / "palisade/libpalisade.so"
        environment = {**os.environ, "PALISADE_TEST_LIBRARY": str(library), "PALISADE_TEST_LIBC": str(libc)}
        for test in TESTS:
            command = ["cargo", "test", "--locked", "--quiet", "-p", "palisade-tests", *test]
            done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=600)
            self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
            self.assertNotIn(" 0 passed", done.stdout)


for place in PLACES:
    if not isinstance(place, Musl):
        name = "Built_" + place.name.replace("-", "_").replace(".", "_")
        globals()[name] = type(name, (Built, unittest.TestCase), {"place": place})
