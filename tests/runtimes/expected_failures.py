"""Rows of the truth table that are not as they should be, and why: runtime, act, reason.

The list only shrinks. A row that is listed here and passes fails the tests, as does one that fails and is not listed.
"""

SPAWN_HELPER = (
    "the JDK starts every program by way of its own `jspawnhelper`: under `prevent` the audit names that, and not the program; under "
    "`alert` both are audited"
)
SCANDIR = "Node.js reads a folder by `scandir(3)`, which opens it inside libc"
UNBOUND = "the port of a socket that listens without being bound is not known before it listens"
CONNECTED_TWICE = "Ruby connects without blocking, and then calls `connect` on the connected socket once more to learn how that went: a second audit under `alert`"

EXPECTED_FAILURES = {
    "python": {"socket.listen without bind": UNBOUND},
    "node": dict.fromkeys(["fs.readdirSync", "fs.readdir", "fs.promises.readdir"], SCANDIR),
    "java": dict.fromkeys(
        [
            "ProcessBuilder.start",
            "ProcessBuilder.start by name",
            "ProcessBuilder.start of a shell",
            "ProcessBuilder with an empty environment",
            "ProcessBuilder in another directory",
            "ProcessBuilder into a file",
            "ProcessBuilder.startPipeline",
            "Runtime.exec(String)",
            "Runtime.exec(String[])",
            "Runtime.exec(String[], String[], File)",
        ],
        SPAWN_HELPER,
    ),
    "ruby": dict.fromkeys(["Net::HTTP.get", "Net::HTTP over TLS", "URI.open"], CONNECTED_TWICE),
}
