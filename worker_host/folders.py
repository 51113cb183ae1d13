"""The folders that a command writes, and the storages that they are in. Standard library only."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from worker_host.commands.parameters import CommandFailed, texts, words
from worker_host.disks import cause_of
from workflows.domain.blender_arguments import output_of
from workflows.domain.fault_rules import NO_BLEND_FILE, STORAGE_MISSING
from workflows.domain.faults import Cause
from workflows.domain.storage_marker import LONGEST, NAME, SharedStorage, id_in

#: The parameters of commands that name a file or a folder to write.
_WRITTEN = {
    "frames-to-video": "outputFile",
    "make-directory": "path",
    "move-directory": "dest",
    "copy-file": "dest",
}


def written_by(name: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the folders that a command writes, as far as its parameters name them in full."""
    path = (
        _output(parameters) if name == "blender-render" else parameters.get(_WRITTEN.get(name, ""))
    )
    if not isinstance(path, str) or not os.path.isabs(path) or path.startswith("//"):
        return []
    return [os.path.dirname(path)]


def _output(parameters: Mapping[str, Any]) -> str:
    try:
        return output_of([*words(parameters, "exeArgs"), *texts(parameters, "args")])
    except CommandFailed:
        return ""


def storage_trouble(storage: SharedStorage, written: Iterable[str]) -> Cause | None:
    """Return that the shared storage is not there, if one of the folders is in it."""
    if not storage.id or not any(_is_below(folder, storage.path) for folder in written):
        return None
    if sees(storage):
        return None
    return Cause(STORAGE_MISSING, f"{storage.path} has no marker {NAME}")


def why_no_file(path: str, storage: SharedStorage) -> Cause | None:
    """Return why a blend file is not there; None if other machines may have it.

    A storage that is not mounted leaves an empty folder, or none at all.
    """
    folder, name = os.path.split(path)
    if not os.path.isabs(path):
        return None
    if trouble := storage_trouble(storage, [folder]):
        return trouble
    try:
        # This also makes a client of a network storage ask for the folder's content.
        names = os.listdir(folder)
    except OSError as error:
        return cause_of(error, folder)
    is_surely_there = bool(names) or (storage.id and _is_below(folder, storage.path))
    return Cause(NO_BLEND_FILE) if is_surely_there and name not in names else None


def sees(storage: SharedStorage) -> bool:
    """Return whether the shared storage is there, by its marker; True if it is not known."""
    if not storage.id:
        return True
    path = os.path.join(storage.path, NAME)
    try:
        if not os.path.isfile(path):  # opening a pipe would wait for ever
            return False
        with open(path, "rb") as marker:
            return id_in(marker.read(LONGEST)) == storage.id
    except OSError:
        return False


def _is_below(folder: str, storage: str) -> bool:
    try:
        return os.path.commonpath([folder, storage]) == os.path.normpath(storage)
    except ValueError:  # on another drive
        return False
