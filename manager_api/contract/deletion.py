"""Flamenco's interface: deletion of jobs."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from manager_api.contract.base import Answer, Request


class JobDeletionInfo(Answer):
    shaman_checkout: bool
    """Whether the job has a checkout, which is deleted with the job."""


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("a moment is a text like 2026-11-24T12:00:00Z")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("there is no such moment in UTC") from None


Moment = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_text), AfterValidator(_in_utc)
]


class JobMassDeletionSelection(Request):
    last_updated_max: Moment
