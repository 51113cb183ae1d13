"""Writes sets of task indexes as text, such as `1-4,9`. Both ends of a range are included."""

from collections.abc import Iterable, Iterator


def format_ranges(indexes: Iterable[int]) -> str:
    """Return the indexes as text; empty for none.

    Args:
        indexes: ascending, without repeats.
    """
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in _runs(indexes))


def parse_ranges(text: str) -> list[range]:
    """Return the indexes in a text; the inverse of `format_ranges`.

    Raises:
        ValueError: the text is not range-coded.
    """
    if not text:
        return []
    return [_parse_one(part) for part in text.split(",")]


def indexes_in(text: str) -> Iterator[int]:
    for part in parse_ranges(text):
        yield from part


def _parse_one(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)


def _runs(indexes: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for index in indexes:
        if last is not None and index == last + 1:
            last = index
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = index
    if first is not None and last is not None:
        yield first, last
