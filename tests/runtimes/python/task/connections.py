"""Connections, to `t.address`; the server answers "pong" to whatever is sent."""

import asyncio
import ftplib
import http.client
import imaplib
import logging.handlers
import multiprocessing
import multiprocessing.connection
import os
import poplib
import smtplib
import socket
import ssl
import urllib.request
import xmlrpc.client

from acts import BY_NAME, LIBC, act, c_must, internet, must, ping, secure_get


@act("connect", "socket.connect")
def _(t):
    with socket.socket() as client:
        client.connect((t.address, t.tcp))
        return ping(client)


@act("connect", "socket.connect_ex", "status 13")
def _(t):
    with socket.socket() as client:
        must(client.connect_ex((t.address, t.tcp)), "status {}")
        return ping(client)


@act("connect", "socket.connect to an IPv4 address mapped into IPv6")
def _(t):
    with socket.socket(socket.AF_INET6) as client:
        client.connect(("::ffff:" + t.address, t.tcp))
        return ping(client)


act("connect", "socket.create_connection")(lambda t: ping(socket.create_connection((t.address, t.tcp))))


@act("connect", "asyncio.open_connection")
def _(t):
    async def run():
        reader, writer = await asyncio.open_connection(t.address, t.tcp)
        writer.write(b"ping\n")
        return (await reader.readline()).decode().strip()

    return asyncio.run(run())


@act("connect", "asyncio loop.sock_connect")
def _(t):
    async def run():
        with socket.socket() as client:
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, (t.address, t.tcp))
            await loop.sock_sendall(client, b"ping\n")
            return (await loop.sock_recv(client, 10)).decode().strip()

    return asyncio.run(run())


act("connect", "urllib.request.urlopen", "URLError: PermissionError 13")(
    lambda t: urllib.request.urlopen(f"http://{t.address}:{t.tcp}/", timeout=5).read().decode()
)


@act("connect", "http.client.HTTPConnection")
def _(t):
    connection = http.client.HTTPConnection(t.address, t.tcp, timeout=5)
    connection.request("GET", "/")
    return connection.getresponse().read().decode()


@act("connect", "ssl: wrap_socket + connect")
def _(t):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.socket()) as client:
        client.connect((t.address, t.tls))
        return ping(client)


act("connect", "http.client.HTTPSConnection")(lambda t: secure_get(t.address, t.tls))
act("connect", "urllib.request.urlretrieve", "URLError: PermissionError 13")(
    lambda t: open(urllib.request.urlretrieve(f"http://{t.address}:{t.tcp}/", t.free_new)[0]).read()
)
act("connect", "ssl.get_server_certificate")(lambda t: ssl.get_server_certificate((t.address, t.tls), timeout=5) and "pong")
act("connect", "ftplib.FTP.connect")(lambda t: ftplib.FTP().connect(t.address, t.greets, 5).split()[-1])
act("connect", "smtplib.SMTP.connect")(lambda t: smtplib.SMTP().connect(t.address, t.greets)[1].decode())
act("connect", "poplib.POP3")(lambda t: poplib.POP3(t.address, t.greets + 1, 5).getwelcome().decode().split()[-1])
act("connect", "imaplib.IMAP4.open")(lambda t: over_imap(imaplib.IMAP4.__new__(imaplib.IMAP4), t))
act("connect", "xmlrpc.client.Transport.send_request")(
    lambda t: xmlrpc.client.Transport().send_request(f"{t.address}:{t.tcp}", "/", b"", False).getresponse().read().decode()
)
act("connect", "logging.handlers.HTTPHandler.getConnection")(
    lambda t: over_http(logging.handlers.HTTPHandler(f"{t.address}:{t.tcp}", "/"), t)
)


def over_imap(client, t):
    client.open(t.address, t.tcp, 5)
    return ping(client.sock)


def over_http(handler, t):
    connection = handler.getConnection(handler.host, False)
    connection.request("GET", "/")
    return connection.getresponse().read().decode()


