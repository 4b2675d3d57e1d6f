"""First and warm invocations of the example function, without and with the layer, in turns: `functions.py ROUNDS INVOCATIONS`.

Prints one object of JSON: for each way, for each round, the microseconds of the first invocation (the emulator starts the runtime for it) and the
median of the warm ones, and the 99th percentile of those of five rounds.
"""

import contextlib
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "emulator"))

from harness.emulator import Emulator  # noqa: E402
from harness.paths import EXAMPLE  # noqa: E402
from harness.world import world  # noqa: E402

ROUNDS_OF_A_P99 = 5
"""How many rounds have so many invocations that a hundredth of them is some."""

EVENT = {"action": "status", "order": "A-1001"}


def main(rounds, invocations):
    # The set-up tells what it does on standard output, which is ours.
    ours, sys.stdout = sys.stdout, sys.stderr
    place = world()
    results = {"with": {"first": [], "p50": [], "p99": []}, "without": {"first": [], "p50": [], "p99": []}}
    slow = {"with": [], "without": []}
    for number in range(rounds):
        ways = ("without", "with") if number % 2 == 0 else ("with", "without")
        for way, first, warm in measure(place, ways, invocations):
            results[way]["first"].append(first)
            results[way]["p50"].append(of(warm, 50))
            slow[way] += warm
            if number % ROUNDS_OF_A_P99 == ROUNDS_OF_A_P99 - 1:
                results[way]["p99"].append(of(slow[way], 99))
                slow[way] = []
    json.dump(results, ours)


def measure(place, ways, invocations):
    """Both functions are there at once, and are invoked in turns: neighbours on a machine come and go."""
    layout = place.layout
    layout.lay_function(EXAMPLE)
    layout.lay_layer()
    with contextlib.ExitStack() as running:
        functions = [running.enter_context(Emulator(layout, wrapper=layout.wrapper if way == "with" else None)) for way in ways]
        firsts = [timed(function) for function in functions]
        warm = [[] for _ in functions]
        for number in range(invocations):
            for at in range(len(functions)):
                at = (at + number) % len(functions)
                warm[at].append(timed(functions[at]))
    return zip(ways, firsts, warm, strict=True)


def of(times, percent):
    """A percentile."""
    return sorted(times)[len(times) * percent // 100]


def timed(function):
    start = time.perf_counter()
    answer = function.invoke(EVENT)
    if answer.error:
        raise SystemExit(f"{answer.error}\n{function.log_text()}")
    return (time.perf_counter() - start) * 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
