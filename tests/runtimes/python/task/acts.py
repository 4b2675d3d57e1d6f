"""What the acts are made with: the list that they are put on, and what several of them need."""

import ctypes
import http.client
import os
import socket
import ssl
import struct

# What an act fails with if nothing else is said.
REFUSAL = {"process": "PermissionError 13", "resolve": "gaierror -4", "connect": "PermissionError 13"}
REFUSAL |= {"listen": "PermissionError 13", "read": "PermissionError 13", "write": "PermissionError 13"}
ACTS = {}


class Refused(Exception):
    """The standard library tells a failure by a value, or not at all."""


def act(section, name, refusal=None, audits=1):
    """Registers an act: the section that judges it, what it fails with, and how many audits it is worth."""

    def register(function):
        assert name not in ACTS, name
        ACTS[name] = (section, refusal or REFUSAL.get(section, ""), audits, function)
        return function

    return register


def why(prevented, alerted, reason):
    """How many audits an act is worth that is more than one attempt, and the reason."""
    return {"prevent": prevented, "alert": alerted, "why": reason}


def must(status, what):
    """For functions that tell of a failure by their result."""
    if status != 0:
        raise Refused(what.format(status))


LIBC = ctypes.CDLL(None, use_errno=True)
BY_NAME = ctypes.CDLL("libc.so.6", use_errno=True)


def strings(words):
    """A C array of C strings."""
    return (ctypes.c_char_p * (len(words) + 1))(*[word.encode() for word in words], None)


def c_must(result):
    """Raises what errno says."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def internet(address, port):
    """struct sockaddr_in of ip(7)."""
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(address) + bytes(8)


def ping(client):
    """What a connected socket gets for its ping."""
    client.settimeout(5)
    client.sendall(b"ping\n")
    return client.recv(10).decode().strip()


def secure_get(host, port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(host, port, timeout=5, context=context)
    connection.request("GET", "/")
    return connection.getresponse().read().decode()


def slurp(descriptor):
    """Reads an open descriptor and closes it."""
    with open(descriptor) as file:
        return file.read()
