"""Prints the output of `tablao`: results to standard output, all else to standard error.

Names and logs come from others. At a terminal, no character in them may command it, or turn the
direction of a line.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

#: Control characters but the end of a line and the tabulator, and those for the direction of text.
_COMMANDS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


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


def show_fields(fields: Iterable[tuple[str, object]]) -> None:
    filled = [(label, harmless(str(value))) for label, value in fields if value not in (None, "")]
    width = max(len(label) for label, _ in filled) + 2
    for label, value in filled:
        typer.echo(f"{label:<{width}}{value}")
