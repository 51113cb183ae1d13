"""Paths in the settings: their variables, and `~`."""

from pathlib import Path

from manager_api.settings.platforms import managers_platform
from manager_api.settings.sections import Variable
from workflows.domain.variables import DEFAULT_VARIABLES, Variables
from workflows.domain.variables import Variable as DomainVariable


def expanded_path(path: str, variables: dict[str, Variable]) -> str:
    """Return a path of the manager with its variables replaced for the manager's platform.

    Raises:
        ValueError: a variable in it does not exist or has no value; the message is a sentence.
    """
    defined = Variables(tuple(with_defaults(variables)))
    return defined.in_own_path(path, managers_platform())


def of_user(path: Path) -> Path:
    """Return a path with the home directory in place of `~`.

    Raises:
        ValueError: the home directory is not known; the message is a sentence.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"the home directory of {path.parts[0]} is not known") from error


def with_defaults(variables: dict[str, Variable]) -> list[DomainVariable]:
    configured = [variable.named(name) for name, variable in variables.items()]
    return [*(v for v in DEFAULT_VARIABLES if v.name not in variables), *configured]
