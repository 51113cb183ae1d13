"""Workers: registration, sessions, statuses and what is asked of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.db.engine import Session
from manager_api.db.tables import TaskRow, WorkerRow, WorkerTagRow
from workflows.domain.statuses import WorkerStatus


@dataclass(frozen=True, slots=True)
class NewWorker:
    id: str
    name: str
    secret_hash: str
    platform: str
    supported_task_types: Sequence[str]
    address: str = ""
    software: str = ""


@dataclass(frozen=True, slots=True)
class SignOn:
    name: str
    supported_task_types: Sequence[str]
    software: str
    can_restart: bool
    address: str = ""


async def register(session: Session, new: NewWorker) -> WorkerRow:
    """Tells nobody, as in Flamenco: a worker shows up at its first sign-on."""
    raise NotImplementedError


async def worker(session: AsyncSession, worker_id: str) -> WorkerRow | None:
    """None if it was deleted, too. Credentials are checked against its `secret_hash`."""
    raise NotImplementedError


async def all_workers(session: AsyncSession) -> Sequence[WorkerRow]:
    """Those that are not deleted, by name."""
    raise NotImplementedError


async def sign_on(session: Session, worker_id: str, facts: SignOn) -> WorkerRow | None:
    """Status `starting`; tells `/workers`. None: no such worker."""
    raise NotImplementedError


async def set_status(
    session: Session, worker_id: str, status: WorkerStatus, *, clears_request: bool = False
) -> WorkerRow | None:
    """Store a status that was reported; tells `/workers`.

    A pending request ends when it is what was asked for, or `clears_request` says so.
    """
    raise NotImplementedError


async def request_status(
    session: Session, worker_id: str, status: WorkerStatus, *, is_lazy: bool
) -> WorkerRow | None:
    """Ask for a status; asking for the current one ends a pending request. Tells `/workers`."""
    raise NotImplementedError


async def clear_request(session: Session, worker_id: str) -> WorkerRow | None:
    raise NotImplementedError


async def begin_session(
    session: Session, worker_id: str, slots: int, live_runs: Sequence[str]
) -> int:
    """A host signed on to the control channel; returns its session's number.

    Raises:
        KeyError: no such worker.
    """
    raise NotImplementedError


async def seen(session: AsyncSession, worker_ids: Sequence[str], at: datetime) -> None:
    raise NotImplementedError


async def delete_worker(session: Session, worker_id: str) -> bool:
    """Stamp it deleted; the row stays, for its tasks' and leases' sake. Tells `/workers`."""
    raise NotImplementedError


async def set_tags(session: Session, worker_id: str, tag_ids: Sequence[str]) -> None:
    """Replaces its tags; unknown ones are ignored. Tells `/workers`."""
    raise NotImplementedError


async def tags_of(session: AsyncSession, worker_id: str) -> Sequence[WorkerTagRow]:
    raise NotImplementedError


async def last_task(session: AsyncSession, worker_id: str) -> TaskRow | None:
    """The task it works on, else the one that changed last; without its commands."""
    raise NotImplementedError
