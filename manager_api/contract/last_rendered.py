"""Flamenco's interface: images that jobs rendered last."""

from datetime import datetime

from manager_api.contract.base import Answer
from workflows.domain.statuses import JobStatus


class JobLastRenderedImageInfo(Answer):
    base: str
    """Path of an address on this manager; each suffix goes behind it and a slash."""
    suffixes: list[str]
    """From the largest to the smallest image."""


class RecentImage(Answer):
    job_id: str
    name: str
    status: JobStatus
    base: str
    """Path of an address on this manager; each suffix goes behind it and a slash."""
    suffixes: list[str]
    """From the largest to the smallest image."""
    shown_at: datetime


class RecentImages(Answer):
    images: list[RecentImage]
