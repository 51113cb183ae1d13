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
    """Its text is a sentence for the artist."""


def save_preset(folder: Path, job_type: str, name: str, settings: Mapping[str, Any]) -> None:
    """In place of one of the same name.

    Raises:
        PresetError: no name, or the folder cannot be written.
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
    """In alphabetical order."""
    files = _folder_of(folder, job_type).glob(f"*{_SUFFIX}")
    return tuple(sorted((unquote(file.stem) for file in files), key=str.lower))


def load_preset(folder: Path, job_type: JobType, name: str) -> dict[str, Value]:
    """Values for the settings that the job type still has, and that they still fit.

    Raises:
        PresetError: there is no such preset.
    """
    try:
        kept = json.loads(_file(folder, job_type.name, name).read_text(encoding="utf-8"))
        settings = dict(kept["settings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PresetError(f"The preset “{name}” cannot be read: save it anew") from error
    fitting: dict[str, Value] = {}
    for setting in job_type.settings:
        # A job type changes over the years; what of a preset still fits is still of use.
        with suppress(NotAValue):
            if setting.key in settings:
                fitting[setting.key] = setting.coerce(settings[setting.key])
    return fitting


def delete_preset(folder: Path, job_type: str, name: str) -> None:
    """
    Raises:
        PresetError: it cannot be deleted. One that is not there is none the worse.
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
    # No separators, no dots, and nothing that some file system keeps for itself.
    return quote(name, safe=" ").replace(".", "%2E")
