"""Checks that submitted settings are as the job type declares them.

Flamenco checks none of this, so that a job type fails when it meets a missing setting. We refuse
with a sentence, but only settings that cannot work: undeclared settings are kept.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from workflows.domain.job_types.definitions import CompileError, JobType, Setting, SettingType

_INT32 = range(-(2**31), 2**31)


def check_settings(job_type: JobType, settings: Mapping[str, Any]) -> None:
    """Check the settings; null counts as missing.

    Required settings may be missing if the job type compiles without them.

    Raises:
        CompileError: a setting is missing, of the wrong type, or not one of its choices. The
            message names the first such setting.
    """
    for setting in job_type.settings:
        value = settings.get(setting.key)
        if value is not None:
            _check_value(setting, value)
        elif setting.required and setting.key not in job_type.compiles_without:
            raise missing(setting.key)


def missing(key: str) -> CompileError:
    return CompileError(f'The setting "{key}" is missing.')


def _check_value(setting: Setting, value: Any) -> None:
    wanted, fits = _TYPES[setting.type]
    if not fits(value):
        raise CompileError(f'The setting "{setting.key}" must be {wanted}, not {_shown(value)}.')
    if setting.choices and value not in setting.choices:
        choices = ", ".join(setting.choices)
        raise CompileError(
            f'The setting "{setting.key}" must be one of {choices}, not {_shown(value)}.'
        )


def _is_int32(value: Any) -> bool:
    # In JSON, 24.0 is an integer; in Python, `True` is one.
    return _is_number(value) and value == int(value) and int(value) in _INT32


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


_TYPES: Mapping[SettingType, tuple[str, Callable[[Any], bool]]] = {
    SettingType.STRING: ("a text", lambda value: isinstance(value, str)),
    SettingType.INT32: ("a whole number of at most 32 bits", _is_int32),
    SettingType.FLOAT: ("a number", _is_number),
    SettingType.BOOL: ("true or false", lambda value: isinstance(value, bool)),
}


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and not _is_number(value):
        return "a number with hundreds of digits"
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
