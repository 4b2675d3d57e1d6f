"""Where a function of a runtime lies while it runs: the harness's layout with the runtime's own /var/lang and /var/runtime."""

import contextlib
import shutil
import threading

from harness.emulator import Emulator

from runtimes import HERE


class Place:
    """A laid out function of one runtime; the emulator takes it for its layout."""

    def __init__(self, layout, runtime):
        self.layout = layout
        self.name = runtime.name
        self.handler = runtime.handler
        self.lang = runtime.parts / "lang"
        self.parts = runtime.parts
        self.lock, self.running = threading.Lock(), 0
        self.task, self.runtime, self.opt, self.wrapper = layout.task, layout.runtime, layout.opt, layout.wrapper

    def lay(self, task=None):
        """Puts the runtime, its function (or another, of the folder `task`) and the layer in place of whatever was there."""
        lang = self.runtime.parent / "lang"
        lang.unlink(missing_ok=True)
        lang.symlink_to(self.lang.resolve())
        empty(self.runtime)
        shutil.copytree(self.parts / "runtime", self.runtime, dirs_exist_ok=True)
        shutil.copy(HERE / "wrapper-tail", self.runtime)
        self.layout.lay_function(task or self.parts / "task")
        self.layout.lay_layer()

    @contextlib.contextmanager
    def sealed(self):
        """As the layout's: nobody may write to /var/task and /opt while any of the place's functions runs."""
        with self.lock:
            self.running += 1
            if self.running == 1:
                self.seal = self.layout.sealed()
                self.seal.__enter__()
        try:
            yield
        finally:
            with self.lock:
                self.running -= 1
                if self.running == 0:
                    self.seal.__exit__(None, None, None)


def empty(folder):
    """Removes all that is in a folder."""
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


STARTING = threading.Lock()
"""One start at a time: between finding a free port and listening on it nobody else may find the same."""


@contextlib.contextmanager
def function(place, environment=None, wrapper=True):
    """The laid out function under the emulator; `wrapper` as in AWS_LAMBDA_EXEC_WRAPPER, `True` for Palisade's."""
    chosen = place.wrapper if wrapper is True else wrapper
    with contextlib.ExitStack() as stack:
        with STARTING:
            emulator = Emulator(place, environment, chosen, name=f"probe-{place.name}", handler=place.handler)
            running = stack.enter_context(emulator)
        yield running
