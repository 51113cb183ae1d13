"""The environment of commands. Standard library only."""

import os
from collections.abc import Mapping

from worker_host.processes import program_names, variable_name

#: Holds the run's key in each of its processes, so that a killed run's leftovers can be found.
RUN_MARK = "TABLAO_RUN"

# Debian's Blender uses the first python3 on PATH, and fails with one of a virtual environment.
_PYTHONS_OWN = (
    "VIRTUAL_ENV",
    "VIRTUAL_ENV_PROMPT",
    "PYTHONHOME",
    "PYTHONPATH",
    "__PYVENV_LAUNCHER__",
)
#: Secrets that the host's own environment may hold, which no command needs.
_SECRETS = ("TABLAO_JOIN_TOKEN", "TABLAO_TOKEN")
#: Where systemd listens to the host, and to no command.
_SERVICES = ("NOTIFY_SOCKET",)


def clean_environment(
    inherited: Mapping[str, str], extra: Mapping[str, str], mark: str
) -> dict[str, str]:
    """Return the inherited environment with `extra` and the mark added.

    The host's own Python and its secrets are left out.
    """
    environment = without_own(inherited)
    directories = environment.get("PATH", os.defpath).split(os.pathsep)
    kept = [directory for directory in directories if not _is_of_virtual_environment(directory)]
    environment["PATH"] = os.pathsep.join(kept)
    added = {variable_name(key): value for key, value in extra.items()}
    return {**environment, **added, RUN_MARK: mark}


def without_own(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables of the host's Python, secrets and service."""
    left_out = (*_PYTHONS_OWN, *_SECRETS, *_SERVICES)
    return {key: value for key, value in inherited.items() if key not in left_out}


def _is_of_virtual_environment(directory: str) -> bool:
    return os.path.exists(os.path.join(directory, os.pardir, "pyvenv.cfg"))


def find_program(name: str, environment: Mapping[str, str]) -> str | None:
    """Return the program's file: `name` itself if it has a directory part, or else one on PATH."""
    directories = [""]
    if not os.path.dirname(name):
        directories = environment.get("PATH", os.defpath).split(os.pathsep)
    candidates = (
        os.path.join(directory, each) for directory in directories for each in program_names(name)
    )
    return next((path for path in candidates if _is_program(path)), None)


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
