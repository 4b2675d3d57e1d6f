"""The log of a real function, in every shape in which AWS hands it out: the same policy is learnt from each."""

import contextlib
import csv
import gzip
import io
import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from harness.paths import REPOSITORY

from function import PALISADE, palisade

STREAM = "2026/11/25/[$LATEST]0123456789abcdef0123456789abcdef"
TIME = 1_795_600_000_000


def recorded(folder, function):
    """The log of the example function while it learns."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "PALISADE_MODE": "learn",
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "LAMBDA_TASK_ROOT": str(REPOSITORY / "examples/python"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [PALISADE, "run", "--", sys.executable, "call.py", "events/search.jsonl"]
    done = subprocess.run(command, cwd=REPOSITORY / "examples/python", env=environment, capture_output=True, check=True)
    (folder / f"{function}.log").write_bytes(done.stdout)
    return done.stdout.decode()


def filtered(log):
    """As `aws logs filter-log-events` prints it."""
    events = [
        {"logStreamName": STREAM, "timestamp": TIME, "message": line, "ingestionTime": TIME, "eventId": "37"}
        for line in log.splitlines(keepends=True)
    ]
    return json.dumps({"events": events, "searchedLogStreams": []}, indent=4)


def insights(log):
    """As Logs Insights saves it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["@timestamp", "@message", "@logStream"])
    writer.writerows(["2026-11-25 22:13:20.123", line, STREAM] for line in log.splitlines(keepends=True))
    return out.getvalue()


def tailed(log):
    """As `aws logs tail` prints it."""
    return "".join(f"2026-11-25T22:13:20.123000+00:00 {STREAM} {line}" for line in log.splitlines(keepends=True))


class Inputs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="palisade-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.log = recorded(cls.folder, "order-desk")

    def learnt(self, content, *options):
        content = content if isinstance(content, bytes) else content.encode()
        return json.loads(palisade("learn", *options, "-", input=content)[0])

    def test_of_every_shape_give_the_same_policy(self):
        plain = self.learnt(self.log)
        programs = plain["rules"][0]["processes"]["allow"]
        self.assertTrue(any(program.endswith("/grep") for program in programs), plain)
        for shape in (filtered, insights, tailed):
            with self.subTest(shape.__name__):
                self.assertEqual(self.learnt(shape(self.log)), plain)
                self.assertEqual(self.learnt(gzip.compress(shape(self.log).encode())), plain)
        both = palisade("learn", self.folder / "order-desk.log", self.folder / "order-desk.log")[0]
        self.assertEqual(json.loads(both), plain)

    def test_of_many_functions_give_a_policy_for_each(self):
        recorded(self.folder, "other-desk")
        (self.folder / "other.json").write_text(filtered((self.folder / "other-desk.log").read_text()))
        palisade("learn", "-o", self.folder / "out", self.folder / "order-desk.log", self.folder / "other.json")
        for function in ("order-desk", "other-desk"):
            policy = json.loads((self.folder / "out" / f"{function}.json").read_text())
            self.assertEqual(policy["rules"][0]["scope"], {"functions": [function]})

    def test_that_are_cut_are_told_and_what_is_whole_is_learnt(self):
        cut = self.log[: self.log.rindex('"palisade"') + 40]
        out, err = palisade("learn", "-", input=cut.encode())
        self.assertIn("cut or damaged", err)
        json.loads(out)
        _, err = palisade("learn", "-", input=self.log.encode("utf-16"), code=65)
        self.assertIn("UTF-16", err)

    def test_are_reviewed_on_a_terminal_that_can_do_nothing_and_a_review_goes_on_where_it_stopped(self):
        reasons = self.folder / "why.json"
        first, code = self.on_terminal(reasons, "aq")
        self.assertEqual((code, first.count("[a]llow")), (0, 2), first)
        self.assertNotIn("\x1b", first)
        total = int(first.split("1/")[1].split()[0])
        second, code = self.on_terminal(reasons, "?" + "d" * (total - 1))
        self.assertEqual((code, second.count("\n1/")), (0, 0), second)
        self.assertIn("d  deny: not into the policy", second)
        third, code = self.on_terminal(reasons, "")
        self.assertEqual((code, third.count("[a]llow")), (0, 0), third)

    def on_terminal(self, reasons, answers):
        """Reviews with these answers; what the terminal shows, and the exit code."""
        main, other = pty.openpty()
        command = [PALISADE, "learn", "--review", "--reasons", reasons, self.folder / "order-desk.log"]
        environment = {"PATH": "/usr/bin:/bin", "TERM": "dumb"}
        process = subprocess.Popen(command, stdin=other, stdout=subprocess.DEVNULL, stderr=other, env=environment)
        os.close(other)
        shown, waiting = b"", list(answers)
        with contextlib.suppress(OSError):
            while select.select([main], [], [], 30)[0] and (part := os.read(main, 4096)):
                shown += part
                if waiting and shown.endswith(b"[?] "):
                    os.write(main, waiting.pop(0).encode() + b"\n")
        os.close(main)
        return shown.decode().replace("\r\n", "\n"), process.wait()
