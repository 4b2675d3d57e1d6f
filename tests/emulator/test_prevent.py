"""The sections of a policy at work in a function and in its children."""

import os
import shutil
import tempfile
from pathlib import Path

from case import EmulatorTest, policy
from harness.paths import VENV
from harness.sandbox import HOSTS

PYTHON = os.path.realpath(VENV / "bin/python3")
READ_ENVIRON = "import subprocess; done = subprocess.run(['cat', '/proc/self/environ'], capture_output=True, text=True{})"


class Names(EmulatorTest):
    POLICY = policy(dns={"effect": "prevent", "allow": ["carrier.example"]})
    SENTENCE = "DNS resolution of domain name {} triggered by {} explicitly denied by a runtime rule."

    def test_that_are_refused_are_told_in_the_well_known_sentence(self):
        with self.function({"PALISADE_POLICY": self.POLICY}) as function:
            answer, (record,) = self.audits_of(function, "import socket; socket.getaddrinfo('evil.example', 80)")
            # EAI_FAIL
            self.assertIn("gaierror: [Errno -4]", answer.error)
            self.assertEqual(record["msg"], self.SENTENCE.format("evil.example", PYTHON))
            self.assertEqual((record["type"], record["domain"], record["process"]), ("dns", "evil.example", PYTHON))

    def test_are_refused_to_a_child_too(self):
        getent = os.path.realpath(shutil.which("getent"))
        source = "import subprocess; answer = subprocess.run(['getent', 'ahosts', 'evil.example']).returncode"
        with self.function({"PALISADE_POLICY": self.POLICY}) as function:
            answer, (record,) = self.audits_of(function, source)
            self.assertEqual(answer.body, 2, answer)
            self.assertEqual(record["msg"], self.SENTENCE.format("evil.example", getent))

    def test_that_are_refused_are_never_asked_for(self):
        self.needs_real_paths()
        asked = self.world.name_server.asked
        with self.function({"PALISADE_POLICY": self.POLICY}) as function:
            asked.clear()
            self.audits_of(function, "import socket; socket.getaddrinfo('evil.example', 80)")
            self.assertEqual(asked, [])
            self.audits_of(function, "import socket; socket.getaddrinfo('carrier.example', 80)", wanted=0)
            self.assertIn("carrier.example", asked)


class Connections(EmulatorTest):
    def test_to_other_addresses_are_refused_before_a_byte_is_sent(self):
        self.needs_real_paths()
        text = policy(network={"effect": "prevent", "outbound": {"allow": [HOSTS["carrier.example"] + ":80"]}})
        evil, carrier = HOSTS["evil.example"], HOSTS["carrier.example"]
        with self.function({"PALISADE_POLICY": text}) as function:
            source = "import socket; answer = socket.create_connection(('{}', {})).getpeername()[0]"
            answer, (record,) = self.audits_of(function, source.format(evil, 80))
            self.assertIn("PermissionError: [Errno 13]", answer.error)
            self.assertEqual((record["type"], record["ip"], record["port"]), ("network", evil, 80))
            answer, _ = self.audits_of(function, source.format(carrier, 80), wanted=0)
            self.assertEqual(answer.body, carrier)
            self.audits_of(function, source.format(carrier, 8080))


class Files(EmulatorTest):
    POLICY = policy(filesystem={"effect": "prevent", "deny": ["/proc/*/environ"]})

    def test_that_are_denied_are_refused_under_every_name(self):
        self.needs_real_paths()
        names = [
            "/proc/self/environ",
            "/proc/self/../self/environ",
            "/var/task/../../proc/self/environ",
            "/proc/self/root/proc/self/environ",
            "/proc/thread-self/../../environ",
        ]
        with self.function({"PALISADE_POLICY": self.POLICY}) as function:
            for name in names:
                with self.subTest(name):
                    answer, (record,) = self.audits_of(function, f"open('{name}')")
                    self.assertIn("PermissionError", answer.error or "", answer)
                    self.assertEqual((record["type"], record["access"]), ("filesystem", "read"))

    def test_that_are_denied_to_a_child_are_told_in_the_functions_log_only(self):
        for environment in ("", ", env={}"):
            with self.subTest(environment), self.function({"PALISADE_POLICY": self.POLICY}) as function:
                source = READ_ENVIRON.format(environment) + "; answer = [done.returncode, done.stdout, done.stderr]"
                answer, (record,) = self.audits_of(function, source)
                code, out, err = answer.body
                self.assertEqual((code, out), (1, ""))
                self.assertIn("Permission denied", err)
                self.assertNotIn("palisade", err)
                self.assertEqual(record["process"], os.path.realpath(shutil.which("cat")))

    def test_leave_nothing_behind_when_their_creation_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = os.path.realpath(folder)
            text = policy(filesystem={"effect": "prevent", "deny": [{"path": f"{folder}/**", "access": "write"}]})
            kept = Path(folder, "kept")
            kept.write_text("as it was")
            with self.function({"PALISADE_POLICY": text}) as function:
                for name in ("new", "kept"):
                    answer, (record,) = self.audits_of(function, f"open('{folder}/{name}', 'w')")
                    self.assertIn("PermissionError", answer.error or "", answer)
                    self.assertEqual((record["path"], record["access"]), (f"{folder}/{name}", "write"))
                answer, _ = self.audits_of(function, f"answer = open('{kept}').read()", wanted=0)
                self.assertEqual(answer.body, "as it was")
            self.assertEqual(os.listdir(folder), ["kept"])


class AStrictPolicy(EmulatorTest):
    def test_cannot_break_the_platform_by_accident(self):
        # Where /var/task can be written, Python writes its bytecode there, and the policy is right to refuse it.
        self.needs_real_paths()
        text = policy(
            processes={"effect": "prevent", "main_only": True},
            network={"effect": "prevent", "outbound": {"allow": ["10.1.2.3:1"], "loopback": False}},
            dns={"effect": "prevent", "allow": ["nothing.example"]},
            filesystem={"effect": "prevent", "allow": ["/tmp/nothing/**"]},
        )
        with self.function({"PALISADE_POLICY": text}) as function:
            for _ in range(3):
                answer, _ = self.audits_of(function, "import json; answer = json.dumps([1])", wanted=0)
                self.assertEqual(answer.body, "[1]", function.log_text())
