"""A policy that allows nothing cannot keep a runtime from starting and answering: what the platform needs always works."""

import json
import unittest

from machine import prepared
from place import function
from runtimes import RUNTIMES
from series import Verdicts

NOTHING = json.dumps(
    {
        "version": 1,
        "rules": [
            {
                "name": "nothing",
                "processes": {"effect": "prevent", "main_only": True},
                "network": {"effect": "prevent", "outbound": {"allow": ["10.1.2.3:1"], "loopback": False}, "listen": {"allow": ["1"]}},
                "dns": {"effect": "prevent", "allow": ["nothing.example"]},
                "filesystem": {"effect": "prevent", "allow": ["/tmp/nothing/**"]},
            }
        ],
    }
)


class AStrictPolicy(unittest.TestCase):
    longMessage = False

    def test_lets_every_runtime_start_and_answer_without_a_breach(self):
        for runtime in RUNTIMES.values():
            with self.subTest(runtime.title):
                place = prepared(runtime)
                with function(place, {"PALISADE_POLICY": NOTHING}) as running:
                    answers = [running.invoke({"act": "list"}).body for _ in range(3)]
                    found = Verdicts(running).since(0, 0)
                    works = all(isinstance(answer, list) for answer in answers) and not found
                    told = "\n".join([*(record["msg"] for record in found), running.log_text() if not found else ""])
                self.assertTrue(works, told)
