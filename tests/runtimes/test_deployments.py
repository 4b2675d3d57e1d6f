"""The examples' templates: linted, and for the tools that make a template of them, what they make."""

import json
import subprocess
import tempfile
import unittest
import zipfile
from pathlib import Path

from harness.paths import LIBRARY

import terraform
from deployments import LAYER, check_cdk, lay_cdk, package_serverless, synthesize_cdk
from examples import EXAMPLES, HANDLERS
from install import linters

WRAPPER = "/opt/palisade-wrapper"
# That a runtime has grown old is no fault of the template; that a dependency is named twice is how both tools do it.
OLD_RUNTIME, NAMED_TWICE = "W2531", "W3005"
FLEET = """
import { App, Aspects, Stack } from "aws-cdk-lib";
import { Architecture, Code, Function, Runtime } from "aws-cdk-lib/aws-lambda";
import { Palisade } from "./palisade";

const app = new App();
const stack = new Stack(app, "Fleet");
const code = Code.fromAsset("../python");
for (const [name, architecture] of [["One", Architecture.X86_64], ["Two", Architecture.ARM_64], ["Three", Architecture.ARM_64]] as const)
  new Function(stack, name, { code, handler: "app.handler", runtime: Runtime.PYTHON_3_12, architecture });
new Function(stack, "Native", { code, handler: "app", runtime: Runtime.PROVIDED_AL2023 });
Aspects.of(app).add(new Palisade({ layers: "../../dist", policy: { version: 1, rules: [] } }));
"""


class Templates(unittest.TestCase):
    longMessage = False

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="palisade-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def linted(self, *command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def cfn_linted(self, *templates, ignored=()):
        ignored = [word for check in (OLD_RUNTIME, *ignored) for word in ("--ignore-checks", check)]
        self.linted(linters(), linters().with_name("cfn-lint"), *ignored, "--", *templates)

    def resources(self, template, kind):
        """What a template has of a kind, by name."""
        found = json.loads(template.read_text())["Resources"]
        return {name: each["Properties"] for name, each in found.items() if each["Type"] == kind}


class TheTemplates(Templates):
    def test_pass_cfn_lint(self):
        templates = sorted(EXAMPLES.glob("*/template.yaml"))
        self.assertGreaterEqual(len(templates), 5)
        self.cfn_linted(*templates)

    def test_are_what_the_tests_run(self):
        for name, handler in HANDLERS.items():
            self.assertIn(f"Handler: {handler}\n", (EXAMPLES / name / "template.yaml").read_text())

    def test_have_valid_policies(self):
        for policy in sorted(EXAMPLES.rglob("palisade.json")):
            with self.subTest(str(policy)):
                self.linted(LIBRARY.with_name("palisade"), "check", policy)


class TheCdk(Templates):
    def test_example_compiles_and_makes_a_valid_template_of_a_defended_function(self):
        example = lay_cdk(self.folder)
        compiled = check_cdk(example)
        self.assertEqual(compiled.returncode, 0, compiled.stdout + compiled.stderr)
        template = synthesize_cdk(example)
        self.cfn_linted(template, ignored=[NAMED_TWICE])
        (function,) = self.resources(template, "AWS::Lambda::Function").values()
        self.assertEqual(function["Environment"]["Variables"], {"AWS_LAMBDA_EXEC_WRAPPER": WRAPPER})
        ((layer, content),) = self.resources(template, "AWS::Lambda::LayerVersion").items()
        self.assertEqual((function["Layers"], content["CompatibleArchitectures"]), ([{"Ref": layer}], ["x86_64"]))
        # The policy goes with the code.
        code = template.parent / f"asset.{function['Code']['S3Key'].removesuffix('.zip')}"
        self.assertEqual((code / "palisade.json").read_text(), (EXAMPLES / "python/palisade.json").read_text())

    def test_example_that_is_wrong_does_not_compile(self):
        example = lay_cdk(self.folder)
        app = example / "app.ts"
        app.write_text(app.read_text().replace("layers:", "layer:"))
        self.assertIn("'layer' does not exist", check_cdk(example).stdout)

    def test_aspect_gives_each_function_the_layer_of_its_architecture(self):
        template = synthesize_cdk(lay_cdk(self.folder, FLEET))
        layers = self.resources(template, "AWS::Lambda::LayerVersion")
        self.assertEqual(sorted(layer["CompatibleArchitectures"] for layer in layers.values()), [["arm64"], ["x86_64"]])
        functions = list(self.resources(template, "AWS::Lambda::Function").values())
        defended = [function for function in functions if "Layers" in function]
        self.assertEqual((len(functions), len(defended)), (4, 3))
        for function in defended:
            (layer,) = function["Layers"]
            self.assertEqual(layers[layer["Ref"]]["CompatibleArchitectures"], function["Architectures"])
            variables = {"AWS_LAMBDA_EXEC_WRAPPER": WRAPPER, "PALISADE_POLICY": '{"version":1,"rules":[]}'}
            self.assertEqual(function["Environment"]["Variables"], variables)


class TheServerlessFramework(Templates):
    def test_example_makes_a_valid_template_of_defended_functions(self):
        template, said = package_serverless(self.folder / "service")
        # Version 3, the last without an account, has not heard of the newest runtimes; and of nothing else in the file.
        complaints = [line.strip() for line in said.splitlines() if line.strip().startswith("at '")]
        self.assertEqual([line.split(":")[0] for line in complaints], ["at 'provider.runtime'"], said)
        self.cfn_linted(template, ignored=[NAMED_TWICE])
        functions = {each["Handler"]: each for each in self.resources(template, "AWS::Lambda::Function").values()}
        for handler, layers in (("app.handler", 1), ("reports.handler", 2)):
            self.assertEqual(functions[handler]["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"], WRAPPER)
            self.assertEqual((functions[handler]["Layers"][0], len(functions[handler]["Layers"])), (LAYER, layers))
        policy = self.folder / "policy.json"
        policy.write_text(functions["reports.handler"]["Environment"]["Variables"]["PALISADE_POLICY"])
        self.linted(LIBRARY.with_name("palisade"), "check", policy)
        with zipfile.ZipFile(template.parent / "order-desk.zip") as package:
            self.assertEqual(package.read("palisade.json"), (EXAMPLES / "python/palisade.json").read_bytes())


class Terraform(Templates):
    example = EXAMPLES / "terraform/main.tf"

    def faults(self, text):
        path = self.folder / "main.tf"
        path.write_text(text)
        return terraform.faults(json.loads(terraform.read(linters(), path)), text)

    def test_example_has_the_arguments_that_the_providers_take(self):
        self.assertEqual(self.faults(self.example.read_text()), [])

    def test_example_that_is_wrong_is_told(self):
        text = self.example.read_text()
        for wrong, fault in (
            (text.replace("handler ", "handlr "), "aws_lambda_function.order_desk: handlr is no argument"),
            (text.replace("function_name ", "description "), "aws_lambda_function.order_desk: function_name is missing"),
            (text.replace("environment {", "environment = {"), "aws_lambda_function.order_desk.environment is a block"),
            (text.replace("    variables =", "    variable ="), "aws_lambda_function.order_desk.environment: variable is no argument"),
            (text.replace("version.palisade.arn", "version.palisad.arn"), "aws_lambda_layer_version.palisad.arn is nothing"),
            (text.replace("role.order_desk.arn", "role.order_desk.arm"), "aws_iam_role.order_desk.arm is nothing"),
        ):
            self.assertNotEqual(wrong, text)
            self.assertIn(fault, self.faults(wrong))
