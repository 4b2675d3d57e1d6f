"""First and warm invocations of the example function, without and with the layer, in turns: `functions.py ROUNDS INVOCATIONS`.

Prints one object of JSON: for each way, for each round, the microseconds of the first invocation (the emulator starts the runtime for it) and the
median and 99th percentile of the warm ones.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "emulator"))

from harness.emulator import Emulator  # noqa: E402
from harness.paths import EXAMPLE  # noqa: E402
from harness.world import world  # noqa: E402

EVENT = {"action": "status", "order": "A-1001"}


def main(rounds, invocations):
    # The set-up tells what it does on standard output, which is ours.
    ours, sys.stdout = sys.stdout, sys.stderr
    place = world()
    results = {"with": {"first": [], "p50": [], "p99": []}, "without": {"first": [], "p50": [], "p99": []}}
    for number in range(rounds):
        for way in ("without", "with") if number % 2 == 0 else ("with", "without"):
            first, warm = measure(place, way == "with", invocations)
            warm.sort()
            results[way]["first"].append(first)
            results[way]["p50"].append(warm[len(warm) // 2])
            results[way]["p99"].append(warm[len(warm) * 99 // 100])
    json.dump(results, ours)


def measure(place, is_defended, invocations):
    layout = place.layout
    layout.lay_function(EXAMPLE)
    layout.lay_layer()
    wrapper = layout.wrapper if is_defended else None
    with Emulator(layout, wrapper=wrapper) as function:
        first = timed(function)
        return first, [timed(function) for _ in range(invocations)]


def timed(function):
    start = time.perf_counter()
    answer = function.invoke(EVENT)
    if answer.error:
        raise SystemExit(f"{answer.error}\n{function.log_text()}")
    return (time.perf_counter() - start) * 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
