"""Our interface: comments on jobs and workers."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from manager_api.contract.base import Answer, Request
from workflows.domain.comments import LONGEST_COMMENT


def _has_words(text: str) -> str:
    if not text.strip():
        raise ValueError("a comment needs a text")
    return text.strip()


CommentText = Annotated[
    str, Field(min_length=1, max_length=LONGEST_COMMENT), AfterValidator(_has_words)
]


class CommentRequest(Request):
    text: CommentText
    """Markdown. Pages that show it show its HTML as text."""


class Comment(Answer):
    id: str
    author: str
    """The author's name when the comment was written."""
    text: str
    created: datetime
    edited: datetime | None = None
    may_edit: bool
    """Whether the caller may change the text."""
    may_delete: bool


class CommentList(Answer):
    comments: list[Comment]
