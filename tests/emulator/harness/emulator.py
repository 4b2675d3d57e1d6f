"""A function under AWS's Runtime Interface Emulator: start it, invoke it, read its log, and end all it started."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass

from . import audit
from .paths import EMULATOR

STARTS_WITHIN = 10
EMULATORS_LINE = re.compile(r"\d+ \w+ \d{4} [\d:,]+ \[\w+\] \(rapid\)|(START|END|REPORT) RequestId:|$")
RUNTIMES_EXIT = re.compile(r"(?:Process runtime-\d+ exited|Runtime exited with error): exit status (\d+)")
EMULATORS_CRASH = re.compile(r"(panic|fatal error): |\d+/\d+/\d+ [\d:]+ http: panic serving ")
"""How Go begins to tell of a crash of the program itself, or of what answers one request."""
SETTLE = 0.25
"""Seconds the log is watched on, so that a line too many is seen as well as one too few."""


@dataclass
class Answer:
    """What the caller of a function gets. A function that failed has an `error`, its type and message."""

    status: int
    body: object

    @property
    def error(self):
        if isinstance(self.body, dict) and "errorMessage" in self.body:
            return f"{self.body.get('errorType')}: {self.body['errorMessage']}"
        return None if self.status == 200 else f"HTTP {self.status}"


@dataclass
class Line:
    """One line of the function's log, and whether it came by `stdout` or by `stderr`."""

    stream: str
    raw: bytes

    @property
    def text(self):
        return self.raw.decode("utf-8", "backslashreplace").rstrip("\n")


class Emulator:
    """A function from its first invocation to its end; use it in a `with` statement.

    `environment` is added to what Lambda itself sets; `wrapper` is the value of AWS_LAMBDA_EXEC_WRAPPER, `handler` what
    the runtime finds in `_HANDLER`.
    """

    def __init__(self, layout, environment=None, wrapper=None, name="order-desk", handler="app.handler"):
        self.layout = layout
        self.handler = handler
        self.environment = lambda_environment(layout, name)
        if wrapper is not None:
            self.environment["AWS_LAMBDA_EXEC_WRAPPER"] = str(wrapper)
        self.environment.update(environment or {})
        self.log = []

    def __enter__(self):
        with contextlib.ExitStack() as undo:
            undo.enter_context(self.layout.sealed())
            self.start()
            undo.callback(self.end)
            self.wait_until_it_listens()
            self.undo = undo.pop_all()
        return self

    def __exit__(self, *_):
        self.undo.close()

    def start(self):
        self.port, runtime_api = free_ports(2)
        addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{self.port}"]
        addresses += ["--runtime-api-address", f"127.0.0.1:{runtime_api}"]
        # Pipes, as in Lambda. A session of its own, by which everything the function starts is found again.
        self.process = subprocess.Popen(
            [str(EMULATOR), *addresses, str(self.layout.runtime / "bootstrap"), self.handler],
            env=self.environment,
            cwd=self.layout.task,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.readers = [self.read("stdout", self.process.stdout), self.read("stderr", self.process.stderr)]

    def read(self, stream, pipe):
        def lines():
            for raw in pipe:
                self.log.append(Line(stream, raw))

        thread = threading.Thread(target=lines, daemon=True)
        thread.start()
        return thread

    def wait_until_it_listens(self):
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the emulator did not start:\n" + self.log_text()) from None
                time.sleep(0.01)

    def invoke(self, event, timeout=30):
        """Sends an event and waits for the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", "/2015-03-31/functions/function/invocations", json.dumps(event))
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as problem:
            problem.add_note("The log:\n" + self.log_text())
            raise
        finally:
            connection.close()
        try:
            body = json.loads(text)
        except ValueError:
            body = text
        return Answer(response.status, body)

    def invoke_in_vain(self, event):
        """Sends an event to a function whose runtime ends at its start; the runtime's exit code, None while it lives on.

        What the caller gets is AWS's emulator's affair: it has been seen to close the connection without an answer, and is
        known to fall over a start that fails (issue 97 of aws/aws-lambda-runtime-interface-emulator).
        """
        with contextlib.suppress(http.client.RemoteDisconnected, ConnectionResetError):
            self.invoke(event)
        return self.runtime_exit()

    def python(self, source):
        """Has the probe function run a piece of Python; what it leaves in `answer` comes back."""
        return self.invoke({"python": source})

    def audits(self, at_least=0):
        """The audit records in the log, once there are enough of them and the log has been quiet for a moment."""
        deadline = time.monotonic() + 5
        while len(audit.records(self.log)) < at_least and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(SETTLE)
        return audit.records(self.log)

    def runtime_exit(self):
        """The exit code of a runtime that ended by itself, as the emulator reports it; None while none has."""
        time.sleep(SETTLE)
        found = RUNTIMES_EXIT.search(self.log_text())
        return int(found.group(1)) if found else None

    def log_text(self):
        """The whole log, for a person."""
        return "\n".join(line.text for line in list(self.log))

    def own_lines(self):
        """The log without the emulator's own lines: what wrapper, library, runtime and function wrote."""
        lines, crashed = [], False
        for line in list(self.log):
            crashed = crashed or (line.stream == "stderr" and EMULATORS_CRASH.match(line.text) is not None)
            if not EMULATORS_LINE.match(line.text) and not (crashed and line.stream == "stderr"):
                lines.append(line)
        return lines

    def end(self):
        """Ends every process of our session, the runtime and what it left behind included."""
        while processes := session_members(self.process.pid):
            for pid in processes:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.005)
        self.process.wait()
        for reader in self.readers:
            reader.join(timeout=2)


def session_members(session):
    """The living processes of a session. The emulator gives the runtime its own process group, but not a session."""
    members = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, its_session = fields[0], int(fields[3])
        if its_session == session and state != "Z":
            members.append(int(entry))
    return members


def free_ports(count):
    """Loopback ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [bound.getsockname()[1] for bound in sockets]
    for bound in sockets:
        bound.close()
    return ports


def lambda_environment(layout, name):
    """The environment of a function in Lambda. Nothing of ours leaks in; the credentials are made up."""
    root = layout.task.parent.parent
    lang = f"{root}/var/lang".replace("//", "/")
    return {
        "PATH": f"{lang}/bin:/usr/local/bin:/usr/bin:/bin:{layout.opt}/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(layout.task),
        "LAMBDA_RUNTIME_DIR": str(layout.runtime),
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "20",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
        "AWS_ACCESS_KEY_ID": "AKIAFAKEFAKEFAKEFAKE",
        "AWS_SECRET_ACCESS_KEY": "fake/secret/of/the/emulated/function",
        "AWS_SESSION_TOKEN": "fake-session-token",
    }
