"""Converts a value to a setting's type and bounds, or refuses it with a sentence."""

import math
from collections.abc import Callable, Mapping
from typing import Any

Value = str | int | float | bool

_WANTED = {
    "string": "a text",
    "int32": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
_INT32 = (-(2**31), 2**31 - 1)
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


class NotAValue(ValueError):
    """A value does not fit a setting. The text is a sentence that names the setting."""

    def __init__(self, label: str, what: str) -> None:
        super().__init__(f"{label}: {what}")
        self.label = label


def fitted(value: object, kind: str, propargs: Mapping[str, Any], label: str) -> Value:
    """Return the value in the setting's type; move a number between the setting's bounds.

    Args:
        kind: `string`, `int32`, `float` or `bool`.
        propargs: may have the bounds `min` and `max`.
        label: the setting's label, for the error's sentence.

    Raises:
        NotAValue: the value cannot be converted.
    """
    try:
        made = _MAKERS[kind](value)
    except (TypeError, ValueError, OverflowError):
        raise NotAValue(label, f"“{value}” is not {_WANTED[kind]}") from None
    if isinstance(made, (bool, str)):
        return made
    return _between(made, propargs)


def _string(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list, tuple, set)):
        raise TypeError
    text = str(value)
    # Blender and databases accept neither NUL nor lone surrogates. `encode` raises for these.
    if b"\0" in text.encode():
        raise ValueError
    return text


def _integer(value: object) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError
    return max(_INT32[0], min(_INT32[1], int(number)))


def _number(value: object) -> float:
    if not isinstance(value, (int, float, str)):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _truth(value: object) -> bool:
    if isinstance(value, str):
        if value.strip().lower() not in _WORDS:
            raise ValueError
        return _WORDS[value.strip().lower()]
    if not isinstance(value, (bool, int, float)):
        raise TypeError
    return bool(value)


def _between(number: int | float, propargs: Mapping[str, Any]) -> int | float:
    kind = type(number)
    for bound, pick in (("min", max), ("max", min)):
        limit = propargs.get(bound)
        if isinstance(limit, bool) or not isinstance(limit, (int, float)):
            continue
        if math.isfinite(limit):
            number = pick(number, limit)
    return kind(number)


_MAKERS: Mapping[str, Callable[[object], Value]] = {
    "string": _string,
    "int32": _integer,
    "float": _number,
    "bool": _truth,
}
