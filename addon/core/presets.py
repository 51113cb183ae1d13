"""Named sets of a job type's settings, each a JSON file in a folder of its job type."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from .job_types import JobType
from .setting_values import NotAValue, Value

_SUFFIX = ".json"
_LONGEST_NAME = 60


class PresetError(Exception):
    """A preset cannot be used. The text is a sentence for the artist."""


def save_preset(folder: Path, job_type: str, name: str, settings: Mapping[str, Any]) -> None:
    """Save a preset, and replace one of the same name.

    Raises:
        PresetError: the name is empty or too long, or the folder cannot be written.
    """
    file = _file(folder, job_type, name)
    new = file.with_name(f"{file.name}.{os.getpid()}~")
    text = json.dumps({"job_type": job_type, "settings": dict(settings)}, indent=1)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(text, encoding="utf-8")
        new.replace(file)
    except OSError as error:
        raise PresetError(f"The preset cannot be saved: {error.strerror}") from error
    finally:
        with suppress(OSError):
            new.unlink()


def preset_names(folder: Path, job_type: str) -> tuple[str, ...]:
    """Return the names of a job type's presets, in alphabetical order."""
    files = _folder_of(folder, job_type).glob(f"*{_SUFFIX}")
    return tuple(sorted((unquote(file.stem) for file in files), key=str.lower))


def load_preset(folder: Path, job_type: JobType, name: str) -> dict[str, Value]:
    """Return a preset's values, without those that the job type no longer has or accepts.

    Raises:
        PresetError: the preset does not exist, or cannot be read.
    """
    try:
        kept = json.loads(_file(folder, job_type.name, name).read_text(encoding="utf-8"))
        settings = dict(kept["settings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PresetError(f"The preset “{name}” cannot be read: save it again") from error
    fitting: dict[str, Value] = {}
    for setting in job_type.settings:
        # A job type changes over the years. Values that still fit are still useful.
        with suppress(NotAValue):
            if setting.key in settings:
                fitting[setting.key] = setting.coerce(settings[setting.key])
    return fitting


def delete_preset(folder: Path, job_type: str, name: str) -> None:
    """Delete a preset. It need not exist.

    Raises:
        PresetError: the preset cannot be deleted.
    """
    try:
        _file(folder, job_type, name).unlink(missing_ok=True)
    except OSError as error:
        raise PresetError(f"The preset “{name}” cannot be deleted: {error.strerror}") from error


def _folder_of(folder: Path, job_type: str) -> Path:
    return folder / _file_name(job_type)


def _file(folder: Path, job_type: str, name: str) -> Path:
    name = name.strip()
    if not name:
        raise PresetError("A preset needs a name")
    if len(name) > _LONGEST_NAME:
        raise PresetError(f"A preset's name has at most {_LONGEST_NAME} characters")
    return _folder_of(folder, job_type) / f"{_file_name(name)}{_SUFFIX}"


def _file_name(name: str) -> str:
    # Quote separators, dots, and characters that a file system may reserve.
    return quote(name, safe=" ").replace(".", "%2E")
