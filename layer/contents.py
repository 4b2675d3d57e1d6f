"""What is in the layer: every file under /opt, with its mode. `make layer` packs it, the emulator tests lay it out."""

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass
class LayerFile:
    """A file of the layer: its name below /opt, its bytes, its mode."""

    name: str
    content: bytes
    mode: int


def layer_files(library):
    """The layer's files around a built `libpalisade.so`, sorted by name."""
    return [
        LayerFile("palisade-wrapper", (REPOSITORY / "wrapper-script/palisade-wrapper").read_bytes(), 0o755),
        # Beneath a folder of our own: layers share /opt, and a later one overwrites what has the same name.
        LayerFile("palisade/LICENSE", (REPOSITORY / "LICENSE").read_bytes(), 0o644),
        LayerFile("palisade/libpalisade.so", Path(library).read_bytes(), 0o755),
    ]
