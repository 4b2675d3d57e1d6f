"""Commands that start a runtime and wait, for those whose program has to be compiled: `commands.py FOLDER`.

Prints one object of JSON: for each runtime its words and its environment, or the reason why it is not there.
"""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "runtimes"))
sys.path.insert(0, str(HERE.parents[1] / "tests" / "emulator"))

import install  # noqa: E402
from harness import install as tools  # noqa: E402


def java(folder):
    subprocess.run(["javac", "-d", folder, HERE / "Wait.java"], check=True)
    return {"words": ["java", "-cp", str(folder), "Wait"], "environment": {}}


def dotnet(folder):
    core = install.dotnet_core()
    if not core.exists():
        tools.install()
        install.fetch_dotnet(core)
    install.compile_dotnet(HERE / "Wait.cs", folder / "Wait.dll", "exe")
    framework = {"name": "Microsoft.NETCore.App", "version": install.DOTNET.split("==")[1]}
    (folder / "Wait.runtimeconfig.json").write_text(json.dumps({"runtimeOptions": {"framework": framework}}))
    environment = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_CLI_TELEMETRY_OPTOUT": "1"}
    return {"words": [str(core / "dotnet"), "exec", str(folder / "Wait.dll")], "environment": environment}


def main(folder):
    # The set-up tells what it does on standard output, which is ours.
    ours, sys.stdout = sys.stdout, sys.stderr
    found = {}
    for make in (java, dotnet):
        try:
            found[make.__name__] = make(folder)
        except Exception as problem:  # Whatever it is, the other figures do not depend on it.
            found[make.__name__] = {"missing": f"{type(problem).__name__}: {problem}"}
    json.dump(found, ours)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
