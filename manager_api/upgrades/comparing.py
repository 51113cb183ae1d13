"""Compares versions with the manager's, and says what to do about a difference.

Versions are compared as Python's packages are (`packaging`): 0.10.0 is newer than 0.9.1, and
0.2.0rc1 is older than 0.2.0.
"""

import re
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from manager_api.contract.versions import Standing
from manager_api.version import NAME

#: Longer words are no versions, and are cut where they are shown.
LONGEST_VERSION = 64
_OURS = f"{NAME} "
_ELLIPSIS = "…"

_WORKER_ADVICE = {
    Standing.OLDER: "They go on with their tasks, without what is new in the manager. Upgrade "
    "them; they render meanwhile. Where that is not possible, install the manager's version by "
    "hand.",
    Standing.NEWER: "Managers are upgraded first: upgrade the manager, or install its version on "
    "these workers.",
    Standing.UNKNOWN: "This cannot be compared with the manager's version. If the machine runs "
    "Tablao, install that version there.",
}
_MANAGER_ADVICE = {
    Standing.OLDER: "Older than this manager, which has migrated the database. Stop it, install "
    "this version, and start it.",
    Standing.NEWER: "Newer than this manager, and has migrated the database. Upgrade this manager.",
}


class Compared(NamedTuple):
    version: str
    """As it is shown."""
    standing: Standing
    order: Version
    """For sorting; the lowest version where the text is none."""


def compared_worker(software: str, manager: str, *, is_http: bool) -> Compared:
    """Compare what a worker says of its software.

    Args:
        software: such as `Tablao 0.1.0`, or `3.5` of a Flamenco Worker; any text of a stranger.
        manager: the manager's version.
        is_http: whether it asks for tasks as a Flamenco Worker does.
    """
    if software.startswith(_OURS):
        return _compared(software.removeprefix(_OURS), manager)
    version = _version(software)
    if version is not None or (is_http and software):
        shown = f"Flamenco {_shown(software)}"
        return Compared(shown, Standing.FLAMENCO, version or _LOWEST)
    return Compared(_shown(software), Standing.UNKNOWN, _LOWEST)


def compared_manager(version: str, manager: str) -> Compared:
    return _compared(version, manager)


def worker_advice(standing: Standing) -> str:
    return _WORKER_ADVICE.get(standing, "")


def manager_advice(standing: Standing) -> str:
    return _MANAGER_ADVICE.get(standing, "")


def _compared(said: str, manager: str) -> Compared:
    version, ours = _version(said), Version(manager)
    if version is None:
        return Compared(_shown(said), Standing.UNKNOWN, _LOWEST)
    if version == ours:
        return Compared(_shown(said), Standing.SAME, version)
    return Compared(_shown(said), Standing.OLDER if version < ours else Standing.NEWER, version)


def _version(text: str) -> Version | None:
    if len(text) > LONGEST_VERSION:
        return None
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _shown(text: str) -> str:
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= LONGEST_VERSION else line[: LONGEST_VERSION - 1] + _ELLIPSIS


_LOWEST = Version("0.dev0")
