"""`make demo`: the same callers before a vulnerable function without and with Palisade, side by side.

Exits with 0 only if every attack succeeds without Palisade, is refused with it and leaves one audit line, and the honest
callers get the same answers in both.
"""

import argparse
import re
import sys
import textwrap

from harness import audit
from harness.paths import CACHE
from harness.world import world
from scenario import play

COLUMNS = (45, 32, 32)


def main(place):
    print("Starting the function without Palisade …", flush=True)
    without, bare = play(place, defended=False)
    print(f"Starting the function with AWS_LAMBDA_EXEC_WRAPPER={place.layout.wrapper} …\n", flush=True)
    defended, function = play(place, defended=True)

    row("A caller", "without Palisade", "with Palisade", "")
    print("-" * (sum(COLUMNS) + 8))
    wrong = []
    for (case, before), (_, after) in zip(without, defended):
        faults = judge(case, before, after)
        wrong += [f"{case.title}: {fault}" for fault in faults]
        row(case.title, told(before), told(after), "ok" if not faults else "WRONG")

    print("\nThe function's log, a line for each refused attack:\n")
    for line in function.log:
        record = audit.parse(line.raw)
        if record:
            print(f"  {record.get('level')}  {record.get('msg')}")
            print(textwrap.indent(line.text, "         ") + "\n")

    if wrong:
        print("WRONG:\n  " + "\n  ".join(wrong))
        for name, log in (("without", bare.log_text()), ("with", function.log_text())):
            path = CACHE / f"demo-{name}-palisade.log"
            path.write_text(log + "\n")
            print(f"The function's whole log {name} Palisade: {path}")
        return 1
    attacks = sum(not case.honest for case, _ in defended)
    print(f"{attacks} attacks: all succeed without Palisade, all are refused with it; honest answers are the same.")
    return 0


def judge(case, before, after):
    """What is wrong with a case's outcomes; an empty list if it went as it must."""
    faults = []
    if before.got is None:
        faults.append("did not succeed without Palisade, so that it proves nothing")
    if case.honest:
        if after.answer.body != before.answer.body:
            faults.append("got another answer with Palisade")
        if after.audits:
            faults.append(f"left {len(after.audits)} audit lines")
        return faults
    if after.got is not None:
        faults.append("succeeded with Palisade")
    if [record.get("type") for record in after.audits] != [case.audit_type]:
        faults.append(f"left these audits instead of one of type {case.audit_type}: {after.audits}")
    return faults


def told(outcome):
    """An outcome in few words: what the caller got, or how the function failed."""
    if outcome.got is not None:
        return outcome.got
    error, body = outcome.answer.error, outcome.answer.body
    if error is None:
        return f"refused: exit {body['exit']}" if "exit" in body else f"refused: {body}"
    errno = re.search(r"\[Errno -?\d+\] ([^:>]+)", error)
    return "refused: " + (errno.group(1) if errno else error)


def row(*cells):
    print("  ".join([*(short(cell, width).ljust(width) for cell, width in zip(cells, COLUMNS)), cells[-1]]), flush=True)


def short(text, width):
    return text if len(text) <= width else text[: width - 1] + "…"


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Attacks a vulnerable function without and with Palisade.")
    options.add_argument("--layer", metavar="ZIP", help="the layer to defend it with; otherwise what `make build` made")
    sys.exit(main(world(options.parse_args().layer)))
