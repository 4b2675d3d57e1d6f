"""What an audit line is: finding them in a log, and holding each one against the contract in `docs/` and the README."""

import json
import re

LONGEST = 4096
LEVELS = {"alert": "WARN", "prevent": "ERROR", None: "INFO"}
ALWAYS = ("timestamp", "level", "palisade", "type", "attack", "msg", "function", "region", "pid", "ppid", "process")
OF_A_VERDICT = ("effect", "rule", "techniques")
ASKED_FOR = {
    "process": ("command",),
    "network": ("ip", "port"),
    "dns": ("domain",),
    "filesystem": ("path", "access"),
    "policy": (),
}


def records(log):
    """The audit records of a log, in order."""
    found = []
    for line in list(log):
        record = parse(line.raw)
        if record is not None:
            found.append(record)
    return found


def parse(raw):
    """A line's record, or None if the line is no audit line."""
    try:
        record = json.loads(raw)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "palisade" in record else None


def faults(raw):
    """What is wrong with an audit line; an empty list for a good one."""
    found = []
    if len(raw) > LONGEST:
        found.append(f"{len(raw)} bytes")
    if not raw.endswith(b"\n") or any(byte < 0x20 or byte == 0x7F for byte in raw[:-1]):
        found.append("not one printable line")
    try:
        record = json.loads(raw.decode("utf-8"))
    except ValueError as problem:
        return [*found, f"not JSON in UTF-8: {problem}"]
    found += [f"no `{field}`" for field in ALWAYS if field not in record]
    kind = record.get("type")
    if kind not in ASKED_FOR:
        return [*found, f"type {kind!r}"]
    if kind != "policy":
        found += [f"no `{field}`" for field in (*OF_A_VERDICT, *ASKED_FOR[kind]) if field not in record]
        if record.get("level") != LEVELS.get(record.get("effect")):
            found.append(f"level {record.get('level')!r} for effect {record.get('effect')!r}")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", str(record.get("timestamp"))):
        found.append(f"timestamp {record.get('timestamp')!r}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(record.get("attack"))):
        found.append(f"attack {record.get('attack')!r}")
    if not all(re.fullmatch(r"T\d{4}(\.\d{3})?", str(each)) for each in record.get("techniques", [])):
        found.append(f"techniques {record['techniques']!r}")
    return found
