"""Reads a command's parameters, as Flamenco does."""

from collections.abc import Mapping
from typing import Any

from workflows.domain.exit_codes import said_of_code
from workflows.domain.shell_words import shell_words


class CommandFailed(Exception):
    """The command has failed, and so has its task; the text says why."""


class StorageMissing(CommandFailed):
    """The shared storage, which the command writes to, is not there."""


class BlendFileMissing(CommandFailed):
    """The blend file is not there, for this machine at least."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(problem)
        self.path = path


class ProgramMissing(CommandFailed):
    """The command's program is not there, or cannot be started."""


class ProgramFailed(CommandFailed):
    """A program has ended with an exit code other than 0, or by a signal."""

    def __init__(self, code: int, reason: str = "") -> None:
        self.code = code
        said = f"command exited abnormally with code {code}{said_of_code(code)}"
        super().__init__(f"{reason} ({said})" if reason else said)

    def with_reason(self, reason: str) -> "ProgramFailed":
        return ProgramFailed(self.code, reason)


def text(parameters: Mapping[str, Any], name: str, *, may_be_empty: bool = False) -> str:
    """Return a required string."""
    value = _mandatory(parameters, name)
    if not isinstance(value, str):
        raise CommandFailed(f'parameter "{name}" must be a text, not {value!r}')
    if "\0" in value or not (value or may_be_empty):
        raise CommandFailed(f'parameter "{name}" is not usable: {value!r}')
    return value


def number(parameters: Mapping[str, Any], name: str) -> float:
    """Return a required number."""
    value = _mandatory(parameters, name)
    # JSON's true becomes a Python int.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CommandFailed(f'parameter "{name}" must be a number, not {value!r}')
    return value


def texts(parameters: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of scalars, each as text; a missing list is empty."""
    values = parameters.get(name)
    if values is None:
        return []
    if not isinstance(values, list):
        raise CommandFailed(f'parameter "{name}" must be a list, not {values!r}')
    return [_scalar(value, name) for value in values]


def words(parameters: Mapping[str, Any], name: str) -> list[str]:
    """Return a string, split into words as Flamenco does; a missing one is empty."""
    line = parameters.get(name) or ""
    if not isinstance(line, str):
        raise CommandFailed(f'parameter "{name}" must be a text, not {line!r}')
    try:
        return shell_words(line)
    except ValueError as error:
        raise CommandFailed(f'parameter "{name}" cannot be split: {error}') from error


def shown_number(value: float) -> str:
    """Return a number as text without a needless fraction: 24, 23.976."""
    return str(int(value)) if value == int(value) else repr(value)


def _mandatory(parameters: Mapping[str, Any], name: str) -> Any:
    if parameters.get(name) is None:
        raise CommandFailed(f'parameter "{name}" is missing')
    return parameters[name]


def _scalar(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return shown_number(value)
    if isinstance(value, str) and "\0" not in value:
        return value
    raise CommandFailed(f'parameter "{name}" must hold texts and numbers, not {value!r}')
