"""A Python function on arm64: AWS's own runtime client for that architecture, under AWS's emulator, behind the layer's wrapper.

The interpreter and everything that it starts are emulated; the emulator of Lambda is a static binary of this machine.
"""

import json
import shutil
import subprocess
import sys
import unittest

from places import CACHE, PLACES, REPOSITORY

sys.path.append(str(REPOSITORY / "tests/emulator"))

from harness.install import install  # noqa: E402  (finds the harness by the line above)
from harness.layout import BOOTSTRAP, lay_bootstrap  # noqa: E402
from harness.paths import EMULATOR, EMULATOR_TESTS, PROBE  # noqa: E402

START = "(cd /var/task; exec /usr/local/lambda/aws-lambda-rie /var/runtime/bootstrap app.handler) >/tmp/log 2>&1 &"
DRIVER = """
import json, sys, time, urllib.error, urllib.request
def invoke(source):
    request = urllib.request.Request("http://127.0.0.1:8080/2015-03-31/functions/function/invocations", json.dumps({"python": source}).encode())
    for _ in range(100):
        try:
            return json.load(urllib.request.urlopen(request, timeout=60))
        except urllib.error.HTTPError as error:
            return {"errorType": error.read().decode()}
        except OSError:
            time.sleep(0.1)
answers = [invoke(source) for source in json.loads(sys.argv[1])]
time.sleep(0.2)
print(json.dumps({"answers": answers, "log": open("/tmp/log").read()}))
"""
MACHINE = "import platform; answer = platform.machine()"
RUNS = "import subprocess; answer = subprocess.run(['/bin/echo', 'ran'], capture_output=True, text=True).stdout"
RESOLVES = "import socket; answer = socket.getaddrinfo('evil.example', 80)"
READS = "answer = open('/etc/hostname').read()"
CONNECTS = "import socket; answer = socket.create_connection(('203.0.113.7', 80))"

POLICY = {
    "version": 1,
    "rules": [
        {
            "name": "arm",
            "processes": {"effect": "prevent", "main_only": True},
            "network": {"effect": "prevent", "outbound": {"allow": ["192.0.2.1:80"]}},
            "dns": {"effect": "prevent", "allow": ["carrier.example"]},
            "filesystem": {"effect": "prevent", "deny": ["/etc/hostname"]},
        }
    ],
}


class ThePythonRuntime(unittest.TestCase):
    def setUp(self):
        found = [place for place in PLACES if place.name == "arm64"]
        if not found:
            self.skipTest("run.py was told to go elsewhere")
        self.place = found[0]
        (self.place.root / "etc/hostname").write_text("a secret\n")

    def function(self, *sources, policy=None, wrapper=True):
        """The answers to the invocations, and the function's log."""
        environment = {
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "AWS_LAMBDA_FUNCTION_NAME": "order-desk",
            "PYTHONPATH": "/var/runtime/lib",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if wrapper:
            environment["AWS_LAMBDA_EXEC_WRAPPER"] = "/opt/palisade-wrapper"
        made = runtime()
        binds = [(made / name, f"/var/{name}") for name in ("task", "runtime", "lang")]
        binds.append((EMULATOR.parent, "/usr/local/lambda"))
        done = self.place.run(
            *("/usr/bin/python3", "-c", DRIVER, json.dumps(sources)),
            **{"policy": policy, "library": False, "script": START, "binds": binds, "environment": environment},
        )
        self.assertEqual(done.code, 0, done)
        told = json.loads(done.lines[-1])
        audits = [json.loads(line) for line in told["log"].splitlines() if line.startswith('{"timestamp"') and '"palisade"' in line]
        return told["answers"], audits, told["log"]

    def test_is_defended(self):
        answers, audits, log = self.function(MACHINE, RUNS, RESOLVES, READS, CONNECTS, policy=POLICY)
        self.assertEqual(answers[0], "aarch64", log)
        errors = [answer["errorType"] for answer in answers[1:]]
        self.assertEqual(errors, ["PermissionError", "gaierror", "PermissionError", "PermissionError"], log)
        self.assertEqual([record["type"] for record in audits], ["process", "dns", "filesystem", "network"], log)

    def test_without_a_policy_runs_no_program(self):
        answers, audits, log = self.function(RUNS)
        self.assertEqual(answers[0]["errorType"], "PermissionError", log)
        self.assertEqual(len(audits), 1, log)

    def test_without_the_wrapper_runs_it(self):
        answers, audits, log = self.function(MACHINE, RUNS, wrapper=False)
        self.assertEqual((answers, audits), (["aarch64", "ran\n"], []), log)


def runtime():
    """AWS's client for arm64 out of its wheels, and what else lies in Lambda's image."""
    install()
    folder = CACHE / "python-arm64"
    requirements = EMULATOR_TESTS / "requirements.txt"
    stamp = folder / "made-from"
    wanted = requirements.read_text() + "".join(path.read_text() for path in BOOTSTRAP)
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        platforms = [f"--platform=manylinux{each}_aarch64" for each in ("2014", "_2_17", "_2_28")]
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps", "--only-binary=:all:"]
        target = ["--python-version=3.11", *platforms, f"--target={folder / 'runtime/lib'}", "-r", str(requirements)]
        subprocess.run([*pip, *target], check=True)
        shutil.copytree(PROBE, folder / "task", ignore=shutil.ignore_patterns("palisade.json", "__pycache__"))
        lay_bootstrap(folder / "runtime")
        (folder / "lang/bin").mkdir(parents=True)
        (folder / "lang/bin/python3.11").symlink_to("/usr/bin/python3.11")
        stamp.write_text(wanted)
    return folder
