# needs: bash python3
# An environment of its own, and what is started in it.
set -eu
exec 2>&1
python3 -m venv --without-pip env
env/bin/python -c 'import sys, os; print(os.path.relpath(sys.prefix), sys.prefix != sys.base_prefix)'
. env/bin/activate
python - <<'CODE'
import concurrent.futures, fcntl, mmap, multiprocessing, os, pathlib, selectors, signal, socket, subprocess, sys, tempfile, threading, time

print(sorted(os.listdir("/proc/self/fd"), key=int))
print(len(os.listdir("/proc/self/task")))
print({name: value for name, value in os.environ.items() if not name.startswith(("PALISADE_", "LD_PRELOAD")) and name not in ("HOME", "TMPDIR", "PWD", "PATH", "VIRTUAL_ENV", "OLDPWD", "_")})
print(subprocess.run("echo out; echo err >&2; exit 5", shell=True, capture_output=True))
print(subprocess.run(["sh", "-c", "ls /proc/self/fd >own; ls /proc/$$/fd >shells; wc -l own shells"], capture_output=True, text=True).stdout)
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(lambda n: int(subprocess.check_output(["echo", str(n)])), range(40))))
with multiprocessing.get_context("fork").Pool(3) as pool:
    print(pool.map(abs, [-1, -2, -3]))
left, right = socket.socketpair()
if (child := os.fork()) == 0:
    left.close(); right.sendall(b"from the child"); os._exit(9)
right.close()
print(left.recv(99), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
with tempfile.TemporaryFile() as file:
    file.write(b"x" * 4096); file.flush(); fcntl.flock(file, fcntl.LOCK_EX)
    print(mmap.mmap(file.fileno(), 4096)[:2], os.fstat(file.fileno()).st_nlink)
signal.signal(signal.SIGCHLD, lambda *_: None)
print(os.waitstatus_to_exitcode(os.system("kill -TERM $$")))
os.mkfifo("pipe")
threading.Thread(target=lambda: pathlib.Path("pipe").write_text("through the pipe")).start()
print(pathlib.Path("pipe").read_text())
listener = socket.create_server(("127.0.0.1", 0)); address = listener.getsockname()
threading.Thread(target=lambda: listener.accept()[0].sendfile(open("/etc/hostname", "rb"))).start()
print(len(socket.create_connection(address).makefile("rb").read()) > 0)
for act in (lambda: open("/nonexistent"), lambda: os.mkdir("/proc/x"), lambda: os.execv("/etc/passwd", ["x"]), lambda: socket.create_connection(("127.0.0.1", 1)), lambda: socket.getaddrinfo("nothing.invalid", 1)):
    try: act()
    except OSError as error: print(type(error).__name__, error.errno, error.strerror)
print(os.strerror(0))
CODE
