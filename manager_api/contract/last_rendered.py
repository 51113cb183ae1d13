"""Flamenco's interface: images that jobs rendered last."""

from datetime import datetime

from manager_api.contract.base import Answer
from workflows.domain.statuses import JobStatus


class JobLastRenderedImageInfo(Answer):
    base: str
    """The path of a URL on this manager. A slash and one of the suffixes complete it."""
    suffixes: list[str]
    """The suffixes of all sizes, from the largest to the smallest image."""


class RecentImage(Answer):
    job_id: str
    name: str
    status: JobStatus
    base: str
    """The path of a URL on this manager. A slash and one of the suffixes complete it."""
    suffixes: list[str]
    """The suffixes of all sizes, from the largest to the smallest image."""
    shown_at: datetime


class RecentImages(Answer):
    images: list[RecentImage]
