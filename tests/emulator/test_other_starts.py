"""What Lambda starts without its wrapper: extensions, custom runtimes, images of another base."""

import copy
import shutil

from case import RUNS_A_PROGRAM, EmulatorTest

EXTENSION = """#!/var/lang/bin/python3
import json, os, subprocess, urllib.request

api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2020-01-01/extension"
body = json.dumps({"events": ["INVOKE"]}).encode()
request = urllib.request.Request(f"{api}/register", body, {"Lambda-Extension-Name": "observer"})
with urllib.request.urlopen(request) as answer:
    name = answer.headers["Lambda-Extension-Identifier"]
ran = subprocess.run(["/bin/echo", "ran"], capture_output=True, text=True).stdout.strip()
with open("/proc/self/maps") as maps:
    loaded = "libpalisade.so" in maps.read()
print(f"extension: {ran}, loaded {loaded}, preload {os.environ.get('LD_PRELOAD')}", flush=True)
while True:
    with urllib.request.urlopen(urllib.request.Request(f"{api}/event/next", headers={"Lambda-Extension-Identifier": name})):
        pass
"""

BOOTSTRAP = """#!/bin/bash
exec {wrapper}/var/lang/bin/python3 /var/runtime/bootstrap.py
"""


class AnExtension(EmulatorTest):
    def test_is_not_defended_beside_a_function_that_is(self):
        self.needs_real_paths()
        self.lay()
        folder = self.layout.opt / "extensions"
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        (folder / "observer").write_text(EXTENSION)
        (folder / "observer").chmod(0o755)
        with self.function(laid=True) as function:
            answer, verdicts = self.audits_of(function, RUNS_A_PROGRAM)
            self.assertIn("PermissionError", answer.error)
            self.assertEqual(verdicts[0]["command"], "/bin/echo ran")
            self.assertIn("extension: ran, loaded False, preload None", function.log_text())


class ACustomRuntime(EmulatorTest):
    """`provided`, whose bootstrap is the function's own: it lies in its package."""

    def bootstrap(self, wrapper):
        self.lay()
        (self.layout.task / "bootstrap").write_text(BOOTSTRAP.format(wrapper=wrapper))
        (self.layout.task / "bootstrap").chmod(0o755)
        self.layout = copy.copy(self.layout)
        self.layout.runtime = self.layout.task

    def test_is_defended_if_its_bootstrap_starts_the_interpreter_by_the_wrapper(self):
        self.needs_real_paths()
        self.bootstrap("/opt/palisade-wrapper ")
        with self.function(wrapper=None, laid=True) as function:
            answer, verdicts = self.audits_of(function, RUNS_A_PROGRAM)
            self.assertIn("PermissionError", answer.error)
            self.assertEqual(verdicts[0]["command"], "/bin/echo ran")

    def test_is_not_defended_by_the_variable_that_only_awss_bootstrap_reads(self):
        self.needs_real_paths()
        self.bootstrap("")
        with self.function(laid=True) as function:
            self.assertEqual(self.does(function, RUNS_A_PROGRAM), "ran\n")
            self.assertEqual(function.audits(), [])
