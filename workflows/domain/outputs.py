"""Where a job's frames go: a folder of its own by the time of its submission, or a path as given.

Source: Flamenco's setting `render_output_path`, in which `{timestamp}` stands for that time.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

OUTPUT = "render_output_path"
TIMESTAMP = "{timestamp}"


def timestamp(created: datetime, number: int = 1) -> str:
    """Return the text for `{timestamp}`, which differs for each number, from 1."""
    text = created.strftime("%Y-%m-%d_%H%M%S")
    return text if number == 1 else f"{text}-{number}"


def has_own_folder(settings: Mapping[str, Any]) -> bool:
    """Return whether the output path has `{timestamp}`, so that no two jobs may share it."""
    return TIMESTAMP in str(settings.get(OUTPUT, ""))


def with_timestamp(settings: Mapping[str, Any], created: datetime, number: int) -> dict[str, Any]:
    """Return the settings with the time in the output path."""
    if not has_own_folder(settings):
        return dict(settings)
    path = str(settings[OUTPUT]).replace(TIMESTAMP, timestamp(created, number))
    return {**settings, OUTPUT: path}


def output_digest(settings: Mapping[str, Any]) -> str | None:
    """Return a digest of the output path; None if the settings name none."""
    path = settings.get(OUTPUT)
    if not isinstance(path, str) or not path:
        return None
    return hashlib.sha256(path.replace("\\", "/").encode("utf-8", "replace")).hexdigest()
