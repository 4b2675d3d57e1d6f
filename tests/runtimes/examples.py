"""The examples' functions, built as their deployments pack them."""

import shutil

from harness.paths import REPOSITORY

from install import compile_function, compile_java
from runtimes import RUNTIMES

EXAMPLES = REPOSITORY / "examples"
HANDLERS = {
    "python": "app.handler",
    "node": "app.handler",
    "ruby": "app.handler",
    "java": "shop.OrderDesk::handleRequest",
    "dotnet": "OrderDesk::OrderDesk::Handler",
}


def build(name, task):
    """Puts the example into the folder `task`, which is not there yet."""
    example = EXAMPLES / name
    if name == "java":
        shutil.copytree(example / "src/main/resources", task)
        compile_java(sorted(example.rglob("*.java")), RUNTIMES["java"].parts / "runtime/lib", task)
    else:
        shutil.copytree(example, task, ignore=shutil.ignore_patterns("__pycache__"))
    if name == "dotnet":
        compile_function(example / "OrderDesk.cs", task / "OrderDesk.dll")
