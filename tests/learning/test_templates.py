"""The templates of `palisade new`, in every runtime: an honest request passes without a word, and what the template says it refuses is refused."""

import re
import subprocess
import unittest
from pathlib import Path

from function import PALISADE, Example, answers, told
from load import FIRST, attacks, honest
from runtimes import RUNTIMES
from series import Verdicts

REFUSED = {
    # Template: the actions that it refuses besides programs, each with the type of the audit.
    "default": {},
    "api-only": {"environ": "filesystem", "evil": "network", "raw": "network", "partner": "network"},
    "no-egress": {"evil": "dns", "raw": "network", "partner": "dns"},
    "read-only": {"environ": "filesystem", "receipt": "filesystem"},
    "aws-only": {"environ": "filesystem", "evil": "dns", "raw": "network", "partner": "dns"},
    "strict": {"environ": "filesystem", "evil": "dns", "raw": "network", "partner": "dns"},
}
PROGRAMS = ("search", "label")
LOOT = Path("/tmp/loot")


def events(world):
    """The honest events and the attacks, by what they are about."""
    status, receipt, _, document, partner = honest(world, FIRST[0], ())
    search, label, environ, evil, raw = (case.event for case in attacks(world, LOOT))
    return {
        "status": status,
        "document": document,
        "receipt": receipt,
        "partner": partner,
        "search": search,
        "label": label,
        "environ": environ,
        "evil": evil,
        "raw": raw,
    }


class TheTemplates:
    longMessage = False
    runtime = ""

    def test_let_honest_requests_pass_and_refuse_what_they_say(self):
        example = Example(self.runtime)
        asked = events(example.world)
        names = list(asked)
        with example.under(wrapper=None) as running:
            without = dict(zip(names, answers(running, asked.values())))
        self.assertIn("uid=", LOOT.read_text())
        LOOT.unlink()
        for name, refused in REFUSED.items():
            with self.subTest(name):
                self.check(example, name, refused | dict.fromkeys(PROGRAMS, "process"), asked, without)

    def check(self, example, name, refused, asked, without):
        policy = subprocess.run([PALISADE, "new", "--template", name], capture_output=True, text=True, check=True).stdout
        with example.under(environment={"PALISADE_POLICY": policy}) as running:
            verdicts, seen = Verdicts(running), 0
            # What is let be comes first: a refusal may leave a mark, as when .NET gives up a file.
            for what in sorted(asked, key=lambda what: what in refused):
                answer = running.invoke(asked[what]).body
                records = verdicts.since(seen, 1 if what in refused else 0)
                seen += len(records)
                why = f"{name}, {what}: {answer}\n{told(None, records, running)}"
                kinds = {(record["type"], record["effect"]) for record in records}
                if what in refused:
                    self.assertEqual(kinds, {(refused[what], "prevent")}, why)
                    if what == "label":
                        # Its answer is the same either way; what it did is not.
                        self.assertFalse(LOOT.exists(), why)
                    else:
                        self.assertNotEqual(answer, without[what], why)
                else:
                    self.assertEqual(kinds, set(), why)
                    self.assertEqual(type(answer), type(without[what]), why)
                    if what in ("status", "document", "receipt", "partner"):
                        self.assertEqual(answer, without[what], why)


class TheList(unittest.TestCase):
    def test_has_all_templates_and_no_others(self):
        done = subprocess.run([PALISADE, "new"], capture_output=True, text=True, check=True)
        self.assertEqual(re.findall(r"^(\S+)", done.stdout, re.M), list(REFUSED))


for _runtime in RUNTIMES.values():
    _name = f"TheTemplates_{_runtime.name}"
    globals()[_name] = type(_name, (TheTemplates, unittest.TestCase), {"runtime": _runtime.name, "__module__": __name__})
