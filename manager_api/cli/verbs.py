"""Imports the module of a verb only when the verb is called, so that `tablao` starts fast.

A verb's module has its imports at the top, as usual. `main` does not import it, but names it in a
`Verb`. tests/manager/cli/test_start.py checks which packages each verb loads.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_group


class Verb(TyperCommand):
    """A placeholder for a command, which is imported when it is called.

    Args:
        place: `module:name` of a function, or of a `typer.Typer`, in this package.
        sentence: The first sentence of its help.
        group: The heading in the help of `tablao`.
    """

    def __init__(self, name: str, place: str, sentence: str, group: str) -> None:
        super().__init__(name, help=sentence, rich_help_panel=group)
        self._place = place

    # Typer's own types of commands and contexts are not public.
    def loaded(self) -> Any:
        """Import the command, and return it."""
        module, _, attribute = self._place.partition(":")
        command = getattr(import_module(f"{__package__}.{module}"), attribute)
        holder = typer.Typer()
        if isinstance(command, typer.Typer):
            holder.add_typer(command, name=self.name)
        else:
            holder.command(self.name)(command)
        return get_group(holder).commands[str(self.name)]

    def make_context(self, *args: Any, **options: Any) -> Any:
        return self.loaded().make_context(*args, **options)
