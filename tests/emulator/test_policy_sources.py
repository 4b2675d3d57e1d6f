"""Where a policy comes from, and which source is asked first."""

import base64
import gzip
import tempfile

from case import MAIN_ONLY, EmulatorTest, policy


def named(name):
    """A policy that is recognised by the `rule` of the audits it leaves."""
    return policy(name, processes=MAIN_ONLY)


class TheSourcesOfAPolicy(EmulatorTest):
    def rule_in_force(self, environment=None, laid=False):
        """The name of the rule that refuses a program."""
        with self.function(environment, laid=laid) as function:
            _, (record,) = self.audits_of(function, "import os; os.system('x')")
            return record["rule"]

    def test_palisade_policy_may_be_json_base64_or_base64_of_gzip(self):
        plain = named("from-variable").encode()
        forms = {
            "JSON": plain,
            "base64": base64.b64encode(plain),
            "base64 of gzip": base64.b64encode(gzip.compress(plain)),
        }
        for form, value in forms.items():
            with self.subTest(form):
                self.assertEqual(self.rule_in_force({"PALISADE_POLICY": value.decode()}), "from-variable")

    def test_a_policy_too_large_for_lambdas_variables_fits_as_gzip(self):
        """Lambda itself refuses more than 4 KB when the function is configured; its emulator does not."""
        hosts = [f"service-{index}.example.com" for index in range(200)]
        text = policy("large", processes=MAIN_ONLY, dns={"effect": "prevent", "allow": [*hosts, "a.example"]})
        packed = base64.b64encode(gzip.compress(text.encode())).decode()
        self.assertGreater(len(text), 5000)
        self.assertLess(len(packed), 4096)
        for form, value in {"JSON": text, "base64 of gzip": packed}.items():
            with self.subTest(form), self.function({"PALISADE_POLICY": value}) as function:
                _, (record,) = self.audits_of(function, "import os; os.system('x')")
                self.assertEqual((record["rule"], record["type"]), ("large", "process"))
                _, (record,) = self.audits_of(function, "import socket; socket.getaddrinfo('service-200.example.com', 80)")
                self.assertEqual((record["rule"], record["type"]), ("large", "dns"))

    def test_palisade_policy_file_names_a_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(named("from-file"))
            file.flush()
            self.assertEqual(self.rule_in_force({"PALISADE_POLICY_FILE": file.name}), "from-file")

    def test_are_asked_in_their_order(self):
        self.needs_real_paths()
        self.lay()
        elsewhere = self.layout.task / "elsewhere.json"
        elsewhere.write_text(named("from-file"))
        beside = self.layout.task / "palisade.json"
        beside.write_text(named("from-task"))
        in_layer = self.layout.opt / "palisade/policy.json"
        in_layer.write_text(named("from-layer"))
        environment = {"PALISADE_POLICY": named("from-variable"), "PALISADE_POLICY_FILE": str(elsewhere)}

        self.assertEqual(self.rule_in_force(environment, laid=True), "from-variable")
        del environment["PALISADE_POLICY"]
        self.assertEqual(self.rule_in_force(environment, laid=True), "from-file")
        del environment["PALISADE_POLICY_FILE"]
        self.assertEqual(self.rule_in_force(environment, laid=True), "from-task")
        beside.unlink()
        self.assertEqual(self.rule_in_force(environment, laid=True), "from-layer")
        in_layer.unlink()
        self.assertNotIn("from-", self.rule_in_force(environment, laid=True))

    def test_a_rule_for_other_functions_leaves_this_one_undefended_and_says_so(self):
        text = policy("others", scope={"functions": ["pay-*"]}, processes=MAIN_ONLY)
        with self.function({"PALISADE_POLICY": text}) as function:
            record = self.runs_undefended(function)
            self.assertEqual(record["type"], "policy")
