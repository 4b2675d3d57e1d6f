"""An example function that is observed, learnt from, and defended."""

import json
import subprocess
import tempfile
from pathlib import Path

from harness.paths import LIBRARY

from examples import HANDLERS, build
from machine import prepared, surroundings
from place import function
from runtimes import RUNTIMES
from series import Verdicts

PALISADE = LIBRARY.with_name("palisade")


class Example:
    """The order desk of one runtime, laid out without a policy."""

    def __init__(self, name):
        self.name = name
        self.place = prepared(RUNTIMES[name])
        self.world = surroundings()
        with tempfile.TemporaryDirectory(prefix="palisade-") as folder:
            task = Path(folder) / "task"
            build(name, task)
            (task / "palisade.json").unlink()
            self.place.lay(task)
        self.place.handler = HANDLERS[name]

    def under(self, policy=None, environment=None, wrapper=True):
        """The function under a policy, a path; `None` is the built-in one."""
        policy = {"PALISADE_POLICY": Path(policy).read_text()} if policy else {}
        return function(self.place, {**policy, **(environment or {})}, wrapper)


def answers(running, events):
    """What the function says to each event."""
    return [running.invoke(event).body for event in events]


def log_of(running):
    """The function's log so far, as CloudWatch has it."""
    Verdicts(running).since(0, 0)
    return b"".join(line.raw for line in list(running.log))


def palisade(*words, code=0, input=None):
    """Runs the command; what it printed."""
    done = subprocess.run([str(PALISADE), *map(str, words)], input=input, capture_output=True)
    if done.returncode != code:
        raise AssertionError(f"palisade {' '.join(map(str, words))}: {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return done.stdout.decode(), done.stderr.decode()


def learn(log, folder, *options):
    """The policy of the one function of a log: its path."""
    (folder / "function.log").write_bytes(log)
    palisade("learn", "-o", folder, *options, folder / "function.log")
    (policy,) = [path for path in folder.glob("*.json") if not path.name.endswith(".reasons.json")]
    palisade("check", policy)
    return policy


def told(policy, records, running):
    """What a person needs who wonders why a test failed."""
    return "\n".join([json.dumps(record) for record in records] + [Path(policy).read_text() if policy else "", running.log_text()[-6000:]])
