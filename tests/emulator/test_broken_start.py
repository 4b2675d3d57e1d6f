"""What is broken stops the start before the runtime runs, unless PALISADE_ON_ERROR=open."""

import json

from case import EmulatorTest, policy

BROKEN = {
    "rules[0].processes.effect": policy(processes={"effect": "prevnt"}),
    "rules[0].network.outbound.allow[1]": policy(
        network={"effect": "prevent", "outbound": {"allow": ["10.0.0.0/8:443", "10.0.0.0/40"]}}
    ),
    "rules[0].netwrok": policy(netwrok={"effect": "prevent"}),
    "version": json.dumps({"version": 2, "rules": []}),
}


class ABrokenPolicy(EmulatorTest):
    def test_stops_the_start_and_names_the_place(self):
        for place, text in BROKEN.items():
            with self.subTest(place), self.function({"PALISADE_POLICY": text}) as function:
                self.assertIn(place, self.stopped_with(function)["msg"])

    def test_stops_the_start_when_it_is_neither_json_nor_base64(self):
        for text in ('{"version": 1,', "!!!", "e30K", "H4sIAAAA"):
            with self.subTest(text), self.function({"PALISADE_POLICY": text}) as function:
                self.assertIn("PALISADE_POLICY", self.stopped_with(function)["msg"])

    def test_stops_the_start_when_the_named_file_is_missing(self):
        with self.function({"PALISADE_POLICY_FILE": "/var/task/none.json"}) as function:
            self.assertIn("/var/task/none.json", self.stopped_with(function)["msg"])

    def test_stops_the_start_when_the_file_beside_the_function_is_broken(self):
        self.needs_real_paths()
        self.lay()
        (self.layout.task / "palisade.json").write_text(BROKEN["rules[0].processes.effect"])
        with self.function(laid=True) as function:
            message = self.stopped_with(function)["msg"]
            self.assertIn("/var/task/palisade.json", message)
            self.assertIn("rules[0].processes.effect", message)

    def test_is_undefended_and_says_so_with_on_error_open(self):
        environment = {"PALISADE_POLICY": BROKEN["rules[0].processes.effect"], "PALISADE_ON_ERROR": "open"}
        with self.function(environment) as function:
            self.assertIn("rules[0].processes.effect", self.runs_undefended(function)["msg"])


class ABrokenLibrary(EmulatorTest):
    def broken_libraries(self):
        """Each way in which the loader would ignore the library and run the function undefended."""
        self.lay()
        good = self.layout.library.read_bytes()
        yield "missing", None
        yield "empty", b""
        yield "garbage", b"not an ELF file\n" * 100
        yield "half", good[: len(good) // 2]
        # e_machine of the ELF header: EM_AARCH64.
        yield "of another architecture", good[:18] + (183).to_bytes(2, "little") + good[20:]

    def each(self, environment, check):
        for what, content in self.broken_libraries():
            with self.subTest(what):
                self.lay()
                self.layout.library.unlink()
                if content is not None:
                    self.layout.library.write_bytes(content)
                with self.function(environment, laid=True) as function:
                    check(function)

    def test_stops_the_start_and_names_the_file(self):
        self.each({}, lambda function: self.assertIn(str(self.layout.library), self.stopped_with(function)["msg"]))

    def test_is_undefended_and_says_so_with_on_error_open(self):
        self.each({"PALISADE_ON_ERROR": "open"}, self.runs_undefended)


class AMissingWrapper(EmulatorTest):
    def test_is_told_in_the_words_of_the_runtime(self):
        self.lay()
        missing = self.layout.opt / "palisade-wrapper-of-old"
        with self.function(wrapper=missing, laid=True) as function:
            self.assertEqual(function.invoke_in_vain({"python": ""}), 127)
            self.assertEqual([line.text for line in function.own_lines()], [f"{missing}: does not exist"])
