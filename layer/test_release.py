"""The bill of materials and the commands of a release."""

import json
import subprocess
import unittest
from pathlib import Path

import release
from contents import REPOSITORY
from library import MACHINES, make_tools

REQUIREMENTS = Path(__file__).with_name("sbom-requirements.txt")
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

if problem := JsonStrictValidator(SchemaVersion.V1_5).validate_str(sys.stdin.read()):
    sys.exit(str(problem))
"""


class TheBillOfMaterials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = release.bill_of_materials(release.metadata(), release.linked(), release.checksums(), "1.95.0")
        cls.names = {component["name"] for component in cls.document["components"]}

    def test_is_valid_by_the_schema_of_cyclonedx(self):
        python = make_tools(REPOSITORY / "target/layer/sbom", REQUIREMENTS, "the schema of CycloneDX") / "bin/python3"

        def validated(document):
            return subprocess.run([str(python), "-c", VALIDATE], input=json.dumps(document), capture_output=True, text=True)

        found = validated(self.document)
        self.assertEqual((found.returncode, found.stderr), (0, ""))
        self.assertIn("additionalProperties", validated({**self.document, "invented": 1}).stderr)

    def test_names_what_is_linked_into_the_library(self):
        self.assertLessEqual({"palisade-policy", "palisade-audit", "libc", "base64", "rust-std"}, self.names)

    def test_names_nothing_of_the_command_the_tests_or_the_compiler(self):
        self.assertFalse(self.names & {"clap", "tempfile", "palisade-cli", "palisade-tests", "syn", "serde_derive"})
        # The command reads what the library writes, by a part of palisade-audit that the library does without.
        self.assertNotIn("serde_json", self.names)

    def test_has_a_hash_and_a_license_for_every_crate_of_the_registry(self):
        for component in self.document["components"]:
            with self.subTest(component["name"]):
                self.assertIn("licenses", component)
                self.assertEqual("hashes" in component, not component["name"].startswith(("palisade-", "rust-std")))

    def test_depends_only_on_what_it_names(self):
        known = {component["bom-ref"] for component in self.document["components"]} | {self.document["metadata"]["component"]["bom-ref"]}
        for entry in self.document["dependencies"]:
            self.assertLessEqual({entry["ref"], *entry["dependsOn"]}, known)

    def test_is_the_same_every_time(self):
        again = release.bill_of_materials(release.metadata(), release.linked(), release.checksums(), "1.95.0")
        self.assertEqual(again, self.document)


class TheCommands(unittest.TestCase):
    def test_name_the_zip_and_its_architecture(self):
        for machine in MACHINES.values():
            command = release.publish(machine, "1.2.3")
            self.assertIn(f"fileb://dist/palisade-layer-{machine.name}.zip", command)
            self.assertIn(f"--compatible-architectures {machine.name} ", command)


if __name__ == "__main__":
    unittest.main()
