"""docs/guide.md: its commands do what it shows. `UPDATE_DOCS=1` writes what they printed into it."""

import contextlib
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from harness.paths import REPOSITORY

from function import PALISADE

GUIDE = REPOSITORY / "docs" / "guide.md"
BLOCK = re.compile(r"^```console(?P<options>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S)
DONE = "the command is done"

# What is another one each time, as the guide shows it.
PYTHON = os.path.realpath(shutil.which("python3"))
SHOWN = [
    (re.escape(PYTHON), "/usr/bin/python3"),
    (r"uid=\d+\([^)]*\) gid=\d+\([^)]*\)", "uid=993(sbx_user) gid=990(sbx_user)"),
    (r"(groups|context)=[^ \\\n]*", "groups=990(sbx_user)"),
]
VOLATILE = [
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME"),
    (r"\b\d\d:\d\d:\d\d\b", "TIME"),
    (r"\d+ invocations? ago", "N invocations ago"),
    (r"/proc/\d+", "/proc/PID"),
    (r"\b\d+\b(?= (events|bytes|ms|s)\b)", "N"),
    # A name that is random, where it is an example.
    (r"receipt-[a-z0-9_]{8}", "receipt-RANDOM"),
    (r"/tmp/[a-z0-9_]{8}(?![a-z0-9_.-])", "/tmp/RANDOM"),
    (r"[ \t]+$", ""),
    # The seconds of a histogram: how many rows there are depends on when the second changes.
    (r"(^  TIME +\d+ +█+\n)+", "  TIME  N\n"),
]


class Shell:
    """One shell for the whole guide, in a folder of its own that looks like the reader's."""

    def __init__(self, folder):
        self.folder = folder
        # A terminal that can do nothing, and the reader's PATH.
        path = f"{PALISADE.parent}:{Path(shutil.which('python3')).parent}:/usr/bin:/bin"
        self.environment = {"LAMBDA_TASK_ROOT": str(folder), "PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            ["bash", "--norc"], cwd=folder, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def run(self, command):
        """What a command printed, and its exit code."""
        self.process.stdin.write(f"{{ {command}\n}} < /dev/null\necho; echo '{DONE}' $?\n".encode())
        self.process.stdin.flush()
        lines = []
        while not (line := self.process.stdout.readline().decode()).startswith(DONE):
            if not line:
                raise AssertionError(f"the shell ended in: {command}\n{''.join(lines)}")
            lines.append(line)
        text = "".join(lines)
        return (text[:-1] if text.endswith("\n\n") or text == "\n" else text), int(line.split()[-1])

    def answer(self, command, answers):
        """What a command printed on a terminal, on which each question is answered in turn."""
        main, other = pty.openpty()
        process = subprocess.Popen(["bash", "-c", command], cwd=self.folder, env=self.environment, stdin=other, stdout=other, stderr=other)
        os.close(other)
        text = b""
        waiting = list(answers)
        with contextlib.suppress(OSError):
            while select.select([main], [], [], 30)[0] and (part := os.read(main, 4096)):
                text += part
                if waiting and text.endswith(b"[?] "):
                    os.write(main, waiting.pop(0).encode() + b"\n")
        os.close(main)
        return text.decode().replace("\r\n", "\n"), process.wait()


def played(guide, shell):
    """The guide as it is when its commands are run: its text, and the commands that failed."""
    failed = []

    def block(match):
        if match["options"] == ",unrun":
            return match[0]
        answers = re.fullmatch(r",answers=(\S+)", match["options"])
        out = []
        for command in re.findall(r"^\$ (.*)$", match["text"], re.M):
            printed, code = shell.answer(command, answers[1].split(",")) if answers else shell.run(command)
            if code:
                failed.append(f"{command}: exit {code}\n{printed}")
            out.append(f"$ {command}\n{shown(printed)}")
        return f"```console{match['options']}\n{''.join(out)}```"

    return BLOCK.sub(block, guide), failed


def shown(printed):
    for pattern, instead in SHOWN:
        printed = re.sub(pattern, instead, printed)
    return re.sub(r"[ \t]+$", "", printed, flags=re.M)


def settled(guide):
    for pattern, instead in VOLATILE:
        guide = re.sub(pattern, instead, guide, flags=re.M)
    return guide


LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


class TheBook(unittest.TestCase):
    def test_has_every_page_and_no_link_leads_nowhere(self):
        docs = GUIDE.parent
        listed = LINK.findall((docs / "SUMMARY.md").read_text())
        self.assertEqual(sorted(listed), sorted(page.name for page in docs.glob("*.md") if page.name != "SUMMARY.md"), "docs/SUMMARY.md has to list it")
        for page in docs.glob("*.md"):
            for link in LINK.findall(page.read_text()):
                if "://" not in link:
                    self.assertTrue((docs / link).exists(), f"{page.name}: {link}")


class TheGuide(unittest.TestCase):
    maxDiff = None

    def test_shows_what_its_commands_print(self):
        guide = GUIDE.read_text()
        with tempfile.TemporaryDirectory(prefix="palisade-") as folder:
            # The reader's folder has this name; messages may have it, too.
            task = Path(folder) / "order-desk"
            shutil.copytree(REPOSITORY / "examples/python", task, ignore=shutil.ignore_patterns("__pycache__"))
            shell = Shell(task)
            try:
                found, failed = played(guide, shell)
                found = found.replace(str(task), "/tmp/order-desk")
            finally:
                shell.close()
        self.assertEqual(failed, [])
        if os.environ.get("UPDATE_DOCS") and settled(found) != settled(guide):
            GUIDE.write_text(found)
            guide = found
        self.assertEqual(settled(found).splitlines(), settled(guide).splitlines(), "UPDATE_DOCS=1 make test writes it anew")


if __name__ == "__main__":
    sys.exit(unittest.main())
