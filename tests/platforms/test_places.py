"""docs/platforms.md: its table has the places that there are, and each has the glibc that it says."""

import re
import unittest

from places import ALL, PLACES, REPOSITORY, Musl

ROW = re.compile(r"^\| (?P<machine>x86-64|arm64 under QEMU) \| (?P<glibc>[^(|:]+?)(?:[(:][^|]*)? \| [^|]* \| `(?:…|python3 tests/platforms/run.py) (?P<name>\S+)`", re.M)
MACHINES = {"x86-64": "x86_64", "arm64 under QEMU": "arm64"}


class ThePlaces(unittest.TestCase):
    def test_are_those_of_the_page(self):
        page = (REPOSITORY / "docs/platforms.md").read_text()
        told = {(row["name"], MACHINES[row["machine"]], row["glibc"].strip()) for row in ROW.finditer(page)}
        self.assertEqual(told, {(place.name, place.machine, place.glibc) for place in ALL})

    def test_have_the_glibc_that_is_said_of_them(self):
        for place in PLACES:
            if isinstance(place, Musl) or not place.glibc.startswith("2."):
                continue
            with self.subTest(place.name):
                (libc,) = {path.resolve() for path in place.root.glob("**/libc.so.6")}
                # What libc says of itself as a program.
                (release,) = set(re.findall(rb"GNU C Library \([^)]*\) \w+ release version (\d+\.\d+)", libc.read_bytes()))
                self.assertEqual(release.decode(), place.glibc)
