"""Which files belong to one that has a number, or stands for several; standard library only."""

import re
from collections.abc import Iterator
from pathlib import Path


def numbered_like(first: Path) -> Iterator[Path]:
    """All of a sequence, whatever frames are rendered: the same name with another number.

    The number is the last one before the ending, as Blender has it: `plate_0001_left.jp2`.
    """
    number = re.search(r"\d+(?=\D*$)", first.stem)
    if number is None:
        yield first
        return
    before, after = first.stem[: number.start()], first.stem[number.end() :]
    like = rf"{re.escape(before)}\d+{re.escape(after + first.suffix)}"
    yield from _matching(first.parent, like)


def standing_for(pattern: Path) -> Iterator[Path]:
    """What a name with `*` or `<UDIM>` in it means. Nothing else in it has a meaning."""
    parts = re.split(r"\*|<UDIM>", pattern.name)
    yield from _matching(pattern.parent, ".*".join(map(re.escape, parts)))


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    like = re.compile(pattern)
    if folder.is_dir():
        yield from sorted(
            path for path in folder.iterdir() if like.fullmatch(path.name) and path.is_file()
        )
