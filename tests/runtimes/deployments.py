"""The tools that make templates of the examples for the CDK and the Serverless Framework, and what they make."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.install import CannotInstall
from harness.paths import CACHE

from examples import EXAMPLES
from install import run
from runtimes import HERE
from terraform import fetch_schemas

CDK = EXAMPLES / "cdk"
SERVERLESS = HERE / "serverless"
LAYER = "arn:aws:lambda:eu-central-1:123456789012:layer:palisade:1"
QUIET = {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off", "CI": "1"}
# Neither tool is to ask anybody anything.
OFFLINE = ("unshare", "--map-root-user", "--net")


def install_tools():
    """Fetches what is missing: 200 MB for the CDK, 250 MB for the Serverless Framework, 37 MB for what Terraform's providers know."""
    if not shutil.which("npm"):
        raise CannotInstall("npm is missing: tests/packages tells what to install")
    for source in (CDK, SERVERLESS):
        modules(source)
    fetch_schemas()


def modules(source):
    """The folder of what a folder's package-lock.json names, once installed."""
    lock = (source / "package-lock.json").read_bytes()
    built = CACHE / "built" / f"{source.name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (built / "node_modules").exists():
        print(f"set-up: {source.name} out of npm …", flush=True)
        built.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=built.parent) as folder:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(source / name, folder)
            environment = dict(os.environ, npm_config_cache=str(CACHE / "npm"))
            run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder, env=environment)
            built.mkdir(exist_ok=True)
            Path(folder, "node_modules").rename(built / "node_modules")
    return built / "node_modules"


def lay_cdk(folder, app=None):
    """The CDK's example as it lies in the repository, with layers of a few bytes; and the text of another `app.ts`."""
    shutil.copytree(EXAMPLES / "python", folder / "examples/python", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CDK, folder / "examples/cdk", ignore=shutil.ignore_patterns("node_modules", "cdk.out"))
    (folder / "examples/cdk/node_modules").symlink_to(modules(CDK))
    if app:
        (folder / "examples/cdk/app.ts").write_text(app)
    (folder / "dist").mkdir()
    for machine in ("x86_64", "arm64"):
        (folder / f"dist/palisade-layer-{machine}.zip").write_bytes(b"PK\5\6" + bytes(18))
    return folder / "examples/cdk"


def check_cdk(example):
    """What the compiler says of the sources."""
    return subprocess.run(["npx", "tsc"], cwd=example, capture_output=True, text=True)


def synthesize_cdk(example):
    """The template that `npx cdk deploy` would deploy, and the folder of what goes with it."""
    out = example / "cdk.out"
    command = json.loads((example / "cdk.json").read_text())["app"].split()
    run(*OFFLINE, *command, cwd=example, env={**os.environ, "CDK_OUTDIR": str(out)})
    (template,) = out.glob("*.template.json")
    return template


def package_serverless(folder):
    """The template that `serverless deploy` would deploy, with the function's package beside it, and what was said."""
    shutil.copytree(EXAMPLES / "python", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(EXAMPLES / "serverless-framework/serverless.yml", folder)
    (folder / "reports.py").write_text("def handler(event, context):\n    return 'none'\n")
    command = modules(SERVERLESS) / "serverless/bin/serverless.js"
    said = run(*OFFLINE, "node", command, "package", f"--param=palisadeLayer={LAYER}", "--region=eu-central-1", cwd=folder, env={**os.environ, **QUIET})
    return folder / ".serverless/cloudformation-template-update-stack.json", said
