"""The examples: templates that lint, policies that are valid, and functions that do under the emulator what their READMEs say."""

import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness.paths import LIBRARY

from examples import EXAMPLES, HANDLERS, build
from install import linters
from machine import prepared
from place import function
from runtimes import RUNTIMES
from series import Verdicts

STATUS = {"action": "status", "order": "A-1001"}
SEARCH = {"action": "search", "text": "x' /dev/null; id; echo '"}


class TheTemplates(unittest.TestCase):
    longMessage = False

    def linted(self, *command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_pass_cfn_lint(self):
        templates = sorted(EXAMPLES.glob("*/template.yaml"))
        self.assertGreaterEqual(len(templates), 5)
        # That a runtime has grown old is no fault of the template; the rest of the warnings are.
        self.linted(linters(), linters().with_name("cfn-lint"), "--ignore-checks", "W2531", "--", *templates)

    def test_are_what_the_tests_run(self):
        for name, handler in HANDLERS.items():
            self.assertIn(f"Handler: {handler}\n", (EXAMPLES / name / "template.yaml").read_text())

    def test_of_terraform_and_the_serverless_framework_can_be_read(self):
        script = "import sys, hcl2, yaml; hcl2.load(open(sys.argv[1])); yaml.safe_load(open(sys.argv[2]))"
        self.linted(linters(), "-c", script, EXAMPLES / "terraform/main.tf", EXAMPLES / "serverless-framework/serverless.yml")

    def test_have_valid_policies(self):
        for policy in sorted(EXAMPLES.rglob("palisade.json")):
            with self.subTest(str(policy)):
                self.linted(LIBRARY.with_name("palisade"), "check", policy)


class TheFunctions(unittest.TestCase):
    longMessage = False

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="palisade-")
        self.addCleanup(folder.cleanup)
        self.task = Path(folder.name) / "task"

    def test_answer_customers_and_refuse_attackers(self):
        # Python's is the demo's.
        for name, handler in [(name, handler) for name, handler in HANDLERS.items() if name != "python"]:
            with self.subTest(name):
                shutil.rmtree(self.task, ignore_errors=True)
                place = prepared(RUNTIMES[name])
                build(name, self.task)
                place.lay(self.task)
                place.handler = handler
                with function(place) as running:
                    verdicts = Verdicts(running)
                    answer = running.invoke(STATUS).body
                    self.assertEqual(answer, {"order": "A-1001", "delivery": "on its way"}, f"{answer}\n{running.log_text()}")
                    self.is_refused(running.invoke(SEARCH).body, verdicts, running)
                # Without Palisade the attack succeeds, or the above would prove nothing.
                with function(place, wrapper=None) as running:
                    self.assertIn("uid=", json.dumps(running.invoke(SEARCH).body), running.log_text())

    def test_take_a_policy_from_the_variable_before_the_file(self):
        build("node", self.task)
        off = json.dumps({"version": 1, "rules": [{"name": "off", "processes": {"effect": "disable"}}]})
        with function(prepared(RUNTIMES["node"], self.task), {"PALISADE_POLICY": off}) as running:
            self.assertIn("uid=", json.dumps(running.invoke(SEARCH).body), running.log_text())

    def test_in_a_container_image_are_defended(self):
        build("container-image", self.task)
        with function(prepared(RUNTIMES["python"], self.task)) as running:
            verdicts = Verdicts(running)
            self.assertEqual(running.invoke({"name": "Ada"}).body, "Hello, Ada", running.log_text())
            self.is_refused(running.invoke({"run": "id"}).body, verdicts, running)

    def is_refused(self, answer, verdicts, running):
        self.assertNotIn("uid=", json.dumps(answer))
        self.assertIn("errorType", answer, f"{answer}\n{running.log_text()}")
        self.assertEqual([record["type"] for record in verdicts.since(0, 1)], ["process"], running.log_text())
