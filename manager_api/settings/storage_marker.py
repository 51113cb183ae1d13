"""Marks the shared storage, so that hosts see whether it is there (`workflows.domain`)."""

import json
import logging
import os
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from manager_api.settings.model import ManagerSettings
from workflows.domain.storage_marker import LONGEST, NAME, id_in

logger = logging.getLogger(__name__)

#: The manager's note in its data directory: the marker's id by the path of the storage.
_NOTE = "shared-storage.json"


def mark(settings: ManagerSettings) -> None:
    """Put the marker into the shared storage, if it has none.

    A storage that had a marker and is an empty folder now is not marked again: it is probably not
    mounted. For a new storage at the same path, delete the note in the data directory.
    """
    marked_id.cache_clear()
    storage = settings.shared_storage_path
    note = note_of(settings.data_dir)
    known = marked_id(settings.data_dir, storage)
    marker = storage / NAME
    found = found_id(storage)
    if not found and known and not _has_files(storage):
        logger.warning(
            "The shared storage %s is an empty folder, but it had files: is it mounted? "
            "If it is a new storage, delete %s.",
            storage,
            note,
        )
        return
    try:
        if not found:
            found = known or str(uuid4())
            _write(marker, f"{found}\n", 0o644)
        if found != known:
            _write(note, json.dumps({str(storage): found}), 0o600)
    except OSError as error:
        logger.warning("hosts cannot see whether the shared storage is there: %s", error)
    marked_id.cache_clear()


def note_of(data_dir: Path) -> Path:
    """Return the file in which the manager notes the markers that it has written."""
    return data_dir / _NOTE


def found_id(storage: Path) -> str:
    """Return the id in a storage's marker; empty if it has none.

    Workers can write to the storage: a pipe in the marker's place must not stop the manager.
    """
    marker = storage / NAME
    try:
        if not marker.is_file():
            return ""
        with marker.open("rb") as file:
            return id_in(file.read(LONGEST))
    except OSError:
        return ""


def marked_storage(settings: ManagerSettings) -> tuple[str, str]:
    """Return the storage's path, and the id in its marker; an empty id if it has none."""
    storage = settings.shared_storage_path
    return str(storage), marked_id(settings.data_dir, storage)


@lru_cache(maxsize=16)
def marked_id(data_dir: Path, storage: Path) -> str:
    """Return the id that the storage's marker has, by the manager's note; empty without a note."""
    try:
        content = json.loads(note_of(data_dir).read_bytes())
    except (OSError, ValueError):
        return ""
    return str(content.get(str(storage), "")) if isinstance(content, dict) else ""


def _has_files(folder: Path) -> bool:
    try:
        # Folders for jobs and files are made at each start.
        return any(files for _, _, files in os.walk(folder))
    except OSError:
        return False


def _write(path: Path, text: str, mode: int) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(text)
    os.replace(draft, path)
