"""Prints the output of `tablao`: results to standard output, all else to standard error.

Names and logs come from others. At a terminal, no character in them may command it, or turn the
direction of a line.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.markup import escape
from rich.table import Table

#: Control characters but the end of a line and the tabulator, and those for the direction of text.
_COMMANDS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_GAP = "  "
#: Wider than any line.
_WIDEST = 100_000
#: The least width of a column that is cut.
_LEAST_CUT = 12


class CommandError(Exception):
    """A command failed. The text is a sentence for the user; the exit code is 1."""


def harmless(text: str) -> str:
    """Return a text in which escapes, as JSON has them, replace what commands a terminal."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(text: str = "") -> None:
    # A file gets what there is.
    typer.echo(harmless(text) if sys.stdout.isatty() else text)


def note(text: str) -> None:
    """Print a text for the user to standard error, so that it does not enter a pipe."""
    typer.echo(harmless(text), err=True)


def show_json(value: Any) -> None:
    typer.echo(harmless(json.dumps(value, indent=2, ensure_ascii=False)))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Escape the cell: a job may be named "[red]", which rich would take for markup.
        table.add_row(*(escape(harmless(str(cell))) for cell in row))
    console = Console()
    if not console.is_terminal:
        # A file or a pipe gets each row on one line.
        console.width = _WIDEST
    console.print(table)


def show_list(
    columns: Sequence[str], rows: Iterable[Sequence[object]], spare: Sequence[str] = ()
) -> None:
    """Print a table with one line for each row. In a terminal, it is made to fit.

    Args:
        columns: their heads. The last column is cut first.
        rows: the cells.
        spare: columns that are left out if there is no room for all, in this order.
    """
    cells = [list(columns), *([_one_line(str(cell)) for cell in row] for row in rows)]
    console = Console()
    if console.is_terminal:
        cells = _without_spare(cells, spare, console.width)
    widths = _widths(cells)
    if console.is_terminal:
        _narrow(widths, console.width)
    for row in cells:
        shown = (_cut(cell, width) for cell, width in zip(row, widths, strict=True))
        padded = (set_cell_size(cell, width) for cell, width in zip(shown, widths, strict=True))
        typer.echo(_GAP.join(padded).rstrip())


def _widths(cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(*cells, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _without_spare(cells: list[list[str]], spare: Sequence[str], room: int) -> list[list[str]]:
    for column in spare:
        *others, last = _widths(cells)
        if _total([*others, min(last, _LEAST_CUT)]) <= room:
            break
        place = cells[0].index(column)
        cells = [[*row[:place], *row[place + 1 :]] for row in cells]
    return cells


def _narrow(widths: list[int], room: int) -> None:
    """Cut the last column, then the widest of the others but the first, which is an id."""
    others = _total([*widths[:-1], 0])
    widths[-1] = min(widths[-1], max(_LEAST_CUT, room - others))
    middle = range(1, len(widths) - 1)
    while middle and _total(widths) > room:
        widest = max(middle, key=lambda place: widths[place])
        if widths[widest] <= _LEAST_CUT:
            break
        widths[widest] -= 1


def _one_line(text: str) -> str:
    """Return the text without line breaks and without what would control a terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def shortened(text: str, width: int = 14) -> str:
    """Return the text for a column that is not the last one."""
    return _cut(text, width)


def ago(moment: str, now: datetime | None = None) -> str:
    """Return how long ago a time in ISO 8601 was: `now`, `45 s`, `12 min`, `3 h`, `5 days`."""
    if not moment:
        return ""
    seconds = int(((now or datetime.now(UTC)) - datetime.fromisoformat(moment)).total_seconds())
    if seconds < 5:
        return "now"
    for unit, length, until in (("s", 1, 90), ("min", 60, 5400), ("h", 3600, 172800)):
        if seconds < until:
            return f"{seconds // length} {unit}"
    return f"{seconds // 86400} days"


def show_fields(fields: Iterable[tuple[str, object]]) -> None:
    filled = [(label, harmless(str(value))) for label, value in fields if value not in (None, "")]
    width = max(len(label) for label, _ in filled) + 2
    for label, value in filled:
        typer.echo(f"{label:<{width}}{value}")
