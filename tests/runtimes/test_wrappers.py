"""Other wrappers behind Palisade's, by PALISADE_NEXT_WRAPPER: scripts of the shapes that vendors ship (docs/wrappers.md)."""

import contextlib
import json
import re
import shutil
import socket
import threading
import unittest

from harness.paths import REPOSITORY

from machine import prepared
from place import function
from places import Ground
from runtimes import HERE, RUNTIMES
from series import Verdicts
from test_built_in_policy import A_PROGRAM

SHAPES = HERE / "wrappers"
DOCUMENT = REPOSITORY / "docs" / "wrappers.md"
MAIN_ONLY = json.dumps({"version": 1, "rules": [{"name": "wrapped", "processes": {"effect": "prevent", "main_only": True}}]})


class OtherWrappers(unittest.TestCase):
    longMessage = False

    def setUp(self):
        self.ground = Ground()
        self.addCleanup(self.ground.remove)
        self.ground.reset()

    @contextlib.contextmanager
    def wrapped(self, name, shape, environment=None, handler=None, extension=False, first=False):
        """A runtime's function behind Palisade and a wrapper of some shape; `first` where that one starts Palisade's."""
        place = prepared(RUNTIMES[name])
        extensions = place.opt / "extensions"
        for path in SHAPES.iterdir():
            shutil.copy(path, place.task if path.name in ("server.mjs", "run.sh", "run-child.sh") else place.opt)
        if extension:
            extensions.mkdir()
            shutil.copy(SHAPES / "adapter.py", extensions / "adapter.py")
        place.handler = handler or place.handler
        settings = {"PALISADE_POLICY": MAIN_ONLY, **(environment or {})}
        if not first:
            settings["PALISADE_NEXT_WRAPPER"] = str(place.opt / shape)
        try:
            with function(place, settings, place.opt / shape if first else True) as running:
                yield running
        finally:
            shutil.rmtree(extensions, ignore_errors=True)

    def is_defended(self, running, name):
        """The wrapper's helpers went unhindered, the function answers, and a program of its own is refused and told once."""
        verdicts = Verdicts(running)
        answer = running.invoke({"act": "a connection to loopback", "target": self.ground.target(1)}).body
        self.assertEqual(answer, {"answer": "pong"}, f"{answer}\n{running.log_text()}")
        self.assertEqual(verdicts.since(0, 0), [], running.log_text())
        act, refusal = A_PROGRAM[name]
        answer = running.invoke({"act": act, "target": self.ground.target(2)}).body
        self.assertTrue(str(answer.get("refused")).startswith(refusal), f"{answer}\n{running.log_text()}")
        self.assertEqual([record["type"] for record in verdicts.since(0, 1)], ["process"], running.log_text())

    def test_of_datadogs_shape_work_with_every_runtime(self):
        for name in RUNTIMES:
            with self.subTest(name), self.wrapped(name, "tracer") as running:
                self.is_defended(running, name)

    def test_that_put_a_proxy_before_the_runtime_api_work_where_the_proxy_listens(self):
        with Proxy() as proxy, self.wrapped("python", "tracer", {"TRACER_PROXY": proxy.address}) as running:
            proxy.forward_to(runtime_api(running))
            self.is_defended(running, "python")

    def test_that_put_a_proxy_before_the_runtime_api_do_not_start_where_none_listens(self):
        with self.wrapped("python", "tracer", {"TRACER_PROXY": "127.0.0.1:9", "AWS_LAMBDA_FUNCTION_TIMEOUT": "2"}) as running:
            self.assertNotIn(running.invoke_in_vain({"act": "list"}), (None, 0), running.log_text())

    def test_that_have_to_be_first_work_by_starting_palisades(self):
        for name in RUNTIMES:
            with self.subTest(name), self.wrapped(name, "first", first=True) as running:
                self.is_defended(running, name)

    def test_of_opentelemetrys_shapes_work(self):
        for name, shape in {"node": "node-options", "python": "instrument", "java": "java-agent", "ruby": "handler"}.items():
            with self.subTest(f"{shape} for {name}"), self.wrapped(name, shape) as running:
                self.is_defended(running, name)

    def test_that_run_the_runtime_as_a_child_work(self):
        for name in RUNTIMES:
            with self.subTest(name), self.wrapped(name, "child") as running:
                self.is_defended(running, name)

    def test_of_awss_example_work_with_runtimes_other_than_their_own(self):
        for name in ("node", "java", "ruby", "dotnet"):
            with self.subTest(name), self.wrapped(name, "example") as running:
                self.is_defended(running, name)

    def test_of_awss_example_are_refused_with_their_own_runtime(self):
        with self.wrapped("python", "example") as running:
            running.invoke_in_vain({"act": "list"})
            refused = Verdicts(running).since(0, 1)
            self.assertEqual([record["type"] for record in refused], ["process"], running.log_text())
            self.assertIn("bootstrap.py", refused[0]["command"])

    def test_of_a_web_adapters_shape_work(self):
        with self.wrapped("node", "web", handler="run.sh", extension=True) as running:
            self.is_defended(running, "node")

    # Nothing tells the server from the script's other helpers: it neither is the main process nor speaks to the Runtime API.
    @unittest.expectedFailure
    def test_of_a_web_adapters_shape_work_with_a_server_that_is_a_child(self):
        with self.wrapped("node", "web", handler="run-child.sh", extension=True) as running:
            self.is_defended(running, "node")


class TheDocument(unittest.TestCase):
    def test_names_the_test_behind_each_row_and_leaves_none_out(self):
        named = set(re.findall(r"`(test_\w+)`", DOCUMENT.read_text()))
        self.assertEqual(named, {name for name in dir(OtherWrappers) if name.startswith("test_")})


def runtime_api(running):
    """Where the emulator's Runtime API listens."""
    command = running.process.args
    host, port = command[command.index("--runtime-api-address") + 1].split(":")
    return host, int(port)


class Proxy:
    """What a vendor's extension is between the runtime and the Runtime API: here, a pair of pumps."""

    def __enter__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:{}".format(self.server.getsockname()[1])
        self.target = None
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.close()

    def forward_to(self, target):
        self.target = target

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.server.accept()
                upstream = socket.create_connection(self.target)
                for source, sink in ((client, upstream), (upstream, client)):
                    threading.Thread(target=pump, args=(source, sink), daemon=True).start()


def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
