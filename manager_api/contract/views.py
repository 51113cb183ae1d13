"""Our interface: saved views of the dashboard's lists."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from manager_api.contract.base import Answer, Request


class Page(StrEnum):
    JOBS = "jobs"
    WORKERS = "workers"


def _line(text: str) -> str:
    if not text.strip() or len(text.splitlines()) > 1:
        raise ValueError("a view needs a name of one line")
    return text.strip()


ViewName = Annotated[str, Field(max_length=255), AfterValidator(_line)]
Owner = Annotated[str, Field(min_length=1, max_length=255)]


class ViewRequest(Request):
    page: Annotated[Page, Field(strict=False)]
    name: ViewName
    query: Annotated[str, Field(max_length=4_000)]
    """The query of the page's address, without the question mark."""
    is_shared: bool = False
    owner: Owner
    """The asker, for callers without an account: a random text that a browser made and keeps."""


class View(Answer):
    id: str
    page: Page
    name: str
    query: str
    is_shared: bool
    is_own: bool
    updated: datetime


class Views(Answer):
    views: list[View]
