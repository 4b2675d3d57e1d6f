"""`make release`: what a version consists of, in `dist/`, and the commands that publish it.

Beside the two zips there are their sums and a bill of materials: every crate that is part of the library, as CycloneDX. All of it is the
same bytes for the same sources. `--tag v1.2.3` fails unless that is the version of the sources.

The bill is written here and by none of cargo's tools: docs/platforms.md says which were tried, and what is wrong with each.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tomllib
import uuid

import build
from contents import REPOSITORY
from library import MACHINES

DIST = REPOSITORY / "dist"
SBOM = "palisade-layer.cdx.json"
SUMS = "SHA256SUMS"
LIBRARY = "palisade-shim"
# RFC 9562 §5.5: a name in this space always gives the same UUID.
SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/palisade/palisade/layer")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--tag", help="the tag that is being released")
    given = arguments.parse_args()
    version = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    if given.tag and given.tag != f"v{version}":
        return f"release: the tag is {given.tag}, and the version in Cargo.toml is {version}"
    if problem := build.main([]):
        return problem
    (DIST / SBOM).write_text(json.dumps(bill_of_materials(metadata(), linked(), checksums(), compiler()), indent=2) + "\n")
    names = sorted([*(build.layer_of(machine).name for machine in MACHINES.values()), SBOM])
    sums = "".join(f"{hashlib.sha256((DIST / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (DIST / SUMS).write_text(sums)
    print(f"\n{sums}\nTo publish it, in each region:\n")
    for machine in MACHINES.values():
        print(publish(machine, version))
    return 0


def publish(machine, version):
    """The command that makes it a version of a layer, and the one that lets other accounts use it."""
    name = {"x86_64": "palisade", "arm64": "palisade-arm64"}[machine.name]
    return (
        f"aws lambda publish-layer-version --layer-name {name} --zip-file fileb://dist/{build.layer_of(machine).name} \\\n"
        f"    --compatible-architectures {machine.name} --license-info Apache-2.0 --description 'Palisade {version}'\n"
        f"aws lambda add-layer-version-permission --layer-name {name} --version-number NUMBER \\\n"
        "    --statement-id organization --action lambda:GetLayerVersion --principal '*' --organization-id ORGANIZATION\n"
    )


def metadata():
    """What cargo knows of the crates, as it would build them."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    for machine in MACHINES.values():
        command += ["--filter-platform", machine.target]
    return json.loads(subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout)


def linked():
    """What is linked into the library, as names and versions: the crates of its own features, without what only builds or tests it.

    `cargo metadata` has the features of the whole workspace, and so the crates of the command and the tests among the library's.
    """
    command = ["cargo", "tree", "--locked", "-p", LIBRARY, "--features", "alone", "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]
    for machine in MACHINES.values():
        command += ["--target", machine.target]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    words = (line.split() for line in said.splitlines() if line)
    return {(name, version.removeprefix("v")) for name, version, *_ in words}


def checksums():
    """The registry's hash of each crate, by name and version."""
    lock = tomllib.loads((REPOSITORY / "Cargo.lock").read_text())
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


def compiler():
    """The compiler's version: its standard library is part of the library, too."""
    said = subprocess.run([os.environ.get("RUSTC", "rustc"), "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[1]


def bill_of_materials(known, inside, hashes, rustc):
    """A CycloneDX 1.5 document of the library and all that is linked into it."""
    packages = {package["id"]: package for package in known["packages"] if (package["name"], package["version"]) in inside}
    needs = {node["id"]: [each["pkg"] for each in node["deps"] if each["pkg"] in packages] for node in known["resolve"]["nodes"]}
    root = next(package for package in packages.values() if package["name"] == LIBRARY)
    crates = sorted((each for each in packages.values() if each is not root), key=lambda package: (package["name"], package["version"]))
    std = {"type": "library", "bom-ref": f"rust-std@{rustc}", "name": "rust-std", "version": rustc, "licenses": [{"expression": "MIT OR Apache-2.0"}]}
    dependencies = [{"ref": reference(packages[each]), "dependsOn": sorted(reference(packages[need]) for need in needs[each])} for each in packages]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**component(root, hashes), "type": "application"}},
        "components": [*(component(package, hashes) for package in crates), std],
        "dependencies": sorted(dependencies, key=lambda each: each["ref"]),
    }
    return {**document, "serialNumber": f"urn:uuid:{uuid.uuid5(SPACE, json.dumps(document))}"}


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, hashes):
    found = {
        "type": "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    }
    if package.get("license"):
        # SPDX has no slash, which crates of old have between their licenses.
        found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if sha256 := hashes.get((package["name"], package["version"])):
        found["hashes"] = [{"alg": "SHA-256", "content": sha256}]
    return found


if __name__ == "__main__":
    sys.exit(main())
