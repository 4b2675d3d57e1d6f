"""The demo, held to its word."""

import contextlib
import io

import demo
from case import EmulatorTest
from scenario import play


class TheDemo(EmulatorTest):
    def test_every_outcome_is_right_and_the_exit_code_says_so(self):
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            code = demo.main(self.world)
        self.assertEqual(code, 0, shown.getvalue())

    def test_calls_it_wrong_when_nothing_defends_the_function(self):
        played, _ = play(self.world, defended=False)
        again, _ = play(self.world, defended=False)
        for (case, before), (_, after) in zip(played, again):
            with self.subTest(case.title):
                self.assertEqual(bool(demo.judge(case, before, after)), not case.honest)
