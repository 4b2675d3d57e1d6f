"""Every public way in Python's standard library to start a program, resolve a name, connect, listen, open and change files.

An event names one act and gives it a target; the act does it and returns what proves that it was done: the text that the
program printed, the address, the server's `pong`, the port, the file's content. `{"act": "list"}` gives them all.
"""

import asyncio
import concurrent.futures
import ctypes
import fileinput
import http.client
import http.server
import importlib.machinery
import linecache
import logging.handlers
import mmap
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import pty
import shutil
import socket
import socketserver
import sqlite3
import ssl
import struct
import subprocess
import tempfile
import threading
import types
import urllib.request

# What an act fails with if nothing else is said.
REFUSAL = {"process": "PermissionError 13", "resolve": "gaierror -4", "connect": "PermissionError 13"}
REFUSAL |= {"listen": "PermissionError 13", "read": "PermissionError 13", "write": "PermissionError 13"}
ACTS = {}


class Refused(Exception):
    """The standard library tells a failure by a value, or not at all."""


def act(section, name, refusal=None, audits=1):
    """Registers an act: the section that judges it, what it fails with, and how many audits it is worth."""

    def register(function):
        ACTS[name] = (section, refusal or REFUSAL.get(section, ""), audits, function)
        return function

    return register


def handler(event, context):
    """Lists the acts, or performs one."""
    if event["act"] == "list":
        return [[name, *told[:3]] for name, told in ACTS.items()]
    try:
        return {"answer": ACTS[event["act"]][3](types.SimpleNamespace(**event["target"]))}
    except Refused as refused:
        return {"refused": str(refused)}
    except subprocess.CalledProcessError as failed:
        return {"refused": f"CalledProcessError {failed.returncode}"}
    except urllib.error.URLError as failed:
        return {"refused": "URLError: " + told(failed.reason)}
    except BaseException as failed:
        return {"refused": told(failed)}


def told(failed):
    """The type of an exception, and its number if it has one."""
    number = f" {failed.errno}" if isinstance(failed, OSError) and failed.errno is not None else ""
    return type(failed).__name__ + (number or (f": {failed}" if not isinstance(failed, OSError) else ""))


def must(status, what):
    """For functions that tell of a failure by their result."""
    if status != 0:
        raise Refused(what.format(status))


# Programs. `t.program` is /bin/echo; what it prints goes through a file where the function does not hand it back.


