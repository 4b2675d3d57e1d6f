"""The commands in the README of an example."""

import re
import shlex
from pathlib import Path

FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
PROGRAMS = ("aws", "cd", "cdk", "curl", "docker", "make", "npm", "npx", "palisade", "pip", "python3", "sam", "serverless", "terraform", "unzip")
"""A span of code that begins with one of these and goes on is a command."""


def commands(text):
    """The commands of a README, as lists of words: those of each block of `sh`, to be run from the top of the repository, and those within
    sentences, to be run beside the README."""
    blocks, in_sentences = [], []
    for language, block in FENCED.findall(text):
        if language == "sh":
            blocks.append(steps(block))
        elif language not in ("json", "dockerfile"):
            raise AssertionError(f"a block of {language or 'nothing that is said'}: sh, json or dockerfile?\n{block}")
    for span in re.findall(r"`([^`\n]+)`", FENCED.sub("", text)):
        if len(span.split()) > 1 and Path(span.split()[0]).name in PROGRAMS:
            in_sentences += steps(span)
    return blocks, in_sentences


def steps(text):
    """One list of words for each command."""
    lines = (shlex.split(line, comments=True) for line in text.replace("\\\n", " ").splitlines())
    found = []
    for words in filter(None, lines):
        found.append([])
        for word in words:
            if word == "&&":
                found.append([])
            else:
                found[-1].append(word)
    return found
