"""The files that a job needs, and the place of each in the pack."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MissingFile:
    """A file that a .blend file refers to, and that does not exist."""

    path: str
    used_by: str
    """The .blend file that refers to it, and the data-block if that is known."""


@dataclass(frozen=True)
class PackedFile:
    source: Path
    target: str
    """Its path below the pack's root, with forward slashes."""


@dataclass(frozen=True)
class Pack:
    blendfile: str
    """The file to render: its path below the pack's root, with forward slashes."""
    files: tuple[PackedFile, ...]