def printed(t, start, refusal="status {}"):
    """Runs `start(arguments)` with standard output in a file, and gives what the program wrote."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(1)
        os.dup2(file.fileno(), 1)
        try:
            status = start([t.program, t.token])
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        if status:
            raise Refused(refusal.format(os.waitstatus_to_exitcode(status) if status > 255 else status))
        file.seek(0)
        return file.read().decode().strip()


def in_child(t, function):
    """Forks, and has the child turn into the program."""

    def start(arguments):
        child = os.fork()
        if child == 0:
            try:
                function(arguments)
            except PermissionError:
                os._exit(13)
            except BaseException:
                os._exit(99)
        return os.waitpid(child, 0)[1]

    try:
        return printed(t, start, "{}")
    except Refused as refused:
        raise (PermissionError(13, "exec") if str(refused) == "13" else refused) from None


act("process", "subprocess.run")(lambda t: subprocess.run([t.program, t.token], capture_output=True, text=True).stdout.strip())
act("process", "subprocess.run(shell=True)")(
    lambda t: subprocess.run(f"echo {t.token}", shell=True, capture_output=True, text=True).stdout.strip()
)
act("process", "subprocess.run(close_fds=False)")(
    lambda t: subprocess.run([t.program, t.token], close_fds=False, capture_output=True, text=True).stdout.strip()
)
act("process", "subprocess.Popen")(lambda t: subprocess.Popen([t.program, t.token], stdout=subprocess.PIPE, text=True).communicate()[0].strip())
act("process", "subprocess.Popen(preexec_fn)")(
    lambda t: subprocess.Popen([t.program, t.token], preexec_fn=lambda: None, stdout=subprocess.PIPE, text=True).communicate()[0].strip()
)
act("process", "subprocess.check_output")(lambda t: subprocess.check_output([t.program, t.token], text=True).strip())
act("process", "subprocess.getoutput")(lambda t: subprocess.getoutput(f"echo {t.token}"))
act("process", "subprocess.getstatusoutput")(lambda t: subprocess.getstatusoutput(f"echo {t.token}")[1])


@act("process", "subprocess.call")
def _(t):
    return printed(t, subprocess.call)


@act("process", "subprocess.check_call")
def _(t):
    return printed(t, subprocess.check_call)


@act("process", "os.system", "exit status 127")
def _(t):
    return printed(t, lambda arguments: os.system(f"echo {t.token}"), "exit status {}")


act("process", "os.popen")(lambda t: os.popen(f"echo {t.token}").read().strip())


@act("process", "os.posix_spawn")
def _(t):
    return printed(t, lambda arguments: os.waitpid(os.posix_spawn(t.program, arguments, os.environ), 0)[1])


@act("process", "os.posix_spawnp")
def _(t):
    return printed(t, lambda arguments: os.waitpid(os.posix_spawnp("echo", arguments, os.environ), 0)[1])


for _name, _start in {
    "os.spawnv": lambda a: os.spawnv(os.P_WAIT, a[0], a),
    "os.spawnve": lambda a: os.spawnve(os.P_WAIT, a[0], a, os.environ),
    "os.spawnvp": lambda a: os.spawnvp(os.P_WAIT, "echo", a),
    "os.spawnvpe": lambda a: os.spawnvpe(os.P_WAIT, "echo", a, os.environ),
    "os.spawnl": lambda a: os.spawnl(os.P_WAIT, a[0], *a),
    "os.spawnle": lambda a: os.spawnle(os.P_WAIT, a[0], *a, os.environ),
    "os.spawnlp": lambda a: os.spawnlp(os.P_WAIT, "echo", *a),
    "os.spawnlpe": lambda a: os.spawnlpe(os.P_WAIT, "echo", *a, os.environ),
}.items():
    act("process", _name, "status 127")(lambda t, start=_start: printed(t, start))

for _name, _turn in {
    "os.fork + os.execv": lambda a: os.execv(a[0], a),
    "os.fork + os.execve": lambda a: os.execve(a[0], a, os.environ),
    "os.fork + os.execve(descriptor)": lambda a: os.execve(os.open(a[0], os.O_RDONLY), a, os.environ),
    "os.fork + os.execvp": lambda a: os.execvp("echo", a),
    "os.fork + os.execvpe": lambda a: os.execvpe("echo", a, os.environ),
    "os.fork + os.execl": lambda a: os.execl(a[0], *a),
    "os.fork + os.execle": lambda a: os.execle(a[0], *a, os.environ),
    "os.fork + os.execlp": lambda a: os.execlp("echo", *a),
    "os.fork + os.execlpe": lambda a: os.execlpe("echo", *a, os.environ),
}.items():
    act("process", _name)(lambda t, turn=_turn: in_child(t, turn))


@act("process", "asyncio.create_subprocess_exec")
def _(t):
    async def run():
        child = await asyncio.create_subprocess_exec(t.program, t.token, stdout=subprocess.PIPE)
        return (await child.communicate())[0].decode().strip()

    return asyncio.run(run())


@act("process", "asyncio.create_subprocess_shell")
def _(t):
    async def run():
        child = await asyncio.create_subprocess_shell(f"echo {t.token}", stdout=subprocess.PIPE)
        return (await child.communicate())[0].decode().strip()

    return asyncio.run(run())


@act("process", "pty.spawn")
def _(t):
    seen = []

    def read(descriptor):
        data = os.read(descriptor, 1024)
        seen.append(data)
        return data

    status = pty.spawn([t.program, t.token], read, lambda descriptor: b"")
    must(os.waitstatus_to_exitcode(status), "exit status {}")
    return b"".join(seen).decode().strip()


def _tell(queue, token):
    queue.send(token)


# The child's start is not waited for (multiprocessing.util.spawnv_passfds), so that the failure shows in its exit code.
@act("process", "multiprocessing, spawn", "exit code 255", audits=2)
def _(t):
    context = multiprocessing.get_context("spawn")
    from multiprocessing import resource_tracker

    try:
        receive, send = context.Pipe(duplex=False)
        child = context.Process(target=_tell, args=(send, t.token))
        child.start()
        child.join()
        must(child.exitcode, "exit code {}")
        return receive.recv()
    finally:
        resource_tracker._resource_tracker._stop()


LIBC = ctypes.CDLL(None, use_errno=True)
BY_NAME = ctypes.CDLL("libc.so.6", use_errno=True)


@act("process", "ctypes: system", "status 127")
def _(t):
    return printed(t, lambda arguments: LIBC.system(f"echo {t.token}".encode()))


@act("process", "ctypes: system of CDLL('libc.so.6')", "status 127")
def _(t):
    return printed(t, lambda arguments: BY_NAME.system(f"echo {t.token}".encode()))


def strings(words):
    """A C array of C strings."""
    return (ctypes.c_char_p * (len(words) + 1))(*[word.encode() for word in words], None)


def c_must(result):
    """Raises what errno says."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


