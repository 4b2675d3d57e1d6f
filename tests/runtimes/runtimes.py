"""The five runtimes: what each needs from the machine, how it is laid out, and where its function comes from."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.paths import CACHE, VENV

HERE = Path(__file__).resolve().parent
PARTS = CACHE / "runtimes"
"""What was fetched and built for the runtimes: `install.py` fills it, a folder each."""


@dataclass(frozen=True)
class Runtime:
    """One runtime. `commands` must be on the machine; `tests/packages` says which packages have them."""

    name: str
    title: str
    handler: str
    commands: tuple
    client: str
    """Whose code speaks to the Runtime API."""

    @property
    def source(self):
        """Its folder in the repository."""
        return HERE / self.name

    @property
    def parts(self):
        """Its folder under `target/`: `lang` as under /var/lang, `runtime` as under /var/runtime, `task` as under /var/task."""
        return PARTS / self.name

    def missing(self):
        """The commands that are not on this machine."""
        return [command for command in self.commands if shutil.which(command) is None]


RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime("python", "Python", "app.handler", (), "AWS's `awslambdaric` 4.2.2"),
        Runtime(
            "node",
            "Node.js",
            "app.handler",
            ("node", "npm", "cmake", "make", "g++", "autoconf", "automake", "libtoolize"),
            "AWS's `aws-lambda-ric` 3.3.0",
        ),
        Runtime("java", "Java", "App::handleRequest", ("java", "javac"), "AWS's `aws-lambda-java-runtime-interface-client` 2.9.0"),
        Runtime("ruby", "Ruby", "app.handler", ("ruby",), "a loop of our own, like AWS's on Net::HTTP"),
        Runtime("dotnet", ".NET", "App::App::Handler", ("mcs",), "a loop of our own on HttpClient"),
    )
}


def venv_lang():
    """Python's /var/lang is the environment that the emulator's tests already have."""
    return VENV
