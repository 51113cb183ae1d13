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
    Console().print(table)


def show_list(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table with one line for each row. In a terminal, the last column is cut to fit."""
    cells = [list(columns), *([_one_line(str(cell)) for cell in row] for row in rows)]
    widths = [max(cell_len(row[place]) for row in cells) for place in range(len(columns))]
    console = Console()
    if console.is_terminal:
        others = sum(width + len(_GAP) for width in widths[:-1])
        widths[-1] = min(widths[-1], max(_LEAST_CUT, console.width - others))
    for row in cells:
        row[-1] = _cut(row[-1], widths[-1])
        padded = (set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True))
        typer.echo(_GAP.join(padded).rstrip())


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
