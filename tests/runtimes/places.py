"""The other ends of what the functions do: servers that answer `pong`, a name server for every kind of question, and a folder."""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import os
import shutil
import socket
import sqlite3
import ssl
import struct
import subprocess
import tarfile
import tempfile
import threading
import zipfile
from pathlib import Path

from harness.network import read_name
from harness.paths import CACHE
from harness.sandbox import HOSTS, RESOLVER

DENIED_ADDRESS, ALLOWED_ADDRESS = HOSTS["evil.example"], HOSTS["carrier.example"]
ALLOWED_ADDRESS_6 = "2001:db8::5"
DENIED_ZONE = "evil.example"
REVERSE = ".".join(reversed(DENIED_ADDRESS.split("."))) + ".in-addr.arpa"
"""What is asked for the name of the denied address."""
TCP, TLS, UDP = 7000, 7443, 7000
GREETINGS = {7021: b"220 pong\r\n", 7022: b"+OK pong\r\n"}
"""Ports whose servers speak first: as in FTP and SMTP, and as in POP."""
LISTEN = 8081
"""The first of the ports that acts listen on; each series has one of its own."""
CONTENT = "the content of a denied file"

CHOSEN_BY_KERNEL = (400, 1023)
"""The ports that the kernel gives to who asks for none. Below what Ruby's resolver tries for its questions."""
ALLOWED_PORTS = [f"{CHOSEN_BY_KERNEL[1] + 1}-{LISTEN - 1}", f"{LISTEN + 3}-65535"]
"""What a policy lets listen: neither the acts' own ports, nor those that the kernel chooses."""

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "NAPTR": 35, "CAA": 257}
ANY = 255


def start_servers():
    """Everything that listens, once a process, inside the namespaces."""
    settings = Path("/proc/sys/net/ipv4")
    (settings / "ip_unprivileged_port_start").write_text(str(CHOSEN_BY_KERNEL[0]))
    (settings / "ip_local_port_range").write_text("{} {}".format(*CHOSEN_BY_KERNEL))
    certificate = make_certificate()
    for address in (DENIED_ADDRESS, ALLOWED_ADDRESS, "127.0.0.1"):
        serve_tcp(address, TCP, None)
        serve_tcp(address, TLS, certificate)
        serve_udp(address, UDP)
        for port, greeting in GREETINGS.items():
            serve_tcp(address, port, None, greeting)


def make_certificate():
    """A certificate that signs itself, which the functions are told not to mind."""
    path = CACHE / "pong.pem"
    if not path.exists():
        command = "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=pong -keyout - -out -".split()
        path.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def serve_tcp(address, port, certificate, greeting=None):
    """Says `pong` to whoever says anything: in HTTP to who speaks HTTP, else as a line; or by way of greeting."""
    server = socket.create_server((address, port), backlog=64)

    def answer(client):
        with contextlib.suppress(OSError):
            client.settimeout(10)
            if certificate:
                client = certificate.wrap_socket(client, server_side=True)
            with client:
                if greeting:
                    client.sendall(greeting)
                asked = client.recv(4096)
                if b" HTTP/1" in asked:
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npong")
                elif asked:
                    client.sendall(b"pong\n")
                client.recv(1)

    def accept():
        while True:
            threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def serve_udp(address, port):
    server = socket.socket(type=socket.SOCK_DGRAM)
    server.bind((address, port))

    def answer():
        while True:
            _, client = server.recvfrom(4096)
            server.sendto(b"pong", client)

    threading.Thread(target=answer, daemon=True).start()


def answer_everything(name_server):
    """Teaches the harness's name server: each name below the denied zone has a record of every type."""
    plain = name_server.answer

    def answer(query):
        name, end = read_name(query, 12)
        if not name.lower().endswith(("." + DENIED_ZONE, ".in-addr.arpa")):
            return plain(query)
        name_server.asked.append(name)
        (kind,) = struct.unpack_from("!H", query, end)
        wanted = [each for each in TYPES.values() if each in (kind, 1 if kind == ANY else kind)]
        records = [struct.pack("!HHHIH", 0xC00C, each, 1, 0, len(data(each, name))) + data(each, name) for each in wanted]
        question = query[12 : end + 4]
        return query[:2] + struct.pack("!HHHHH", 0x8580, 1, len(records), 0, 0) + question + b"".join(records)

    name_server.answer = answer


def data(kind, name):
    """The data of a record: an address, or something of the right shape that names `carrier.example`; `evil.example` for its address."""
    if name == REVERSE:
        return b"\4evil\7example\0"
    carrier = b"\7carrier\7example\0"
    return {
        1: socket.inet_aton(ALLOWED_ADDRESS),
        6: carrier + carrier + bytes(20),
        15: b"\0\1" + carrier,
        16: b"\4text",
        28: socket.inet_pton(socket.AF_INET6, ALLOWED_ADDRESS_6),
        33: b"\0\1\0\1\0\x50" + carrier,
        35: b"\0\1\0\1\1u\3E2U\0" + carrier,
        257: b"\0\5issue" + b"carrier.example",
    }.get(kind, carrier)


