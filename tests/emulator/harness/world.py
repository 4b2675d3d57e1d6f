"""Everything a run needs, made once a process: the set-up, the sandbox, and the other ends of the function's connections."""

import functools
import signal

from .install import CannotInstall, install
from .layout import Layout
from .network import NameServer, WebServer
from .paths import LIBRARY
from .sandbox import HOSTS, enter


class World:
    """The sandbox with its layout, the attacker's host and the partner that the example's policy allows."""

    def __init__(self, sandbox, layer_zip=None):
        self.sandbox = sandbox
        self.layout = Layout(sandbox, layer_zip)
        self.name_server = NameServer() if sandbox.isolated else None
        self.attacker = WebServer(sandbox.attacker_address, sandbox.web_port)
        self.partner = WebServer(HOSTS.get(sandbox.partner, "127.0.0.1"), sandbox.web_port)

    def url(self, host):
        """An address of the web server that stands for `host`, which is a name or an address of one of the two."""
        server = self.partner if host == self.sandbox.partner else self.attacker
        return f"http://{host}/" if server.port == 80 else f"http://{host}:{server.port}/"


@functools.cache
def world(layer_zip=None):
    """The one world of this process, around a layer's zip or what `make build` made. Comes first: the namespaces have to be entered before any thread is started."""
    # Our `with` blocks end what we started, and a plain SIGTERM would skip them; unittest swallows a SystemExit.
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    if not layer_zip and not LIBRARY.exists():
        raise SystemExit(f"{LIBRARY} is missing: `make build` makes it")
    try:
        install()
    except CannotInstall as problem:
        raise SystemExit(f"set-up: {problem}") from problem
    return World(enter(), layer_zip)
