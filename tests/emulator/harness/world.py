"""Everything a run needs, made once a process: the set-up, the sandbox, and the other ends of the function's connections."""

import functools
import signal

from .install import CannotInstall, install
from .layout import Layout
from .network import NameServer, WebServer
from .paths import LIBRARY
from .sandbox import enter


class World:
    """The sandbox with its layout, and the web servers of the function's neighbours."""

    def __init__(self, sandbox, layer_zip=None):
        self.sandbox = sandbox
        self.layout = Layout(sandbox, layer_zip)
        self.name_server = NameServer() if sandbox.isolated else None
        self.servers = {}
        for host in (sandbox.partner, sandbox.attacker_by_name, sandbox.attacker_by_number):
            if host and place_of(host) not in self.servers:
                self.servers[place_of(host)] = WebServer(host.address, host.port)

    def url(self, host):
        """Where a host's web server is asked."""
        port = self.servers[place_of(host)].port
        return f"http://{host.name}/" if port == 80 else f"http://{host.name}:{port}/"

    def take_received(self, host):
        """What a host was sent since it was last asked, as one text."""
        received = self.servers[place_of(host)].received
        text = "".join(received)
        received.clear()
        return text


def place_of(host):
    """What tells a host's web server from others. On a port of their own choice no two hosts share one."""
    return (host.address, host.port or host.name)


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
