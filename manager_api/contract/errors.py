"""Refusals and their HTTP statuses."""

import errno
from typing import ClassVar

#: Numbers of an `OSError`: no space is left, or the user's share of it is used up.
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class FarmError(Exception):
    """A refusal that the client can understand. Any other exception is a bug: 500."""

    http_status: ClassVar[int] = 500

    @property
    def headers(self) -> dict[str, str]:
        return {}


class BadRequest(FarmError):
    """The request is understood, but wrong."""

    http_status = 400


class Forbidden(FarmError):
    http_status = 403


class NotAuthenticated(FarmError):
    """The request shows no credentials, or wrong ones."""

    http_status = 401

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class NotAuthorized(Forbidden):
    """The credentials are missing or wrong. Answered as Flamenco's request validation does."""


class NotValid(BadRequest):
    """The request does not match the interface. Answered as Flamenco's request validation does."""


class NoSuchTaskForImage(FarmError):
    """The task of a sent image does not exist. Flamenco answers with only a JSON string."""

    http_status = 404


class JobNotFound(FarmError):
    http_status = 404

    def __init__(self, job_id: str) -> None:
        super().__init__(f'no such job "{job_id}"')


class TaskNotFound(FarmError):
    http_status = 404

    def __init__(self, task_id: str) -> None:
        super().__init__(f'no such task "{task_id}"')


class WorkerNotFound(FarmError):
    http_status = 404

    def __init__(self, worker_id: str) -> None:
        super().__init__(f'no such worker "{worker_id}"')


class WorkerTagNotFound(FarmError):
    http_status = 404

    def __init__(self, tag_id: str) -> None:
        super().__init__(f'no such worker tag "{tag_id}"')


class NotFound(FarmError):
    http_status = 404


class NothingProvisioned(NotFound):
    def __init__(self, scope: str, target: str) -> None:
        super().__init__(f'nothing is set for {scope} "{target}"')


class NotAcceptable(FarmError):
    """The worker tag does not exist; Flamenco's status for it."""

    http_status = 406


class Conflict(FarmError):
    """The request conflicts with something that exists."""

    http_status = 409


class Overtaken(FarmError):
    """The request was right once, but something newer has replaced what it refers to."""

    http_status = 409


class PreconditionFailed(FarmError):
    http_status = 412


class NothingMatches(FarmError):
    http_status = 416


class TooMany(FarmError):
    http_status = 429


class TryAgain(FarmError):
    """The request is right, but the manager cannot serve it now."""

    http_status = 503

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class OrchestratorUnavailable(TryAgain):
    """Temporal does not answer."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or "Temporal does not answer; nothing was changed, try again")
