"""The examples' functions: they do under the emulator what their READMEs say."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

from examples import HANDLERS, build
from machine import prepared
from place import function
from runtimes import RUNTIMES
from series import Verdicts

STATUS = {"action": "status", "order": "A-1001"}
SEARCH = {"action": "search", "text": "x' /dev/null; id; echo '"}


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
