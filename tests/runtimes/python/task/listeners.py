"""Listening, on `t.listen`."""

import asyncio
import ftplib
import http.server
import multiprocessing
import multiprocessing.connection
import multiprocessing.managers
import socket
import socketserver
import wsgiref.simple_server
import xmlrpc.server

from acts import LIBC, act, c_must, internet


@act("listen", "socket.bind + listen")
def _(t):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", t.listen))
        server.listen()
        return server.getsockname()[1]


@act("listen", "socket.listen on a port that the kernel chose")
def _(t):
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        return t.listen if server.getsockname()[1] else None


@act("listen", "socket.listen without bind")
def _(t):
    with socket.socket() as server:
        server.listen()
        return t.listen if server.getsockname()[1] else None


@act("listen", "socket.create_server")
def _(t):
    with socket.create_server(("0.0.0.0", t.listen)) as server:
        return server.getsockname()[1]


@act("listen", "socketserver.TCPServer")
def _(t):
    with socketserver.TCPServer(("0.0.0.0", t.listen), None) as server:
        return server.server_address[1]


@act("listen", "socketserver.UDPServer")
def _(t):
    with socketserver.UDPServer(("0.0.0.0", t.listen), None) as server:
        return server.server_address[1]


@act("listen", "http.server.HTTPServer")
def _(t):
    with http.server.HTTPServer(("127.0.0.1", t.listen), None) as server:
        return server.server_address[1]


for _name, _server in {
    "socketserver.ThreadingTCPServer": lambda t: socketserver.ThreadingTCPServer(("0.0.0.0", t.listen), None),
    "socketserver.ForkingTCPServer": lambda t: socketserver.ForkingTCPServer(("0.0.0.0", t.listen), None),
    "socketserver.ThreadingUDPServer": lambda t: socketserver.ThreadingUDPServer(("0.0.0.0", t.listen), None),
    "http.server.ThreadingHTTPServer": lambda t: http.server.ThreadingHTTPServer(("127.0.0.1", t.listen), None),
    "xmlrpc.server.SimpleXMLRPCServer": lambda t: xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", t.listen)),
    "wsgiref.simple_server.make_server": lambda t: wsgiref.simple_server.make_server("127.0.0.1", t.listen, None),
}.items():
    act("listen", _name)(lambda t, start=_server: port_of(start(t)))


def port_of(server):
    with server:
        return server.server_address[1]


@act("listen", "multiprocessing.managers.BaseManager.get_server")
def _(t):
    server = multiprocessing.managers.BaseManager(("127.0.0.1", t.listen)).get_server()
    server.listener.close()
    return server.address[1]


@act("listen", "ftplib.FTP.makeport")
def _(t):
    client = ftplib.FTP()
    client.sock = socket.create_connection(("127.0.0.1", t.tcp))
    client.af, client.voidcmd = socket.AF_INET, lambda command: "200"
    with client.makeport() as server:
        return t.listen if server.getsockname()[1] else None


@act("listen", "asyncio loop.create_server")
def _(t):
    async def run():
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "0.0.0.0", t.listen)
        port = server.sockets[0].getsockname()[1]
        server.close()
        return port

    return asyncio.run(run())


@act("listen", "asyncio.start_server")
def _(t):
    async def run():
        server = await asyncio.start_server(lambda reader, writer: None, "0.0.0.0", t.listen)
        port = server.sockets[0].getsockname()[1]
        server.close()
        return port

    return asyncio.run(run())


@act("listen", "asyncio loop.create_datagram_endpoint(local_addr)")
def _(t):
    async def run():
        endpoint = await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("0.0.0.0", t.listen))
        port = endpoint[0].get_extra_info("sockname")[1]
        endpoint[0].close()
        return port

    return asyncio.run(run())


@act("listen", "multiprocessing.connection.Listener")
def _(t):
    with multiprocessing.connection.Listener(("0.0.0.0", t.listen)) as server:
        return server.address[1]


@act("listen", "UDP: socket.bind")
def _(t):
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("0.0.0.0", t.listen))
        return server.getsockname()[1]


@act("listen", "ctypes: bind")
def _(t):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        c_must(LIBC.bind(server.fileno(), internet("0.0.0.0", t.listen), 16))
        return server.getsockname()[1]


@act("listen", "ctypes: syscall(SYS_bind)")
def _(t):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        c_must(LIBC.syscall(49, server.fileno(), internet("0.0.0.0", t.listen), 16))
        return server.getsockname()[1]