@act("connect", "asyncio loop.create_connection")
def _(t):
    async def run():
        loop = asyncio.get_running_loop()
        answer = loop.create_future()

        class Protocol(asyncio.Protocol):
            def data_received(self, data):
                answer.set_result(data.decode().strip())

        transport, _ = await loop.create_connection(Protocol, t.address, t.tcp)
        transport.write(b"ping\n")
        return await asyncio.wait_for(answer, 5)

    return asyncio.run(run())


@act("connect", "multiprocessing.connection.Client")
def _(t):
    client = multiprocessing.connection.Client((t.address, t.tcp))
    os.write(client.fileno(), b"ping\n")
    return os.read(client.fileno(), 10).decode().strip()


@act("connect", "logging.handlers.SocketHandler.makeSocket")
def _(t):
    return ping(logging.handlers.SocketHandler(t.address, t.tcp).makeSocket())


@act("connect", "UDP: socket.connect + send")
def _(t):
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.connect((t.address, t.udp))
        return ping(client)


@act("connect", "UDP: socket.sendto")
def _(t):
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(b"ping", (t.address, t.udp))
        return client.recv(10).decode().strip()


@act("connect", "UDP: socket.sendmsg")
def _(t):
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendmsg([b"ping"], [], 0, (t.address, t.udp))
        return client.recv(10).decode().strip()


@act("connect", "UDP: asyncio loop.sock_sendto")
def _(t):
    async def run():
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendto(client, b"ping", (t.address, t.udp))
            return (await loop.sock_recv(client, 10)).decode().strip()

    return asyncio.run(run())


@act("connect", "UDP: logging.handlers.DatagramHandler.send")
def _(t):
    sender = logging.handlers.DatagramHandler(t.address, t.udp)
    sender.send(b"ping")
    sender.sock.settimeout(5)
    return sender.sock.recv(10).decode().strip()


@act("connect", "TCP: socket.sendto(MSG_FASTOPEN)")
def _(t):
    with socket.socket() as client:
        client.sendto(b"ping\n", socket.MSG_FASTOPEN, (t.address, t.tcp))
        return client.recv(10).decode().strip()


@act("connect", "asyncio loop.create_datagram_endpoint(remote_addr)")
def _(t):
    async def run():
        loop = asyncio.get_running_loop()
        answer = loop.create_future()

        class Protocol(asyncio.DatagramProtocol):
            def datagram_received(self, data, address):
                answer.set_result(data.decode().strip())

        transport, _ = await loop.create_datagram_endpoint(Protocol, remote_addr=(t.address, t.udp))
        transport.sendto(b"ping")
        return await asyncio.wait_for(answer, 5)

    return asyncio.run(run())


@act("connect", "ctypes: connect")
def _(t):
    with socket.socket() as client:
        c_must(LIBC.connect(client.fileno(), internet(t.address, t.tcp), 16))
        return ping(client)


@act("connect", "ctypes: sendto")
def _(t):
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        c_must(LIBC.sendto(client.fileno(), b"ping", 4, 0, internet(t.address, t.udp), 16))
        return client.recv(10).decode().strip()


@act("connect", "ctypes: syscall(SYS_sendto)")
def _(t):
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        c_must(LIBC.syscall(44, client.fileno(), b"ping", 4, 0, internet(t.address, t.udp), 16))
        return client.recv(10).decode().strip()


@act("connect", "ctypes: syscall(SYS_connect)")
def _(t):
    with socket.socket() as client:
        c_must(LIBC.syscall(42, client.fileno(), internet(t.address, t.tcp), 16))
        return ping(client)


@act("connect", "ctypes: connect of CDLL('libc.so.6')")
def _(t):
    with socket.socket() as client:
        c_must(BY_NAME.connect(client.fileno(), internet(t.address, t.tcp), 16))
        return ping(client)
