"""Says what the place it runs in allows, as `palisade doctor` does, with nothing but Python: for an account of one's own.

Each call is tried with arguments that do nothing even where it is allowed; the answer is the name of the error, or `works`.
"""

import base64
import ctypes
import errno
import gzip
import json
import os
import platform
import stat

libc = ctypes.CDLL(None, use_errno=True)
X86_64, ARM64 = 0, 1
# asm/unistd.h: numbers on x86-64 and on arm64. From clone3 on they are the same.
NUMBERS = {
    "prctl": (157, 167),
    "ptrace": (101, 117),
    "seccomp": (317, 277),
    "unshare": (272, 97),
    "memfd_create": (319, 279),
    "process_vm_readv": (310, 270),
    "fallocate": (285, 47),
    "io_uring_setup": (425, 425),
    "clone3": (435, 435),
    "openat2": (437, 437),
    "landlock_create_ruleset": (444, 444),
}
PR_GET_NO_NEW_PRIVS, SECCOMP_GET_ACTION_AVAIL, PTRACE_PEEKUSER, LANDLOCK_CREATE_RULESET_VERSION = 39, 2, 3, 1
RESOLVE_NO_SYMLINKS, AT_FDCWD, O_PATH, MFD_CLOEXEC = 4, -100, 0o10000000, 1


def call(name, *arguments):
    """The result of a system call, or the name of its error."""
    number = NUMBERS[name][ARM64 if platform.machine() == "aarch64" else X86_64]
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(each) if isinstance(each, int) else each for each in arguments))
    return result if result != -1 else errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))


def works(result, *also):
    """`works` for a result, and for an error that only comes from a call that is there."""
    return "works" if isinstance(result, int) or result in also else result


def opened(result):
    if isinstance(result, int):
        os.close(result)
    return works(result)


def calls():
    how = (ctypes.c_uint64 * 3)(O_PATH, 0, RESOLVE_NO_SYMLINKS)
    action = ctypes.c_uint32(0x7FFF0000)  # SECCOMP_RET_ALLOW
    return {
        "prctl": works(call("prctl", PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)),
        # Of a process that is no tracee of ours: ESRCH.
        "ptrace": works(call("ptrace", PTRACE_PEEKUSER, os.getpid(), 0, 0), "ESRCH"),
        "seccomp": works(call("seccomp", SECCOMP_GET_ACTION_AVAIL, 0, ctypes.byref(action))),
        "unshare": works(call("unshare", 0)),
        "memfd_create": opened(call("memfd_create", b"doctor", MFD_CLOEXEC)),
        "process_vm_readv": works(call("process_vm_readv", os.getpid(), 0, 0, 0, 0, 0)),
        "fallocate": fallocate(),
        # No parameters: EFAULT. A size of 0: EINVAL.
        "io_uring_setup": works(call("io_uring_setup", 1, 0), "EFAULT"),
        "clone3": works(call("clone3", 0, 0), "EINVAL"),
        "openat2": opened(call("openat2", AT_FDCWD, b"/", ctypes.byref(how), ctypes.sizeof(how))),
        "landlock": works(call("landlock_create_ruleset", 0, 0, LANDLOCK_CREATE_RULESET_VERSION), "EOPNOTSUPP"),
    }


def fallocate():
    path = f"/tmp/doctor-{os.getpid()}"
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    except OSError as problem:
        return errno.errorcode[problem.errno]
    try:
        return works(call("fallocate", descriptor, 0, 0, 4096))
    finally:
        os.close(descriptor)
        os.unlink(path)


def starts_a_thread():
    import threading

    try:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
    except RuntimeError as problem:
        return str(problem)
    return "works"


def starts_a_program():
    try:
        os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", ":"], os.environ), 0)
    except OSError as problem:
        return errno.errorcode[problem.errno]
    return "works"


def status():
    with open("/proc/self/status", encoding="utf-8") as file:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    return {name: fields.get(name, "unknown").strip() for name in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp", "Seccomp_filters")}


def may_write(folder):
    path = f"{folder}/.palisade-doctor-{os.getpid()}"
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.unlink(path)
    except OSError:
        return False
    return True


def stream(descriptor):
    """What a descriptor is, and whether it can be opened again through /proc, as a child has to."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return {"type": "closed"}
    kinds = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "character device", stat.S_IFREG: "file"}
    found = {"type": kinds.get(stat.S_IFMT(mode), oct(mode)), "name": os.readlink(f"/proc/self/fd/{descriptor}")}
    try:
        os.close(os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_APPEND))
        found["reopen"] = "works"
    except OSError as problem:
        found["reopen"] = errno.errorcode[problem.errno]
    return found


def policy():
    """The policy that the library would take, and whether it is JSON; `palisade check` says whether it is right."""
    text = os.environ.get("PALISADE_POLICY")
    place = "PALISADE_POLICY"
    try:
        if not text:
            named = os.environ.get("PALISADE_POLICY_FILE")
            files = [named] if named else [path for path in ("/var/task/palisade.json", "/opt/palisade/policy.json") if os.path.exists(path)]
            if not files:
                return {"place": "built-in default"}
            place = files[0]
            with open(place, encoding="utf-8") as file:
                text = file.read()
        elif not text.lstrip().startswith("{"):
            packed = base64.b64decode(text)
            text = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
        return {"place": place, "version": json.loads(text)["version"]}
    except (OSError, ValueError, KeyError, TypeError) as problem:
        return {"place": place, "problem": f"{type(problem).__name__}: {problem}"}


def loaded():
    with open("/proc/self/maps", encoding="utf-8") as file:
        return any("libpalisade.so" in line for line in file)


def diagnosis():
    """Everything, as one object."""
    libc.gnu_get_libc_version.restype = ctypes.c_char_p
    return {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "glibc": libc.gnu_get_libc_version().decode(),
        "python": platform.python_version(),
        "runtime": os.environ.get("AWS_EXECUTION_ENV"),
        "user": [os.geteuid(), os.getegid()],
        "home": os.environ.get("HOME"),
        "writable": [folder for folder in ("/", "/tmp", "/dev/shm", "/var/task", "/opt", "/home", "/run") if may_write(folder)],
        "dev_shm": os.path.isdir("/dev/shm"),
        "status": status(),
        "calls": calls(),
        "thread": starts_a_thread(),
        "posix_spawn": starts_a_program(),
        "stdout": stream(1),
        "stderr": stream(2),
        "telemetry_descriptor": os.environ.get("_LAMBDA_TELEMETRY_LOG_FD"),
        "wrapper": os.environ.get("AWS_LAMBDA_EXEC_WRAPPER"),
        "layer": os.path.exists("/opt/palisade/libpalisade.so"),
        "loaded": loaded(),
        "policy": policy(),
    }


def handler(_event, _context):
    found = diagnosis()
    print(json.dumps(found))
    return found


if __name__ == "__main__":
    print(json.dumps(diagnosis(), indent=2))
