"""The bases of all models of the interfaces, and checks that they share."""

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from workflows.domain.messages import LONGEST_REASON

#: Deeper than any real setting, but far below Python's limit of recursion.
MAX_DEPTH = 100


class Answer(BaseModel):
    """An answer of the manager. Optional fields that are unset are left out, never null."""

    model_config = ConfigDict(frozen=True)


class Request(BaseModel):
    """The body of a request. Types are not coerced; unknown fields are ignored, as in Flamenco."""

    model_config = ConfigDict(strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, body: Any) -> Any:
        check_storable(body)
        return body


def _whole(value: Any) -> Any:
    """Accept 50.0 as an integer, because JSON has only one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Integer = Annotated[int, BeforeValidator(_whole)]
Reason = Annotated[str, Field(max_length=LONGEST_REASON)]
"""A line for users. Flamenco has no limit; here there is one, because a workflow carries it."""


def check_storable(value: Any, depth: int = 0) -> None:
    """Check that a database and other programs can take a value that came as JSON.

    Raises:
        ValueError: the value has half a surrogate pair, a NUL, a number that is not finite, or
            too many levels.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    match value:
        case str():
            _check_text(value)
        case float() if not math.isfinite(value):
            raise ValueError("numbers must be finite")
        case list():
            for item in value:
                check_storable(item, depth + 1)
        case dict():
            for key, item in value.items():
                _check_text(key)
                check_storable(item, depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("text must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("text must be valid Unicode") from error