class Ground:
    """A folder in /tmp with a denied one in it, put back to its first state before each act."""

    def __init__(self, listen=LISTEN):
        self.listen = listen
        self.root = Path(os.path.realpath(tempfile.mkdtemp(prefix="palisade-")))
        self.denied = self.root / "denied"
        self.free = self.root / "free"

    def reset(self):
        for folder in (self.denied, self.free):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        (self.denied / "sub").mkdir()
        (self.denied / "full").mkdir()
        (self.denied / "full" / "inner").write_text(CONTENT)
        (self.denied / "file").write_text(CONTENT)
        (self.denied / "kept").write_text("as it was")
        for name, script in SCRIPTS.items():
            (self.denied / name).write_text(script)
        (self.denied / "link").symlink_to(self.free / "source")
        (self.free / "source").write_text("x")
        (self.free / "same").write_text(CONTENT)
        (self.free / "folder").mkdir()
        (self.free / "folder" / "added").write_text("x")
        for name, content in PACKED.items():
            (self.denied / name).write_bytes(content)
        for name in ("added.tar", "added.zip"):
            (self.free / name).write_bytes(ADDED[name])
        connection = sqlite3.connect(self.denied / "database")
        connection.execute("create table kept (content)")
        connection.execute("insert into kept values (?)", (CONTENT,))
        connection.commit()
        connection.close()

    def state(self):
        """What is in the denied folder, as far as a program can change it."""
        found = {}
        for path in sorted(self.denied.rglob("*")):
            info = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[str(path.relative_to(self.denied))] = (info.st_mode, info.st_nlink, info.st_uid, info.st_ctime_ns, content)
        return found

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def target(self, number):
        """What an act is told: no two acts get the same name or the same word, so that nothing is answered from a cache."""
        return {
            "token": f"palisade-{number}",
            "program": "/bin/echo",
            "host": f"n{number}.{DENIED_ZONE}",
            "resolver": RESOLVER,
            "allowed": ALLOWED_ADDRESS,
            "named": DENIED_ZONE,
            "address": DENIED_ADDRESS,
            "tcp": TCP,
            "tls": TLS,
            "greets": min(GREETINGS),
            "udp": UDP,
            "listen": self.listen,
            "content": CONTENT,
            "folder": str(self.denied),
            "file": str(self.denied / "file"),
            "script": str(self.denied / "script"),
            "module": str(self.denied / "script.mjs"),
            "database": str(self.denied / "database"),
            "kept": str(self.denied / "kept"),
            "sub": str(self.denied / "sub"),
            "full": str(self.denied / "full"),
            "link": str(self.denied / "link"),
            "packed": str(self.denied / "packed"),
            "new": str(self.denied / "new"),
            "free": str(self.free / "source"),
            "free_new": str(self.free / "new"),
            "free_same": str(self.free / "same"),
            "free_folder": str(self.free / "folder"),
            "free_alone": str(self.free / "folder" / "added"),
            "free_archive": str(self.free / "added.tar"),
            "free_zip": str(self.free / "added.zip"),
        }


SCRIPTS = {
    # Python runs the first, Ruby loads the second, Node.js the others.
    "script": "ran = True\n",
    "script.rb": "$ran = true\n",
    "script.js": "module.exports = true;\n",
    "script.mjs": "export default true;\n",
}


def tarred(name, content):
    """A tar archive of one file."""
    with io.BytesIO() as out:
        with tarfile.open(fileobj=out, mode="w") as archive:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        return out.getvalue()


def zipped(name, content):
    """A zip archive of one file."""
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(name, content)
        return out.getvalue()


PACKED = {
    # What holds the content of the denied file in the formats that a standard library reads.
    "packed.gz": gzip.compress(CONTENT.encode()),
    "packed.bz2": bz2.compress(CONTENT.encode()),
    "packed.xz": lzma.compress(CONTENT.encode()),
    "packed.tar": tarred("file", CONTENT.encode()),
    "packed.zip": zipped("file", CONTENT.encode()),
    "packed.xml": f"<content>{CONTENT}</content>".encode(),
    "packed.ini": f"[table]\ncontent = {CONTENT}\n".encode(),
    "packed.json": json.dumps(CONTENT).encode(),
    "packed.csv": f"{CONTENT}\n".encode(),
    "packed.properties": f"content = {CONTENT}\n".encode(),
    "packed.env": f'CONTENT="{CONTENT}"\n'.encode(),
    "packed.netrc": b"machine example.com login a password b\n",
    # Python's dbm.dumb.
    "packed.dir": f"'file', (0, {len(CONTENT)})\n".encode(),
    "packed.dat": CONTENT.encode(),
}
ADDED = {"added.tar": tarred("added", b"x"), "added.zip": zipped("added", b"x")}
