"""Makes a job type from a script's `JOB_TYPE`, or a sentence that says what is wrong with it."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from manager_api.contract.job_types import AvailableJobSetting
from workflows.domain.job_types.definitions import (
    AuthoredTask,
    JobType,
    Setting,
    SettingType,
    SubmittedJob,
)

#: Every client gets the full text of all job types, so each must be short.
MAX_BYTES = 2**20
MAX_SETTINGS = 1_000


class BadJobType(Exception):
    """A script's `JOB_TYPE` is wrong. The message is a sentence without a final stop."""


def declared_job_type(
    name: str,
    declared: Any,
    compile_job: Callable[[SubmittedJob], list[AuthoredTask]],
    source: str,
) -> JobType:
    """Return the job type that a script declares.

    Raises:
        BadJobType: `declared` does not have the form that clients expect.
    """
    if declared is None:
        raise BadJobType("it defines no JOB_TYPE")
    if not isinstance(declared, dict):
        raise BadJobType("JOB_TYPE must be an object with a label and settings")
    _check_sayable(declared)
    settings = declared.get("settings", [])
    if not isinstance(settings, list):
        raise BadJobType("JOB_TYPE.settings must be a list")
    if len(settings) > MAX_SETTINGS:
        raise BadJobType(f"JOB_TYPE has more than {MAX_SETTINGS:,} settings")
    return JobType(
        name=name,
        label=_text(declared, "label") or name,
        description=_text(declared, "description"),
        settings=_settings(settings),
        compile_job=compile_job,
        source=source,
        is_script=True,
    )


def _check_sayable(declared: Mapping[str, Any]) -> None:
    try:
        told = json.dumps(declared, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as problem:
        raise BadJobType("JOB_TYPE must be valid Unicode") from problem
    except ValueError as problem:
        raise BadJobType("JOB_TYPE must not hold infinite numbers or NaN") from problem
    if len(told) > MAX_BYTES:
        raise BadJobType(f"JOB_TYPE is longer than {MAX_BYTES // 2**20} MB")


def _text(declared: Mapping[str, Any], key: str) -> str | None:
    text = declared.get(key)
    if text is None or isinstance(text, str):
        return text
    raise BadJobType(f"JOB_TYPE.{key} must be a text")


def _settings(declared: list[Any]) -> tuple[Setting, ...]:
    settings = tuple(_setting(number, setting) for number, setting in enumerate(declared, 1))
    counts = Counter(setting.key for setting in settings)
    twice = sorted(key for key, count in counts.items() if count > 1)
    if twice:
        raise BadJobType(f'JOB_TYPE has the setting "{twice[0]}" twice')
    return settings


def _setting(number: int, declared: Any) -> Setting:
    if not isinstance(declared, dict):
        raise BadJobType(f"setting {number} of JOB_TYPE must be an object")
    try:
        setting = AvailableJobSetting.model_validate(_completed(declared))
    except ValidationError as problem:
        raise BadJobType(_sentence(number, declared, problem)) from problem
    if not setting.key:
        raise BadJobType(f"setting {number} of JOB_TYPE needs a key")
    return Setting(
        key=setting.key,
        type=SettingType(setting.type),
        choices=tuple(setting.choices or ()),
        required=bool(setting.required),
        declared=setting.model_dump(mode="json", exclude_none=True),
    )


def _completed(declared: dict[str, Any]) -> dict[str, Any]:
    """Add the values that Flamenco sends to clients when a script leaves them out."""
    info = declared.get("evalInfo")
    if not isinstance(info, dict):
        return declared
    return declared | {"evalInfo": {"showLinkButton": False, "description": "", **info}}


def _sentence(number: int, declared: Mapping[str, Any], problem: ValidationError) -> str:
    first = problem.errors()[0]
    field = ".".join(map(str, first["loc"]))
    key = declared.get("key")
    which = f'the setting "{key}"' if isinstance(key, str) and key else f"setting {number}"
    if first["type"] == "missing":
        return f"{which} of JOB_TYPE has no {field}"
    message = first["msg"][0].lower() + first["msg"][1:]
    return f"{which} of JOB_TYPE: {field}: {message}"
