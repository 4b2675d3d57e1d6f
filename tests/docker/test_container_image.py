"""`examples/container-image`, built and run as its README says, on the base that run.py has."""

import http.client
import json
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from harness.paths import REPOSITORY
from harness.readme import commands

EXAMPLE = REPOSITORY / "examples/container-image"
NAME = "order-desk"
STARTS_WITHIN = 20
OWN_CLIENT = ("/usr/bin/python3", "-m", "awslambdaric", "app.handler")
"""What the README has for another base, behind the wrapper."""
((COMMANDS,), _) = commands((EXAMPLE / "README.md").read_text())


def command(*beginning):
    """The one command of the README that begins with these words."""
    (found,) = (words for words in COMMANDS if tuple(words[: len(beginning)]) == beginning)
    return found


class Image:
    """The image, for the tests below."""

    docker = None
    """suite.py puts its own here."""
    base = None

    def setUp(self):
        with tempfile.TemporaryDirectory(prefix="palisade-image-") as folder:
            top = Path(folder)
            shutil.copytree(EXAMPLE, top / EXAMPLE.relative_to(REPOSITORY), ignore=shutil.ignore_patterns("layer"))
            (top / "dist").symlink_to(REPOSITORY / "dist")
            subprocess.run(command("unzip"), cwd=top, check=True, stdout=subprocess.DEVNULL)
            _, build, *words = command("docker", "build")
            self.docker(build, "--network", "none", "--build-arg", f"BASE={self.base}", *words, cwd=top)

    def run_image(self, *words):
        """Starts the image; it listens at port 8080 of the test's own network."""
        self.assertEqual(command("docker", "run")[-1], NAME)
        self.docker("run", "--detach", "--name", NAME, "--network", "host", *words)
        self.addCleanup(self.docker, "rm", "--force", NAME)

    def run_client(self, options, *wrapper):
        """The runtime client as the image's own command."""
        own = ["--env", "AWS_LAMBDA_EXEC_WRAPPER=", "--entrypoint", "/usr/local/bin/aws-lambda-rie"]
        self.run_image(*own, *options, NAME, *wrapper, *OWN_CLIENT)

    def invoke(self, event):
        """The answer, as an object if it is one."""
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=STARTS_WITHIN)
            try:
                connection.request("POST", "/2015-03-31/functions/function/invocations", json.dumps(event))
                text = connection.getresponse().read().decode()
                return json.loads(text) if text[:1] in ("{", '"') else text
            except ConnectionError:
                if time.monotonic() > deadline:
                    self.fail(self.docker("logs", NAME))
                time.sleep(0.05)
            finally:
                connection.close()

    def is_defended(self):
        customer, attacker = (json.loads(words[-1]) for words in COMMANDS if words[0] == "curl")
        self.assertEqual((customer, attacker), ({"name": "Ada"}, {"run": "id"}))
        self.assertEqual(self.invoke(customer), "Hello, Ada")
        self.assertEqual(self.invoke(attacker)["errorType"], "PermissionError")
        audits = [json.loads(line) for line in self.docker("logs", NAME).splitlines() if line.startswith('{"timestamp"')]
        self.assertEqual([(audit["type"], audit["effect"]) for audit in audits], [("process", "prevent")])


class OnAwssBase(Image, unittest.TestCase):
    def test_is_defended_by_awss_bootstrap(self):
        self.run_image(NAME)
        self.is_defended()

    def test_without_the_wrapper_runs_the_command(self):
        self.run_image("--env", "AWS_LAMBDA_EXEC_WRAPPER=", NAME)
        self.assertIn("uid=", json.dumps(self.invoke({"run": "id"})))


class WithAClientOfItsOwn(Image, unittest.TestCase):
    """As on a base that is not AWS's."""

    def test_is_defended_by_an_entry_point_that_begins_with_the_wrapper(self):
        self.run_client([], "/opt/palisade-wrapper")
        self.is_defended()

    def test_is_defended_by_the_library_alone_where_no_shell_can_run_the_wrapper(self):
        self.run_client(["--env", "LD_PRELOAD=/opt/palisade/libpalisade.so"])
        self.is_defended()

    def test_is_not_started_by_the_library_alone_under_a_broken_policy(self):
        self.run_client(["--env", "LD_PRELOAD=/opt/palisade/libpalisade.so", "--env", "PALISADE_POLICY={"])
        self.assertNotIn("Ada", self.invoke({"name": "Ada"}))
        self.assertIn('"attack":"start-stopped"', self.docker("logs", NAME))
