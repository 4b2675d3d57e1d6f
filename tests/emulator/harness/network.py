"""The other ends of the function's connections: a name server that knows `HOSTS`, and web servers that keep what they get."""

import http.server
import socket
import struct
import threading

from .sandbox import HOSTS, RESOLVER

TYPE_A = 1
NXDOMAIN = 3


class NameServer:
    """Answers A queries out of `HOSTS` on `RESOLVER`, port 53, and remembers every name it was asked for."""

    def __init__(self):
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((RESOLVER, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, client = self.socket.recvfrom(512)
            self.socket.sendto(self.answer(query), client)

    def answer(self, query):
        name, question_end = read_name(query, 12)
        (kind,) = struct.unpack_from("!H", query, question_end)
        question = query[12 : question_end + 4]
        self.asked.append(name)
        address = HOSTS.get(name.lower())
        records = b""
        if address and kind == TYPE_A:
            # The name as a pointer to the question, type, class IN, a minute to live, the address.
            records = struct.pack("!HHHIH4s", 0xC00C, TYPE_A, 1, 60, 4, socket.inet_aton(address))
        flags = 0x8580 | (0 if address else NXDOMAIN)
        return query[:2] + struct.pack("!HHHHH", flags, 1, 1 if records else 0, 0, 0) + question + records


def read_name(message, offset):
    """The name at an offset of a DNS message, and where it ends. Questions are never compressed."""
    labels = []
    while length := message[offset]:
        labels.append(message[offset + 1 : offset + 1 + length].decode("ascii", "replace"))
        offset += 1 + length
    return ".".join(labels), offset + 1


class WebServer:
    """Takes every POST, keeps its body in `received`, and says thank you."""

    def __init__(self, address, port=0):
        self.received = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                outer.received.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        self.server = Server((address, port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
