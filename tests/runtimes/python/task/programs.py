"""Programs. `t.program` is /bin/echo; what it prints goes through a file where the function does not hand it back."""

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import pipes
import pty
import pydoc
import subprocess
import tempfile
import time
import webbrowser

from acts import BY_NAME, LIBC, Refused, act, c_must, must, slurp, strings, why


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
act("process", "subprocess.Popen")(
    lambda t: subprocess.Popen([t.program, t.token], stdout=subprocess.PIPE, text=True).communicate()[0].strip()
)
act("process", "subprocess.Popen(preexec_fn)")(
    lambda t: subprocess.Popen([t.program, t.token], preexec_fn=lambda: None, stdout=subprocess.PIPE, text=True).communicate()[0].strip()
)
act("process", "subprocess.check_output")(lambda t: subprocess.check_output([t.program, t.token], text=True).strip())
act("process", "subprocess.getoutput")(lambda t: subprocess.getoutput(f"echo {t.token}"))
act("process", "subprocess.getstatusoutput")(lambda t: subprocess.getstatusoutput(f"echo {t.token}")[1])


act("process", "subprocess.run(env={})")(
    lambda t: subprocess.run([t.program, t.token], env={}, capture_output=True, text=True).stdout.strip()
)
act("process", "subprocess.run(cwd)")(
    lambda t: subprocess.run([t.program, t.token], cwd="/", capture_output=True, text=True).stdout.strip()
)
act("process", "subprocess.run(executable)")(
    lambda t: subprocess.run(["echo", t.token], executable=t.program, capture_output=True, text=True).stdout.strip()
)
act("process", "subprocess.run(start_new_session=True)")(
    lambda t: subprocess.run([t.program, t.token], start_new_session=True, capture_output=True, text=True).stdout.strip()
)
act("process", "subprocess.run by name")(lambda t: subprocess.run(["echo", t.token], capture_output=True, text=True).stdout.strip())


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


@act("process", "os.posix_spawn(file_actions)")
def _(t):
    receive, send = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, send, 1), (os.POSIX_SPAWN_CLOSE, receive)]
    child = os.posix_spawn(t.program, [t.program, t.token], os.environ, file_actions=actions, setpgroup=0)
    os.close(send)
    os.waitpid(child, 0)
    return slurp(receive).strip()


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

act("process", "os.spawnv(P_NOWAIT)", "status 127")(lambda t: printed(t, lambda a: os.waitpid(os.spawnv(os.P_NOWAIT, a[0], a), 0)[1]))

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


@act("process", "pty.fork + os.execv")
def _(t):
    child, terminal = pty.fork()
    if child == 0:
        try:
            os.execv(t.program, [t.program, t.token])
        except PermissionError:
            os._exit(13)
    # A terminal that its last writer has closed says so by EIO.
    text = b""
    with contextlib.suppress(OSError):
        while data := os.read(terminal, 1024):
            text += data
    os.close(terminal)
    if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise PermissionError(status, "exec")
    return text.decode().strip()


@act("process", "webbrowser.GenericBrowser.open", "false")
def _(t):
    def start(arguments):
        return 0 if webbrowser.GenericBrowser(["echo", "%s"]).open(t.token) else 1

    return printed(t, start, "false")


act("process", "pipes.Template")(lambda t: pipes_template(t))
act("process", "pydoc.pipepager")(lambda t: printed(t, lambda arguments: pydoc.pipepager("", f"echo {t.token}")))


def pipes_template(t):
    template = pipes.Template()
    template.append(f"echo {t.token}", "--")
    with template.open(t.free, "r") as file:
        return file.read().strip()


def tell(queue, token):
    queue.send(token)


# The child's start is not waited for (multiprocessing.util.spawnv_passfds), so that the failure shows in its exit code.
@act("process", "multiprocessing, spawn", "exit code 255", audits=why(2, 2, "starts two programs: the child, and a tracker of resources"))
def _(t):
    context = multiprocessing.get_context("spawn")
    from multiprocessing import resource_tracker

    try:
        receive, send = context.Pipe(duplex=False)
        child = context.Process(target=tell, args=(send, t.token))
        child.start()
        child.join()
        must(child.exitcode, "exit code {}")
        return receive.recv()
    finally:
        resource_tracker._resource_tracker._stop()


# As above, its start is not waited for.
@act("process", "multiprocessing, forkserver", "no server", audits=why(2, 2, "starts two programs: the server, and a tracker of resources"))
def _(t):
    from multiprocessing import forkserver, resource_tracker

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([])
    server = forkserver._forkserver
    try:
        server.ensure_running()
        time.sleep(0.2)
        if os.waitpid(server._forkserver_pid, os.WNOHANG)[0]:
            server._forkserver_alive_fd = server._forkserver_pid = None
            raise Refused("no server")
        receive, send = context.Pipe(duplex=False)
        child = context.Process(target=tell, args=(send, t.token))
        child.start()
        child.join()
        must(child.exitcode, "exit code {}")
        return receive.recv()
    finally:
        server._stop()
        resource_tracker._resource_tracker._stop()


@act("process", "ctypes: popen", "null")
def _(t):
    LIBC.popen.restype, LIBC.fgets.restype = ctypes.c_void_p, ctypes.c_char_p
    stream = LIBC.popen(f"echo {t.token}".encode(), b"r")
    must(0 if stream else 1, "null")
    room = ctypes.create_string_buffer(100)
    LIBC.fgets(room, 100, ctypes.c_void_p(stream))
    LIBC.pclose(ctypes.c_void_p(stream))
    return room.value.decode().strip()


@act("process", "ctypes: system", "status 127")
def _(t):
    return printed(t, lambda arguments: LIBC.system(f"echo {t.token}".encode()))


@act("process", "ctypes: system of CDLL('libc.so.6')", "status 127")
def _(t):
    return printed(t, lambda arguments: BY_NAME.system(f"echo {t.token}".encode()))


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
act("process", "os.fork + ctypes: fexecve")(
    lambda t: in_child(t, lambda a: c_must(LIBC.fexecve(os.open(a[0], os.O_RDONLY), strings(a), strings(["A=b"]))))
)
act("process", "os.fork + ctypes: execveat")(
    lambda t: in_child(t, lambda a: c_must(LIBC.execveat(-100, a[0].encode(), strings(a), strings(["A=b"]), 0)))
)
act("process", "os.fork + ctypes: syscall(SYS_execve)")(
    lambda t: in_child(t, lambda a: c_must(LIBC.syscall(59, a[0].encode(), strings(a), strings(["A=b"]))))
)
