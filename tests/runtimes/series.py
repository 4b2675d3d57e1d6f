"""A series: every act of a function under one effect, each cell judged by what came back, what changed, and what was audited."""

import json
import time
from dataclasses import dataclass, field

from harness import audit

from place import function
from places import ALLOWED_ADDRESS, ALLOWED_PORTS, CONTENT, DENIED_ADDRESS, DENIED_ZONE, LISTEN, REVERSE, Ground

EFFECTS = ("prevent", "alert", "disable")
AUDIT_TYPES = {"process": "process", "resolve": "dns", "connect": "network", "listen": "network"}
AUDIT_TYPES |= {"read": "filesystem", "write": "filesystem"}
SECTIONS = {
    "process": "Start a program",
    "resolve": "Resolve a name",
    "connect": "Connect, send",
    "listen": "Listen",
    "read": "Read a file or a folder",
    "write": "Change a file or a folder",
    "honest": "Nothing to refuse",
}
QUIET = 0.03
"""Seconds without a further audit after which an act is over. What comes later is counted for the next act, and is wrong there."""


BEGINNING = b'{"timestamp":"'
LATEST = 0.5
"""Seconds that an audit may take."""


@dataclass
class Act:
    """One row of the table: a public way of the standard library to do something that a policy judges."""

    name: str
    section: str
    refusal: str
    audits: object
    """How many audits it is worth: a number, or one for each effect where the library tries again what was refused."""

    @property
    def why(self):
        """Why it is worth another number of audits than one."""
        return self.audits.get("why") if isinstance(self.audits, dict) else None

    @property
    def beside(self):
        """The `attack` of audits that may be there besides, by chance."""
        return self.audits.get("beside") if isinstance(self.audits, dict) else None

    def expected(self, effect):
        """The audits under an effect."""
        if effect == "disable" or self.section == "honest":
            return 0
        return self.audits[effect] if isinstance(self.audits, dict) else self.audits


@dataclass
class Cell:
    """What an act did under one effect."""

    act: Act
    effect: str
    answer: dict
    audits: list
    changed: bool
    faults: list = field(default_factory=list)

    @property
    def outcome(self):
        """In the words of the table."""
        if "refused" in self.answer:
            return f"`{self.answer['refused']}`"
        return "works" if "answer" in self.answer else f"`{self.answer}`"


def policy(effect, ground):
    """The same denials in every section, under one effect."""
    rule = {
        "name": "table",
        "processes": {"effect": effect, "main_only": True},
        "network": {"effect": effect, "outbound": {"deny": [DENIED_ADDRESS]}, "listen": {"allow": ALLOWED_PORTS}},
        "dns": {"effect": effect, "deny": [f"*.{DENIED_ZONE}", REVERSE]},
        "filesystem": {"effect": effect, "deny": [f"{ground.denied}", f"{ground.denied}/**"]},
    }
    return json.dumps({"version": 1, "rules": [rule]})


class Series:
    """A function of a runtime under one effect."""

    def __init__(self, place, effect, environment=None, wrapper=True):
        self.place = place
        self.effect = effect
        self.environment = environment or {}
        self.wrapper = wrapper

    def run(self, only=None):
        """Performs every act (or those that `only` takes), and gives the cells in the function's order."""
        ground = Ground(LISTEN + EFFECTS.index(self.effect))
        try:
            environment = {"PALISADE_POLICY": policy(self.effect, ground), **self.environment}
            with function(self.place, environment, self.wrapper) as running:
                listed = running.invoke({"act": "list"})
                if not isinstance(listed.body, list):
                    raise AssertionError(f"the function did not start: {listed}\n{running.log_text()}")
                self.verdicts = Verdicts(running)
                acts = [Act(name, section, refusal, audits) for name, section, refusal, audits in listed.body]
                cells = [self.cell(running, act, ground, number) for number, act in enumerate(acts) if not only or only(act)]
                self.log = running.log_text()
                bad = [f"{text}: {faults}" for text, faults in self.verdicts.bad]
                if bad:
                    raise AssertionError("audit lines against their contract:\n" + "\n".join(bad))
            return cells
        finally:
            ground.remove()

    def cell(self, running, act, ground, number):
        ground.reset()
        before, seen = ground.state(), len(self.verdicts.read())
        target = ground.target(number)
        body = running.invoke({"act": act.name, "target": target}).body
        answer = body if isinstance(body, dict) else {"no answer": body}
        expected = act.expected(self.effect)
        audits = [record for record in self.verdicts.since(seen, expected) if record["attack"] != act.beside]
        cell = Cell(act, self.effect, answer, audits, ground.state() != before)
        cell.faults = faults(cell, target, expected)
        return cell


class Verdicts:
    """The records about an act in a function's log (a `policy` record is about Palisade itself), each line read once."""

    def __init__(self, running):
        self.log = running.log
        self.position = 0
        self.records = []
        self.bad = []

    def read(self):
        """All records so far."""
        while self.position < len(self.log):
            line = self.log[self.position]
            self.position += 1
            # What a program left unended on the same stream stands before the audit (Node.js's reports begin so).
            raw = line.raw[max(line.raw.find(BEGINNING), 0) :]
            record = audit.parse(raw)
            if record is None:
                continue
            if problems := audit.faults(raw):
                self.bad.append((line.text, problems))
            if record["type"] != "policy":
                self.records.append(record)
        return self.records

    def since(self, seen, expected):
        """The records since `seen`, once those that are expected are there and no more come."""
        deadline = time.monotonic() + LATEST
        while len(self.read()) < seen + expected and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(QUIET)
        return self.read()[seen:]


def faults(cell, target, expected):
    """What is wrong with a cell: an empty list for a good one."""
    act, found = cell.act, []
    if cell.effect == "prevent" and act.section != "honest":
        if cell.answer.get("refused") != act.refusal:
            found.append(f"expected {act.refusal!r}, got {cell.answer}")
        if cell.changed:
            found.append("changed the folder")
    else:
        found += [f"did not work: {problem}" for problem in [unproven(cell, target)] if problem]
    if len(cell.audits) != expected:
        found.append(f"{len(cell.audits)} audits instead of {expected}: {[record['msg'] for record in cell.audits]}")
    for record in cell.audits:
        wanted = (AUDIT_TYPES.get(act.section), cell.effect, 1)
        got = (record["type"], record["effect"], record.get("count", 1))
        if got != wanted:
            found.append(f"audit is {got} instead of {wanted}")
        found += [f"audit does not name the target: {record}"] if not names_target(act, record, target) else []
    return found


def unproven(cell, target):
    """Why an answer does not prove that the act was done; None if it does."""
    if "answer" not in cell.answer:
        return str(cell.answer)
    answer, section = cell.answer["answer"], cell.act.section
    if section == "write":
        return None if cell.changed else "the folder is as it was"
    proof = {
        "process": target["token"],
        "resolve": ALLOWED_ADDRESS,
        "connect": "pong",
        "listen": target["listen"],
        "read": CONTENT,
    }.get(section, answer)
    return None if answer == proof else f"{answer!r} instead of {proof!r}"


def names_target(act, record, target):
    """Is the audit about the act's target? A port that the kernel chose and a command of two programs have no name to look for."""
    if act.section == "process":
        return target["token"] in str(record.get("command")) or act.audits != 1
    if act.section == "resolve":
        return str(record.get("domain", "")).lower() in (target["host"], REVERSE)
    if act.section == "connect":
        return record.get("ip") == target["address"]
    if act.section == "listen":
        return "port" in record
    return str(record.get("path", "")).startswith(target["folder"])
