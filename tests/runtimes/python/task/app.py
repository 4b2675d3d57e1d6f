"""Every public way in Python's standard library to start a program, resolve a name, connect, listen, open and change files.

An event names one act and gives it a target; the act does it and returns what proves that it was done: the text that the
program printed, the address, the server's `pong`, the port, the file's content. `{"act": "list"}` gives them all.
"""

import subprocess
import types
import urllib.error

# Each puts its acts on the list.
import connections  # noqa: F401
import honest  # noqa: F401
import listeners  # noqa: F401
import names  # noqa: F401
import programs  # noqa: F401
import reads  # noqa: F401
import writes  # noqa: F401
from acts import ACTS, Refused


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
