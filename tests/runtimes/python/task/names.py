"""Names. `t.host` resolves to `t.allowed`, an address that may be connected to."""

import asyncio
import ctypes
import ftplib
import http.client
import logging.handlers
import multiprocessing
import multiprocessing.connection
import poplib
import smtplib
import socket
import ssl
import struct
import urllib.request

from acts import LIBC, act, must, secure_get, why

act("resolve", "socket.getaddrinfo")(lambda t: socket.getaddrinfo(t.host, 80)[0][4][0])
act("resolve", "socket.gethostbyname")(lambda t: socket.gethostbyname(t.host))
act("resolve", "socket.gethostbyname_ex", audits=why(1, 2, "asks twice: for an address, and then for the host"))(
    lambda t: socket.gethostbyname_ex(t.host)[2][0]
)
act("resolve", "socket.gethostbyaddr(name)")(lambda t: [t.allowed] * bool(socket.gethostbyaddr(t.host)) and t.allowed)
act("resolve", "socket.create_connection(name)")(lambda t: socket.create_connection((t.host, t.tcp)).getpeername()[0])


@act("resolve", "socket.connect(name)")
def _(t):
    with socket.socket() as client:
        client.connect((t.host, t.tcp))
        return client.getpeername()[0]


@act("resolve", "socket.sendto(name)")
def _(t):
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(b"ping", (t.host, t.udp))
        return client.recvfrom(10)[1][0]


@act("resolve", "asyncio loop.getaddrinfo")
def _(t):
    async def run():
        return (await asyncio.get_running_loop().getaddrinfo(t.host, 80))[0][4][0]

    return asyncio.run(run())


@act("resolve", "asyncio.open_connection(name)")
def _(t):
    async def run():
        _, writer = await asyncio.open_connection(t.host, t.tcp)
        return writer.get_extra_info("peername")[0]

    return asyncio.run(run())


@act("resolve", "urllib.request.urlopen(name)", "URLError: gaierror -4")
def _(t):
    return t.allowed if urllib.request.urlopen(f"http://{t.host}:{t.tcp}/", timeout=5).read() == b"pong" else None


@act("resolve", "http.client.HTTPConnection(name)")
def _(t):
    connection = http.client.HTTPConnection(t.host, t.tcp, timeout=5)
    connection.request("GET", "/")
    return t.allowed if connection.getresponse().read() == b"pong" else None


class AddrInfo(ctypes.Structure):
    """struct addrinfo of getaddrinfo(3)."""

    _fields_ = [
        ("flags", ctypes.c_int),
        ("family", ctypes.c_int),
        ("socktype", ctypes.c_int),
        ("protocol", ctypes.c_int),
        ("length", ctypes.c_uint),
        ("address", ctypes.POINTER(ctypes.c_ubyte * 16)),
        ("name", ctypes.c_char_p),
        ("next", ctypes.c_void_p),
    ]


act("resolve", "http.client.HTTPSConnection(name)")(lambda t: t.allowed if secure_get(t.host, t.tls) == "pong" else None)
act("resolve", "urllib.request.urlretrieve(name)", "URLError: gaierror -4")(
    lambda t: t.allowed if open(urllib.request.urlretrieve(f"http://{t.host}:{t.tcp}/", t.free_new)[0]).read() == "pong" else None
)
act("resolve", "ssl.get_server_certificate(name)")(lambda t: t.allowed if ssl.get_server_certificate((t.host, t.tls), timeout=5) else None)
act("resolve", "ftplib.FTP.connect(name)")(lambda t: t.allowed if "pong" in ftplib.FTP().connect(t.host, t.greets, 5) else None)
act("resolve", "smtplib.SMTP(name)")(lambda t: t.allowed if b"pong" in smtplib.SMTP().connect(t.host, t.greets)[1] else None)
act("resolve", "poplib.POP3(name)")(lambda t: t.allowed if b"pong" in poplib.POP3(t.host, t.greets + 1, 5).getwelcome() else None)
act("resolve", "multiprocessing.connection.Client(name)")(lambda t: multiprocessing.connection.Client((t.host, t.tcp)).close() or t.allowed)
act("resolve", "logging.handlers.SysLogHandler(name)")(
    lambda t: logging.handlers.SysLogHandler((t.host, t.udp)).socket.getsockname() and t.allowed
)
act("resolve", "logging.handlers.SocketHandler.makeSocket(name)")(
    lambda t: logging.handlers.SocketHandler(t.host, t.tcp).makeSocket().getpeername()[0]
)


@act("resolve", "asyncio loop.create_connection(name)")
def _(t):
    async def run():
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, t.host, t.tcp)
        return transport.get_extra_info("peername")[0]

    return asyncio.run(run())


@act("resolve", "asyncio loop.create_datagram_endpoint(name)")
def _(t):
    async def run():
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(t.host, t.udp))
        return transport.get_extra_info("peername")[0]

    return asyncio.run(run())


# The name of an address.
act("resolve", "socket.gethostbyaddr", "herror 3")(lambda t: t.allowed if socket.gethostbyaddr(t.address)[0] == t.named else None)
act("resolve", "socket.getnameinfo")(lambda t: t.allowed if socket.getnameinfo((t.address, 80), socket.NI_NAMEREQD)[0] == t.named else None)
act("resolve", "socket.getfqdn", "the address")(
    lambda t: {t.named: lambda: t.allowed, t.address: lambda: must(1, "the address")}[socket.getfqdn(t.address)]()
)


@act("resolve", "asyncio loop.getnameinfo")
def _(t):
    async def run():
        found = await asyncio.get_running_loop().getnameinfo((t.address, 80), socket.NI_NAMEREQD)
        return t.allowed if found[0] == t.named else None

    return asyncio.run(run())


@act("resolve", "ctypes: getaddrinfo", "status -4")
def _(t):
    found = ctypes.POINTER(AddrInfo)()
    must(LIBC.getaddrinfo(t.host.encode(), None, None, ctypes.byref(found)), "status {}")
    return socket.inet_ntoa(bytes(found.contents.address.contents)[4:8])


@act("resolve", "ctypes: gethostbyname", "null")
def _(t):
    LIBC.gethostbyname.restype = ctypes.c_void_p
    must(0 if LIBC.gethostbyname(t.host.encode()) else 1, "null")
    return t.allowed


@act("resolve", "ctypes: res_query", "status -1")
def _(t):
    answer = (ctypes.c_ubyte * 512)()
    length = LIBC.res_query(t.host.encode(), 1, 1, answer, 512)
    must(0 if length > 0 else length, "status {}")
    return socket.inet_ntoa(bytes(answer)[length - 4 : length])


@act("resolve", "a DNS query of its own by UDP", "PermissionError 13")
def _(t):
    query = struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0)
    query += b"".join(bytes([len(label)]) + label.encode() for label in t.host.split(".")) + b"\0\0\1\0\1"
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(query, (t.resolver, 53))
        return socket.inet_ntoa(client.recv(512)[-4:])
