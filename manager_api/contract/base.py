"""The bases of all models of the interfaces, and checks that they share."""

import math
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from workflows.domain.messages import LONGEST_REASON, LONGEST_WORD

#: Deeper than any real setting, but far below Python's limit of recursion.
MAX_DEPTH = 100
#: The most values in a request, each item of a list or an object counted. More than the files of
#: the largest checkout have.
MAX_VALUES = 1_000_000


class Answer(BaseModel):
    """An answer of the manager. Optional fields that are unset are left out, never null."""

    model_config = ConfigDict(frozen=True)


class Part(BaseModel):
    """A part of a request. Types are not coerced; unknown fields are ignored, as in Flamenco."""

    model_config = ConfigDict(strict=True, frozen=True)


class Request(Part):
    """The body of a request, which checks all its parts."""

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, body: Any) -> Any:
        check_storable(body)
        return body


def _whole(value: Any) -> Any:
    """Accept 50.0 as an integer, because JSON has only one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Integer = Annotated[int, BeforeValidator(_whole)]
Line = Annotated[str, Field(max_length=LONGEST_WORD)]
"""A name, a word or an id."""
Path = Annotated[str, Field(max_length=4096)]
Reason = Annotated[str, Field(max_length=LONGEST_REASON)]
"""A line for users. Flamenco has no limit; here there is one, because a workflow carries it."""


def at_most(count: int, things: str) -> BeforeValidator:
    """Return a check of the length of a list or an object, which comes before that of its items."""

    def check(value: Any) -> Any:
        if isinstance(value, list | dict) and len(value) > count:
            raise ValueError(f"{len(value):,} {things} are too many, {count:,} at most are read")
        return value

    return BeforeValidator(check)


def check_storable(value: Any) -> None:
    """Check that a database and other programs can take a value that came as JSON.

    Raises:
        ValueError: the value has half a surrogate pair, a NUL, a number that is not finite, too
            many levels, or too many values in it.
    """
    left = MAX_VALUES
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        left -= len(level)
        if left < 0:
            raise ValueError(f"more than {MAX_VALUES:,} values")
        level = [item for each in level for item in _items(each)]
        if not level:
            return
    raise ValueError(f"nested deeper than {MAX_DEPTH} levels")


def _items(value: Any) -> Iterable[Any]:
    """Check a value, and return the values in it."""
    match value:
        case str():
            _check_text(value)
        case float() if not math.isfinite(value):
            raise ValueError("numbers must be finite")
        case list():
            return value
        case dict():
            for key in value:
                _check_text(key)
            return value.values()
    return ()


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("text must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("text must be valid Unicode") from error
