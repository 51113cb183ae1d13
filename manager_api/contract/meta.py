"""Flamenco's interface: the manager itself."""

from manager_api.contract.base import Answer
from workflows.domain.statuses import FarmStatus


class Error(Answer):
    code: int
    message: str


class SecurityError(Answer):
    message: str


class FlamencoVersion(Answer):
    version: str
    shortversion: str
    name: str
    git: str


class FarmStatusReport(Answer):
    status: FarmStatus
