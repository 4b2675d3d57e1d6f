"""musl: the library cannot be loaded there, the wrapper says so once, and nothing is started undefended unless that was asked for."""

import json
import signal
import unittest

from places import PLACES, Musl


class OnMusl(unittest.TestCase):
    def setUp(self):
        found = [place for place in PLACES if isinstance(place, Musl)]
        if not found:
            self.skipTest("run.py was told to go elsewhere")
        self.place = found[0]

    def start(self, **environment):
        return self.place.run("/bin/sh", "-c", "echo started", environment={"AWS_LAMBDA_FUNCTION_NAME": "order-desk", **environment})

    def records(self, outcome):
        return [json.loads(line) for line in outcome.lines if line.startswith("{")]

    def test_the_start_is_stopped_with_one_line_that_says_why(self):
        outcome = self.start()
        self.assertEqual((outcome.code, outcome.said), (78, ""), outcome)
        (record,) = self.records(outcome)
        self.assertEqual((record["level"], record["attack"]), ("ERROR", "start-stopped"))
        self.assertIn("cannot be loaded", record["msg"])
        self.assertEqual(len(outcome.lines), 1, outcome)

    def test_the_process_lives_undefended_if_that_was_asked_for(self):
        outcome = self.start(PALISADE_ON_ERROR="open")
        self.assertEqual((outcome.code, outcome.said), (0, ""), outcome)
        (record,) = self.records(outcome)
        self.assertIn("UNDEFENDED", record["msg"])
        self.assertEqual(outcome.lines[1:], ["started"])

    def test_without_the_wrapper_the_loader_itself_refuses_to_start_anything(self):
        outcome = self.place.run("/bin/sh", "-c", "LD_PRELOAD=/opt/palisade/libpalisade.so exec /bin/sh -c 'echo started'", library=False)
        # By an error (127) or by SIGSEGV in the loader, as the version has it.
        self.assertIn(outcome.code, (127, 128 + signal.SIGSEGV), outcome)
        self.assertEqual(outcome.lines, [])
