"""Refusals, and what they look like over HTTP."""

from typing import ClassVar


class FarmError(Exception):
    """A refusal that the caller can understand. Anything else is a bug: 500."""

    http_status: ClassVar[int] = 500

    @property
    def headers(self) -> dict[str, str]:
        return {}


class BadRequest(FarmError):
    """Understood, and wrong."""

    http_status = 400


class Forbidden(FarmError):
    http_status = 403


class NotAuthorized(Forbidden):
    """Answered in the words and the shape of Flamenco's request validation."""


class NotValid(BadRequest):
    """Not what the interface describes. Answered in the shape of Flamenco's request validation."""


class NoSuchTaskForImage(FarmError):
    """Flamenco answers this one with nothing but a JSON string."""

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
    """Flamenco's answer to a worker tag that is none."""

    http_status = 406


class Conflict(FarmError):
    """Something else is in the way."""

    http_status = 409


class Overtaken(FarmError):
    """Right once; something newer has taken its place."""

    http_status = 409


class PreconditionFailed(FarmError):
    http_status = 412


class NothingMatches(FarmError):
    http_status = 416


class TooMany(FarmError):
    http_status = 429


class TryAgain(FarmError):
    """Nothing is wrong with the request; we cannot serve it right now."""

    http_status = 503

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class OrchestratorUnavailable(TryAgain):
    """Temporal does not answer."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or "Temporal does not answer; nothing was changed, try again")
