"""Prints the output of `tablao`: results to standard output, all else to standard error."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table


class CommandError(Exception):
    """A command failed. The text is a sentence for the user; the exit code is 1."""


def say(text: str = "") -> None:
    typer.echo(text)


def note(text: str) -> None:
    """Print a text for the user to standard error, so that it does not enter a pipe."""
    typer.echo(text, err=True)


def show_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Escape the cell: a job may be named "[red]", which rich would take for markup.
        table.add_row(*(escape(str(cell)) for cell in row))
    Console().print(table)


def show_fields(fields: Iterable[tuple[str, object]]) -> None:
    filled = [(label, str(value)) for label, value in fields if value not in (None, "")]
    width = max(len(label) for label, _ in filled) + 2
    for label, value in filled:
        typer.echo(f"{label:<{width}}{value}")
