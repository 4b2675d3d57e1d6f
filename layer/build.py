"""`make layer`: `dist/palisade-layer-x86_64.zip` and `-arm64.zip`, laid out as they lie under /opt, the same bytes for the same sources.

`build.py arm64` makes that one only.
"""

import hashlib
import io
import stat
import sys
import zipfile

from contents import REPOSITORY, layer_files
from library import MACHINES, CannotBuild, build

# The earliest that a zip can say. The build's own time would make every build another file.
MOMENT = (1980, 1, 1, 0, 0, 0)


def pack(files):
    """The zip of the layer's files. Nothing of it depends on when, where or as whom it was made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.name, MOMENT)
            entry.create_system = 3  # Unix, which says that the upper half of external_attr is a mode
            entry.external_attr = (stat.S_IFREG | file.mode) << 16
            # Stored: the compressor's output may differ between versions of zlib, and with it the layer's hash.
            entry.compress_type = zipfile.ZIP_STORED
            archive.writestr(entry, file.content)
    return out.getvalue()


def layer_of(machine):
    """Where the zip for an architecture lies."""
    return REPOSITORY / f"dist/palisade-layer-{machine.name}.zip"


def main(names):
    for machine in [MACHINES[name] for name in names or MACHINES]:
        try:
            library = build(REPOSITORY, machine)
        except CannotBuild as problem:
            return f"layer: {problem}"
        content = pack(layer_files(library))
        layer = layer_of(machine)
        layer.parent.mkdir(exist_ok=True)
        layer.write_bytes(content)
        print(f"{layer.relative_to(REPOSITORY)}  {len(content):,} bytes  sha256 {hashlib.sha256(content).hexdigest()}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
