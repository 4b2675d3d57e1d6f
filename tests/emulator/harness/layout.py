"""Lays a function and the layer out as Lambda does: /var/task, /opt, /var/runtime, below the sandbox's root."""

import contextlib
import shutil
import sys
import zipfile

from .paths import LIBRARY, REPOSITORY, RUNTIMES, VENV
from .sandbox import make_mount, set_read_only

sys.path.insert(0, str(REPOSITORY / "layer"))
from contents import LayerFile, layer_files  # noqa: E402  (the layer's one definition, which `make layer` packs)


class Layout:
    """The paths a function finds itself at. What is laid replaces what was laid before.

    The layer is what `make build` made, or a zip that `make layer` made.
    """

    def __init__(self, sandbox, layer_zip=None):
        self.layer_zip = layer_zip
        self.task = sandbox.root / "var/task"
        self.runtime = sandbox.root / "var/runtime"
        self.opt = sandbox.root / "opt"
        self.wrapper = self.opt / "palisade-wrapper"
        self.library = self.opt / "palisade/libpalisade.so"
        for folder in (self.task, self.runtime, self.opt):
            folder.mkdir(parents=True, exist_ok=True)
        lang = sandbox.root / "var/lang"
        if not lang.is_symlink():
            lang.symlink_to(VENV)
        lay_bootstrap(self.runtime)
        self.sealable = [self.task, self.opt] if sandbox.isolated else []
        if sandbox.isolated:
            make_mount(self.task)

    @contextlib.contextmanager
    def sealed(self):
        """While a function runs nobody may write to /var/task and /opt, as in Lambda; without namespaces anybody may."""
        try:
            for folder in self.sealable:
                set_read_only(folder, True)
            yield
        finally:
            for folder in self.sealable:
                set_read_only(folder, False)

    def lay_function(self, folder, policy=True):
        """Puts a function's folder under /var/task; `policy=False` leaves its palisade.json out."""
        for entry in self.task.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        left_out = () if policy else ("palisade.json",)
        ignore = shutil.ignore_patterns("__pycache__", *left_out)
        shutil.copytree(folder, self.task, dirs_exist_ok=True, ignore=ignore)

    def lay_layer(self):
        """Puts the layer under /opt, and nothing else of ours: a policy from an earlier test is gone."""
        shutil.rmtree(self.opt / "palisade", ignore_errors=True)
        for file in zipped_files(self.layer_zip) if self.layer_zip else layer_files(LIBRARY):
            target = self.opt / file.name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(file.content)
            target.chmod(file.mode)


BOOTSTRAP = (RUNTIMES / "python/bootstrap", RUNTIMES / "python/bootstrap.py", RUNTIMES / "wrapper-tail")
"""What stands in for AWS's files under /var/runtime of its Python image."""


def lay_bootstrap(runtime):
    """Puts them where a function finds them."""
    for path in BOOTSTRAP:
        shutil.copy(path, runtime)


def zipped_files(path):
    """The files of a layer's zip, with the modes that are noted there."""
    with zipfile.ZipFile(path) as archive:
        return [LayerFile(entry.filename, archive.read(entry), entry.external_attr >> 16 & 0o777) for entry in archive.infolist()]
