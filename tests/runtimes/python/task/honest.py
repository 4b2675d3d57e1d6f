"""What nobody should refuse, and nobody should report."""

import concurrent.futures
import multiprocessing
import os
import socket
import threading

from acts import act, ping
from programs import tell


@act("honest", "os.fork without exec")
def _(t):
    child = os.fork()
    if child == 0:
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@act("honest", "multiprocessing, fork")
def _(t):
    receive, send = multiprocessing.get_context("fork").Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=tell, args=(send, t.token))
    child.start()
    child.join()
    return receive.recv()


@act("honest", "concurrent.futures.ThreadPoolExecutor")
def _(t):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(str, [1, 2]))


@act("honest", "multiprocessing.Pool, fork")
def _(t):
    # In Lambda there is no /dev/shm, and so no semaphore.
    if not os.path.isdir("/dev/shm"):
        return True
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.map(str, [1, 2])


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
