"""The READMEs of the examples, followed command by command: each command in them is run here, or it is in the list of those that cannot be."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from build import layer_of, pack  # the layer's modules are found by what run.py does
from contents import layer_files
from library import MACHINES

from deployments import CDK, OFFLINE, modules
from examples import EXAMPLES
from harness.paths import LIBRARY, REPOSITORY
from harness.readme import commands

ELSEWHERE = {
    "aws": "needs an account",
    "sam": "comes with 100 packages, and needs an account to deploy and each runtime's own builder to build; test_deployments.py lints the templates",
    "serverless deploy": "needs an account; test_deployments.py packages it",
    "terraform": "comes from no package registry; test_deployments.py reads the file",
    "npm ci": "deployments.py does it, with the same lock file",
    "npx cdk deploy": "needs an account",
    "docker": "tests/docker/test_container_image.py does it",
    "curl": "the same",
    **{f"make {target}": ".ci/run does it" for target in ("build", "layer", "demo", "test", "docker-test")},
}
"""Commands that are not run here, by how they begin, and why."""


class TheReadmes(unittest.TestCase):
    longMessage = False

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="palisade-readmes-")
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        ignored = shutil.ignore_patterns("node_modules", "cdk.out", "layer", "__pycache__")
        shutil.copytree(EXAMPLES, self.top / "examples", ignore=ignored)
        # What `make build`, `make layer` and `npm ci` leave behind.
        (self.top / "target").mkdir()
        (self.top / "target/release").symlink_to(LIBRARY.parent)
        (self.top / "examples/cdk/node_modules").symlink_to(modules(CDK))
        (self.top / "dist").mkdir()
        packed = pack(layer_files(LIBRARY))
        for machine in MACHINES.values():
            (self.top / "dist" / layer_of(machine).name).write_bytes(packed)

    def test_of_the_examples_have_commands_that_do_what_they_say(self):
        run = []
        readmes = sorted(EXAMPLES.glob("*/README.md"))
        self.assertEqual([readme.parent for readme in readmes], sorted(path for path in EXAMPLES.iterdir() if path.is_dir()))
        for readme in readmes:
            blocks, in_sentences = commands(readme.read_text())
            for folder, all_words in (*((self.top, block) for block in blocks), (self.top / "examples" / readme.parent.name, in_sentences)):
                for words in all_words:
                    with self.subTest(readme.parent.name, command=shlex.join(words)):
                        if words[0] == "cd":
                            folder = folder / words[1]
                            self.assertTrue(folder.is_dir(), folder)
                        elif self.is_done_here(words):
                            self.check(words, folder)
                            run.append(" ".join([Path(words[0]).name, *words[1:2]]))
        # Each of the kinds was found, or the pattern finds nothing.
        counts = {each: run.count(each) for each in run}
        wanted = {"palisade check": 4, "palisade explain": 5, "palisade doctor": 1, "npx cdk": 1, "python3 app.py": 1, "unzip -o": 1}
        self.assertEqual(counts, wanted)

    def is_done_here(self, words):
        """Is it none of those that cannot be? Of these only what they name is looked at."""
        line = " ".join(words)
        if words[0] == "make":
            self.assertRegex((REPOSITORY / "Makefile").read_text(), rf"(?m)^{re.escape(words[1])}:")
        for path in re.findall(r"(?:fileb://|-chdir=)(\S+)", line):
            self.assertTrue((self.top / path).exists(), path)
        return not any(line == known or line.startswith(known + " ") for known in ELSEWHERE)

    def check(self, words, folder):
        """Runs a command, and looks at what it said or left behind."""
        line = " ".join(words)
        program = Path(words[0]).name
        around = OFFLINE if program == "npx" else ()
        done = subprocess.run([*around, *words], cwd=folder, capture_output=True, text=True)
        # Of a machine without the layer, `palisade doctor` says so by its status, too.
        self.assertIn(done.returncode, (0, 1) if words[1:] == ["doctor"] else (0,), done.stdout + done.stderr)
        if program == "palisade":
            self.assertEqual(done.stderr, "")
            self.assertIn({"check": "valid", "explain": "prevent", "doctor": "kernel"}[words[1]], done.stdout)
        elif line == "python3 app.py":
            self.assertIn("kernel", json.loads(done.stdout))
        elif line == "npx cdk synth":
            self.assertIn("AWS_LAMBDA_EXEC_WRAPPER: /opt/palisade-wrapper", done.stdout)
        elif program == "unzip":
            layer = folder / words[words.index("-d") + 1]
            self.assertTrue(os.access(layer / "palisade-wrapper", os.X_OK))
            self.assertIn(f"COPY {layer.name}/ /opt/\n", (layer.parent / "Dockerfile").read_text())
        else:
            self.fail(f"{line}: a command that this test does not know")


class TheCommands(unittest.TestCase):
    def test_are_found_in_blocks_and_in_sentences(self):
        text = "As `make demo` shows, `app.py` and `x y`:\n\n```sh\ncd a && npm ci  # all\n\nunzip -o \\\n  b\n```\n"
        self.assertEqual(commands(text), ([[["cd", "a"], ["npm", "ci"], ["unzip", "-o", "b"]]], [["make", "demo"]]))

    def test_in_a_block_of_nobodys_language_are_an_error(self):
        with self.assertRaisesRegex(AssertionError, "a block of nothing"):
            commands("```\nrm -r /\n```\n")
