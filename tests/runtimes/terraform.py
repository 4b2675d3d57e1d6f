"""What the providers of Terraform know of their resources, as npm has it: the interfaces that HashiCorp generates from their schemas."""

import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from harness.paths import CACHE

from install import check, run

SCHEMAS = CACHE / "built/terraform-schemas"
PACKAGES = {
    # Of the provider hashicorp/aws 6.25.0: 37 MB, of which these five files are kept.
    "@cdktf/provider-aws@21.22.1": (
        "d1446ab6ac6526c6fab4b28a5ebefdd90c0ce56203949925d35a4d286c05cbbf",
        ["lambda-function", "lambda-layer-version", "iam-role", "iam-role-policy-attachment", "data-aws-iam-policy-document"],
    ),
    "@cdktf/provider-archive@11.0.1": ("4c4ab18fe1942007579ee9bb3a4895d2823ef9588b8a036ab57a5b2fbac9415e", ["data-archive-file"]),
}
META_ARGUMENTS = {"count", "depends_on", "for_each", "lifecycle", "provider"}

INTERFACE = re.compile(r"^export interface (\w+).*?^}", re.MULTILINE | re.DOTALL)
ARGUMENT = re.compile(r"\{@link \S+#(\w+) [^}]*\}(?:(?!@link).)*?readonly \w+(\??): (\w*)", re.DOTALL)
REFERENCE = re.compile(r"\b(data\.)?((?:aws|archive)_\w+)\.(\w+)\.(\w+)")


def fetch_schemas():
    """Keeps the files of the resources that the example has."""
    if SCHEMAS.exists():
        return
    SCHEMAS.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCHEMAS.parent) as folder:
        kept = Path(folder, "kept")
        kept.mkdir()
        for package, (sha256, resources) in PACKAGES.items():
            packed = Path(folder, run("npm", "pack", "--silent", package, cwd=folder).strip().splitlines()[-1])
            check(packed.read_bytes(), sha256, package)
            with tarfile.open(packed) as archive:
                for resource in resources:
                    kept.joinpath(f"{resource}.d.ts").write_bytes(archive.extractfile(f"package/lib/{resource}/index.d.ts").read())
        kept.rename(SCHEMAS)


class Schema:
    """What one resource or data source takes and gives."""

    def __init__(self, text):
        self.blocks = {}
        for interface in INTERFACE.finditer(text):
            arguments = {found[1]: (found[2] == "", found[3]) for found in ARGUMENT.finditer(interface[0])}
            self.blocks.setdefault(interface[1], arguments)
        (self.whole,) = (name for name in self.blocks if name.endswith("Config") and f"config: {name}" in text or f"config?: {name}" in text)
        # TypeScript's names say no more of where the underscores are.
        self.given = {name.lower() for name in re.findall(r"^    get (\w+)\(\)", text, re.MULTILINE)}

    def faults(self, where, body, block=None):
        """What is wrong with the arguments of a block as `hcl2` gives it."""
        arguments = self.blocks[block or self.whole]
        written = {name for name in body if not name.startswith("__")}
        found = [f"{where}: {name} is no argument" for name in sorted(written - set(arguments) - (set() if block else META_ARGUMENTS))]
        required = {name for name, (is_required, _) in arguments.items() if is_required}
        found += [f"{where}: {name} is missing" for name in sorted(required - written)]
        for name in sorted(written & set(arguments)):
            inner, is_block = arguments[name][1], isinstance(body[name], list) and any(isinstance(each, dict) for each in body[name])
            if is_block != (inner in self.blocks):
                found.append(f"{where}.{name} is {'an argument' if is_block else 'a block'}")
            elif is_block:
                found += [fault for each in body[name] for fault in self.faults(f"{where}.{name}", each, inner)]
        return found


def schema(kind, is_data):
    """The schema of `aws_iam_role`, or of the data source `aws_iam_policy_document`."""
    name = kind.replace("_", "-")
    return Schema(SCHEMAS.joinpath(f"{'data-' + name if is_data else name.removeprefix('aws-')}.d.ts").read_text())


def faults(configuration, text):
    """What is wrong with a configuration, of which `text` is what was read: unknown and missing arguments, and references to nothing."""
    declared, found = {}, []
    for section, is_data in (("resource", False), ("data", True)):
        for entry in configuration.get(section, []):
            for kind, named in entry.items():
                for name, body in named.items():
                    kind, name = kind.strip('"'), name.strip('"')
                    declared[is_data, kind, name] = schema(kind, is_data)
                    found += declared[is_data, kind, name].faults(f"{kind}.{name}", body)
    for data, kind, name, given in REFERENCE.findall(text):
        known = declared.get((bool(data), kind, name))
        if known is None or given.replace("_", "") not in known.given:
            found.append(f"{data}{kind}.{name}.{given} is nothing")
    return found


def read(interpreter, path):
    """The configuration in a file, by the interpreter that has `hcl2`."""
    script = "import json, sys, hcl2; print(json.dumps(hcl2.load(open(sys.argv[1]))))"
    return subprocess.run([interpreter, "-c", script, path], capture_output=True, text=True, check=True).stdout
