"""What a job takes along: which files, and where each of them goes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MissingFile:
    """What a .blend file refers to, and is not there."""

    path: str
    used_by: str
    """The .blend file that refers to it, and by which data-block if that is known."""


@dataclass(frozen=True)
class PackedFile:
    source: Path
    target: str
    """Below the pack's root, with forward slashes."""


@dataclass(frozen=True)
class Pack:
    blendfile: str
    """Below the pack's root, with forward slashes: the file to render."""
    files: tuple[PackedFile, ...]
