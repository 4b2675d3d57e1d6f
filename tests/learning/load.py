"""Who calls the order desk: honest callers, each load of them with other orders, and the attackers of `make demo`."""

from scenario import cases, order_to

PROGRAMS = ("search", "label")
"""Actions that start a program."""


def honest(world, order, words):
    """The events of honest callers who ask about one order."""
    return [
        {"action": "status", "order": order},
        {"action": "receipt", "order": order},
        {"action": "receipt", "order": order},
        {"action": "document", "name": "returns.txt"},
        order_to(world, world.sandbox.partner) | {"order": order},
        *({"action": "search", "text": word} for word in words),
        *({"action": "label", "order": word} for word in words),
    ]


FIRST = ("A-1001", ("A-1001", "A-100"))
SECOND = ("A-1002", ("A-1002", "2"))


def load(world, which, programs):
    """A load: `FIRST` or `SECOND`, with those who make the function start programs, or without."""
    order, words = which
    return honest(world, order, words if programs else ())


def attacks(world, loot):
    """The attackers of the demo. `loot` is a path that a successful attack leaves a file at."""
    found = [case for case in cases(world, loot) if not case.honest]
    for case in found:
        if case.event["action"] == "search":
            # Some runtimes leave standard input open, and grep would wait for it.
            case.event["text"] = "x' /dev/null; id; echo '"
    return found
