"""docs/runtimes.md: the truth table as the tests found it, kept true by them."""

import os
from pathlib import Path

from harness.paths import REPOSITORY

from expected_failures import EXPECTED_FAILURES
from series import SECTIONS

DOCUMENT = REPOSITORY / "docs" / "runtimes.md"
HEAD = Path(__file__).with_name("runtimes.head.md")


def begin(runtime):
    return f"<!-- {runtime.name}: made by `UPDATE_DOCS=1 make test` -->\n"


def end(runtime):
    return f"<!-- end of {runtime.name} -->\n"


def section(runtime, cells):
    """A runtime's part of the document: `cells` by effect, in the same order under each."""
    known = EXPECTED_FAILURES.get(runtime.name, {})
    lines = [f"## {runtime.title}\n", f"Runtime client: {runtime.client}.\n"]
    for name, title in SECTIONS.items():
        rows = [row for row in zip(cells["prevent"], cells["alert"], cells["disable"]) if row[0].act.section == name]
        if not rows:
            continue
        lines.append(f"| {title} | prevent | alert | disable |\n|---|---|---|---|")
        for row in rows:
            lines.append("| " + " | ".join([f"`{row[0].act.name}`", *(words(cell) for cell in row)]) + " |")
        lines.append("")
    reasons = {}
    for cell in cells["prevent"]:
        if cell.act.why:
            reasons.setdefault(cell.act.why, []).append(f"`{cell.act.name}`")
    if reasons:
        lines += [
            "Not one audit, but one for each attempt:\n",
            *(f"- {', '.join(names)}: {reason}." for reason, names in reasons.items()),
            "",
        ]
    notes = [f"- `{name}`: {reason}" for name, reason in sorted(known.items())]
    if notes:
        lines += ["Not as it should be (**✗** above):\n", *notes, ""]
    return begin(runtime) + "\n".join(lines) + end(runtime)


def words(cell):
    """One cell of the table."""
    number = len(cell.audits)
    audits = "no audit" if number == 0 else f"{number} audit" + "s" * (number != 1)
    return f"**✗** {audits}" if cell.faults else f"{cell.outcome}, {audits}"


def update(runtime, text):
    """Writes a runtime's part into the document, and its head."""
    whole = DOCUMENT.read_text() if DOCUMENT.exists() else ""
    parts = {runtime.name: text}
    from runtimes import RUNTIMES

    for other in RUNTIMES.values():
        if other.name not in parts and (found := part_of(whole, other)):
            parts[other.name] = found
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(HEAD.read_text() + "\n" + "\n".join(parts[name] for name in RUNTIMES if name in parts))


def part_of(whole, runtime):
    """A runtime's part as the document has it, or None."""
    first, last = whole.find(begin(runtime)), whole.find(end(runtime))
    return whole[first : last + len(end(runtime))] if 0 <= first < last else None


def differences(runtime, text):
    """The lines that the document has wrong; writes them instead where UPDATE_DOCS is set."""
    if os.environ.get("UPDATE_DOCS"):
        update(runtime, text)
    found = part_of(DOCUMENT.read_text() if DOCUMENT.exists() else "", runtime) or ""
    old, new = found.splitlines(), text.splitlines()
    return [f"- {line}" for line in old if line not in new] + [f"+ {line}" for line in new if line not in old]
