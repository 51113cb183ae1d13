"""Finds the files of a sequence, and those that a pattern stands for; standard library only."""

import re
from collections.abc import Iterator
from pathlib import Path


def numbered_like(first: Path) -> Iterator[Path]:
    """Yield all files of a sequence, whatever frames are rendered: their names differ by a number.

    As in Blender, this is the last number before the file's ending: `plate_0001_left.jp2`.
    """
    number = re.search(r"\d+(?=\D*$)", first.stem)
    if number is None:
        yield first
        return
    before, after = first.stem[: number.start()], first.stem[number.end() :]
    like = rf"{re.escape(before)}\d+{re.escape(after + first.suffix)}"
    yield from _matching(first.parent, like)


def standing_for(pattern: Path) -> Iterator[Path]:
    """Yield the files that match a name with `*` or `<UDIM>`. Other characters match themselves."""
    parts = re.split(r"\*|<UDIM>", pattern.name)
    yield from _matching(pattern.parent, ".*".join(map(re.escape, parts)))


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    like = re.compile(pattern)
    if folder.is_dir():
        yield from sorted(
            path for path in folder.iterdir() if like.fullmatch(path.name) and path.is_file()
        )
