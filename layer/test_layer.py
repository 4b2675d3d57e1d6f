"""The layer's zip. `--twice` also builds each library in another directory, which takes as long as it sounds."""

import io
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

from build import layer_of, pack
from contents import REPOSITORY, LayerFile, layer_files
from library import MACHINES, build


class TheZip(unittest.TestCase):
    def setUp(self):
        self.files = [LayerFile("palisade-wrapper", b"#!/bin/sh\n", 0o755), LayerFile("palisade/LICENSE", b"Apache", 0o644)]

    def test_is_the_same_bytes_every_time(self):
        self.assertEqual(pack(self.files), pack(self.files))

    def test_keeps_the_modes_without_which_lambda_cannot_run_the_wrapper(self):
        with zipfile.ZipFile(io.BytesIO(pack(self.files))) as archive:
            modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
        self.assertEqual(modes, {"palisade-wrapper": 0o755, "palisade/LICENSE": 0o644})

    def test_is_what_unzip_lays_down(self):
        with tempfile.TemporaryDirectory() as folder:
            zipped = Path(folder, "layer.zip")
            zipped.write_bytes(pack(self.files))
            with zipfile.ZipFile(zipped) as archive:
                self.assertIsNone(archive.testzip())
                archive.extractall(folder)
            self.assertEqual(Path(folder, "palisade-wrapper").read_bytes(), b"#!/bin/sh\n")


class TheBuild(unittest.TestCase):
    def test_gives_the_same_bytes_in_any_directory(self):
        if not TWICE:
            self.skipTest("builds each library once more; run with --twice")
        with tempfile.TemporaryDirectory() as folder:
            for machine, name in zip(MACHINES.values(), ("here", "a longer way/to there"), strict=True):
                copy = self.copy_to(Path(folder, name))
                with self.subTest(machine=machine.name, directory=name):
                    packed = pack(layer_files(build(copy, machine)))
                    self.assertEqual(packed, layer_of(machine).read_bytes(), "is dist/ older than the sources?")

    def copy_to(self, directory):
        """What git knows, and the tools that are here already."""
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
        for name in listed.decode().split("\0")[:-1]:
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, directory / name)
        (directory / "target/layer").mkdir(parents=True)
        for name in ("tools", *(f"rust-{each}" for each in ("amd64", "arm64"))):
            if (REPOSITORY / "target/layer" / name).exists():
                (directory / "target/layer" / name).symlink_to(REPOSITORY / "target/layer" / name)
        return directory


if __name__ == "__main__":
    TWICE = "--twice" in sys.argv
    unittest.main(argv=[argument for argument in sys.argv if argument != "--twice"])