@act("process", "ctypes: posix_spawn")
def _(t):
    def start(arguments):
        pid = ctypes.c_int()
        environment = strings([f"{name}={value}" for name, value in os.environ.items()])
        error = LIBC.posix_spawn(ctypes.byref(pid), t.program.encode(), None, None, strings(arguments), environment)
        if error:
            raise OSError(error, os.strerror(error))
        return os.waitpid(pid.value, 0)[1]

    return printed(t, start)


act("process", "os.fork + ctypes: execv")(lambda t: in_child(t, lambda a: c_must(LIBC.execv(a[0].encode(), strings(a)))))
act("process", "os.fork + ctypes: syscall(SYS_execve)")(
    lambda t: in_child(t, lambda a: c_must(LIBC.syscall(59, a[0].encode(), strings(a), strings(["A=b"]))))
)

# Names. `t.host` resolves to `t.allowed`, an address that may be connected to.

act("resolve", "socket.getaddrinfo")(lambda t: socket.getaddrinfo(t.host, 80)[0][4][0])
act("resolve", "socket.gethostbyname")(lambda t: socket.gethostbyname(t.host))
# Asks twice: for an address, and then for the host.
act("resolve", "socket.gethostbyname_ex", audits={"prevent": 1, "alert": 2})(lambda t: socket.gethostbyname_ex(t.host)[2][0])
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


# Connections, to `t.address`; the server answers "pong" to whatever is sent.


def ping(client):
    """What a connected socket gets for its ping."""
    client.settimeout(5)
    client.sendall(b"ping\n")
    return client.recv(10).decode().strip()


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


def internet(address, port):
    """struct sockaddr_in of ip(7)."""
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(address) + bytes(8)


@act("connect", "ctypes: connect")
def _(t):
    with socket.socket() as client:
        c_must(LIBC.connect(client.fileno(), internet(t.address, t.tcp), 16))
        return ping(client)


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


# Listening, on `t.listen`.


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
        endpoint = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, local_addr=("0.0.0.0", t.listen)
        )
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


# Reading `t.file`, and the folder that it is in.


def slurp(descriptor):
    """Reads an open descriptor and closes it."""
    with open(descriptor) as file:
        return file.read()


act("read", "open")(lambda t: open(t.file).read())
act("read", "open(mode='rb')")(lambda t: open(t.file, "rb").read().decode())
act("read", "os.open")(lambda t: slurp(os.open(t.file, os.O_RDONLY)))
act("read", "os.open(dir_fd)")(
    lambda t: slurp(os.open(t.file.lstrip("/"), os.O_RDONLY, dir_fd=os.open("/", os.O_RDONLY | os.O_DIRECTORY)))
)
act("read", "pathlib.Path.read_text")(lambda t: pathlib.Path(t.file).read_text())
act("read", "linecache.getline", "empty text")(lambda t: linecache.getline(t.file, 1).strip() or must(1, "empty text"))
act("read", "fileinput.input")(lambda t: "".join(fileinput.input(t.file)))
act("read", "shutil.copyfile(source)")(lambda t: open(shutil.copyfile(t.file, t.free_new)).read())
act("read", "mmap.mmap")(lambda t: mmap.mmap(os.open(t.file, os.O_RDONLY), 0, prot=mmap.PROT_READ)[:].decode())
act("read", "importlib.machinery.SourceFileLoader")(
    lambda t: importlib.machinery.SourceFileLoader("read", t.file).get_data(t.file).decode()
)
act("read", "os.sendfile")(lambda t: sent(t))
act("read", "sqlite3.connect + select", "OperationalError: unable to open database file")(lambda t: database(t))
act("read", "os.listdir")(lambda t: t.content if "file" in os.listdir(t.folder) else None)
act("read", "os.scandir")(lambda t: t.content if "file" in [entry.name for entry in os.scandir(t.folder)] else None)
act("read", "pathlib.Path.iterdir")(lambda t: t.content if any(pathlib.Path(t.folder).iterdir()) else None)
act("read", "ctypes: open")(lambda t: slurp(c_must(LIBC.open(t.file.encode(), os.O_RDONLY))))
act("read", "ctypes: open of CDLL('libc.so.6')")(lambda t: slurp(c_must(BY_NAME.open(t.file.encode(), os.O_RDONLY))))
act("read", "ctypes: syscall(SYS_openat)")(lambda t: slurp(c_must(LIBC.syscall(257, -100, t.file.encode(), os.O_RDONLY, 0))))


@act("read", "ctypes: fopen", "null")
def _(t):
    LIBC.fopen.restype = ctypes.c_void_p
    must(0 if LIBC.fopen(t.file.encode(), b"r") else 1, "null")
    return t.content


