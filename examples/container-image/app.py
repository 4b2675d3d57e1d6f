"""A function in a container image. `run` holds a weakness that is common in real functions, left in on purpose."""

import subprocess


def handler(event, context):
    """Greets, or runs what it is told (CWE-78)."""
    if "run" in event:
        return subprocess.run(event["run"], shell=True, capture_output=True, text=True).stdout
    return f"Hello, {event.get('name', 'world')}"
