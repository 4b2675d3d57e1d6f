"""The mistakes that people make when they set Palisade up, in each runtime: the function does not start, and one line says why."""

import base64
import contextlib
import gzip
import json
import unittest

from machine import prepared
from place import function
from runtimes import RUNTIMES

EM_AARCH64 = (183).to_bytes(2, "little")
VALID = json.dumps({"version": 1, "rules": [{"name": "a", "processes": {"effect": "prevent", "main_only": True}}]})
TYPO = VALID.replace('"processes"', '"proceses"')


def in_base64(text):
    return base64.b64encode(text.encode()).decode()


def cut(text):
    """What is left of a policy's gzip where a console cut it off."""
    return base64.b64encode(gzip.compress(text.encode())).decode()[:40]


POLICIES = {
    "a field with a typing error": (TYPO, ["PALISADE_POLICY", "rules[0].proceses", "processes"]),
    "the same in base64": (in_base64(TYPO), ["rules[0].proceses"]),
    "JSON that ends too early": (VALID[:-3], ["PALISADE_POLICY"]),
    "base64 of gzip that was cut off": (cut(VALID), ["PALISADE_POLICY", "gzip"]),
    "the name of a file": ("palisade.json", ["PALISADE_POLICY"]),
}


class AMistake(unittest.TestCase):
    longMessage = False

    def each(self, check):
        """Calls `check` with each runtime, laid out anew."""
        for runtime in RUNTIMES.values():
            with self.subTest(runtime.title):
                check(prepared(runtime))

    def said(self, place, environment=None, wrapper=True):
        """What was written before the start ended, and the exit code."""
        with function(place, environment, wrapper) as running:
            code = running.invoke_in_vain({"act": "list"})  # which waits for the log
            return [line.text for line in running.own_lines()], code

    def is_stopped(self, place, words, environment=None):
        """The start was stopped, with one line that has all these words in its sentence."""
        lines, code = self.said(place, environment)
        self.assertEqual((code, len(lines)), (78, 1), f"exit {code}:\n" + "\n".join(lines))
        record = json.loads(lines[0])
        self.assertEqual((record["level"], record["type"], record["attack"]), ("ERROR", "policy", "start-stopped"))
        for word in words:
            self.assertIn(word, record["msg"])

    def test_in_the_path_of_the_wrapper_is_told_by_the_bootstrap(self):
        def check(place):
            missing = place.opt / "palisade-wraper"
            self.assertEqual(self.said(place, wrapper=missing), ([f"{missing}: does not exist"], 127))

        self.each(check)

    def test_in_the_mode_of_the_wrapper_is_told_by_the_bootstrap(self):
        def check(place):
            with changed(place.wrapper) as wrapper:
                wrapper.chmod(0o644)
                self.assertEqual(self.said(place), ([f"{wrapper}: is not an executable"], 126))

        self.each(check)

    def test_in_the_policy_stops_the_start(self):
        def check(place):
            for what, (text, words) in POLICIES.items():
                with self.subTest(what):
                    self.is_stopped(place, words, {"PALISADE_POLICY": text})

        self.each(check)

    def test_in_the_path_of_the_policy_stops_the_start(self):
        self.each(lambda place: self.is_stopped(place, ["/var/task/polisade.json"], {"PALISADE_POLICY_FILE": "/var/task/polisade.json"}))

    def test_in_a_setting_stops_the_start(self):
        self.each(lambda place: self.is_stopped(place, ["PALISADE_AUDIT", "stdot"], {"PALISADE_AUDIT": "stdot"}))

    def test_in_the_architecture_of_the_layer_stops_the_start(self):
        def check(place):
            with changed(place.layout.library) as library:
                good = library.read_bytes()
                library.write_bytes(good[:18] + EM_AARCH64 + good[20:])
                self.is_stopped(place, [str(library), "architecture"])

        self.each(check)

    def test_in_the_layer_stops_the_start(self):
        def check(place):
            with changed(place.layout.library) as library:
                library.unlink()
                self.is_stopped(place, [str(library)])

        self.each(check)


@contextlib.contextmanager
def changed(path):
    """A file of the layer, which is there again afterwards."""
    content, mode = path.read_bytes(), path.stat().st_mode
    try:
        yield path
    finally:
        path.write_bytes(content)
        path.chmod(mode)