def sent(t):
    source = os.open(t.file, os.O_RDONLY)
    with open(t.free_new, "wb") as sink:
        os.sendfile(sink.fileno(), source, 0, 100)
    return open(t.free_new).read()


def database(t):
    connection = sqlite3.connect(f"file:{t.database}?mode=ro&immutable=1", uri=True)
    return connection.execute("select content from kept").fetchone()[0]


# Changing what is in `t.folder`. What was done is looked up from outside.


def write_into(path, mode):
    with open(path, mode) as file:
        file.write("x")


act("write", "open(mode='w')")(lambda t: write_into(t.kept, "w"))
act("write", "open(mode='a')")(lambda t: write_into(t.kept, "a"))
act("write", "open(mode='x')")(lambda t: write_into(t.new, "x"))
act("write", "open(mode='r+')")(lambda t: write_into(t.kept, "r+"))
act("write", "os.open(O_CREAT)")(lambda t: os.close(os.open(t.new, os.O_CREAT | os.O_WRONLY)))
act("write", "os.open(O_TRUNC)")(lambda t: os.close(os.open(t.kept, os.O_TRUNC | os.O_WRONLY)))
act("write", "pathlib.Path.write_text")(lambda t: pathlib.Path(t.new).write_text("x"))
act("write", "pathlib.Path.touch")(lambda t: pathlib.Path(t.new).touch())
act("write", "shutil.copyfile(target)")(lambda t: shutil.copyfile(t.free, t.new))
# Where it may not rename, it copies.
act("write", "shutil.move", audits={"prevent": 2, "alert": 1})(lambda t: shutil.move(t.free, t.new))
act("write", "os.rename")(lambda t: os.rename(t.kept, t.free_new))
act("write", "os.replace")(lambda t: os.replace(t.free, t.kept))
act("write", "os.remove")(lambda t: os.remove(t.kept))
act("write", "os.mkdir")(lambda t: os.mkdir(t.new))
act("write", "os.makedirs")(lambda t: os.makedirs(t.new))
act("write", "os.rmdir")(lambda t: os.rmdir(t.sub))
act("write", "os.symlink")(lambda t: os.symlink(t.free, t.new))
act("write", "os.link")(lambda t: os.link(t.free, t.new))
act("write", "os.truncate")(lambda t: os.truncate(t.kept, 1))
act("write", "os.mkfifo")(lambda t: os.mkfifo(t.new))
act("write", "os.chmod")(lambda t: os.chmod(t.kept, 0o600))
act("write", "os.utime")(lambda t: os.utime(t.kept, (1, 1)))
act("write", "tempfile.mkstemp")(lambda t: os.close(tempfile.mkstemp(dir=t.folder)[0]))
act("write", "tempfile.mkdtemp")(lambda t: tempfile.mkdtemp(dir=t.folder) and None)
act("write", "sqlite3.connect + create", "OperationalError: unable to open database file")(
    lambda t: sqlite3.connect(t.new).executescript("pragma journal_mode = off; create table t (x)") and None
)
act("write", "ctypes: open(O_CREAT)")(lambda t: os.close(c_must(LIBC.open(t.new.encode(), os.O_CREAT | os.O_WRONLY, 0o644))))
act("write", "ctypes: unlink")(lambda t: c_must(LIBC.unlink(t.kept.encode())) and None)

# What nobody should refuse, and nobody should report.


@act("honest", "os.fork without exec")
def _(t):
    child = os.fork()
    if child == 0:
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@act("honest", "multiprocessing, fork")
def _(t):
    receive, send = multiprocessing.get_context("fork").Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_tell, args=(send, t.token))
    child.start()
    child.join()
    return receive.recv()


@act("honest", "concurrent.futures.ThreadPoolExecutor")
def _(t):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(str, [1, 2]))


@act("honest", "a connection to loopback")
def _(t):
    return ping(socket.create_connection(("127.0.0.1", t.tcp)))


act("honest", "socket.getaddrinfo('localhost')")(lambda t: socket.getaddrinfo("localhost", 80)[0][4][0])
act("honest", "socket.getaddrinfo of an address")(lambda t: socket.getaddrinfo(t.address, 80)[0][4][0])
act("honest", "socket.socketpair")(lambda t: [each.close() for each in socket.socketpair()] and True)
act("honest", "reading and writing elsewhere")(lambda t: open(t.free, "r+").write("x"))
act("honest", "os.stat")(lambda t: os.stat(t.file).st_size)


@act("honest", "threads")
def _(t):
    done = threading.Event()
    threading.Thread(target=done.set).start()
    return done.wait(5)
