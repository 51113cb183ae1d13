"""Registration, sign-on and sign-off of workers, and requests to them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from manager_api.access import join_tokens
from manager_api.contract.answers import registered_worker, worker_answer, worker_summary
from manager_api.contract.errors import Conflict, Forbidden, PreconditionFailed, TooMany
from manager_api.contract.workers import (
    RegisteredWorker,
    Worker,
    WorkerList,
    WorkerRegistration,
    WorkerSignOn,
    WorkerStateChange,
)
from manager_api.database import trail
from manager_api.database.busy import retry_while_busy
from manager_api.database.engine import Database, Session, utc_now
from manager_api.runs import http_store as http_runs
from manager_api.workers import sleep_store as sleep_schedules
from manager_api.workers import store as workers
from manager_api.workers import waiting_store
from manager_api.workers.credentials import hash_secret
from workflows.domain.statuses import WorkerStatus
from workflows.domain.worker import (
    CannotRestart,
    pending_after_sign_off,
    request_status,
    status_after_sign_on,
)

#: More workers than a studio lets in at a time.
_MOST_WAITING = 1_000
#: A worker that waits may be deleted for another one after so long a silence.
_SILENT = timedelta(minutes=30)
_STOCK_WORKER = (
    "a Flamenco Worker cannot be told a new secret: revoke its secret, and it registers again"
)
_NOT_CONNECTED = (
    "this worker's host is not connected, so it cannot be told a new secret: try again when it is, "
    "or revoke its secret"
)


@dataclass(frozen=True, slots=True)
class HowToJoin:
    is_waiting: bool = True
    """Whether a wrangler must let the worker in."""
    join_token: str = ""
    """The token that the registration shows; empty without one."""


class WorkerService:
    """Shows and changes workers for clients; registers workers and signs them on and off.

    Args:
        wait_s: how long a sign-on or sign-off is retried while the database is busy.
    """

    def __init__(self, database: Database, wait_s: float) -> None:
        self._database = database
        self._wait_s = wait_s

    async def all(self) -> WorkerList:
        async with self._database.reading() as session:
            rows = await workers.listed_workers(session)
        return WorkerList(workers=[worker_summary(row) for row in rows])

    async def get(self, worker_id: str) -> Worker:
        async with self._database.reading() as session:
            row = await workers.existing_worker(session, worker_id)
            task = await workers.last_task(session, worker_id)
            tags = await workers.tags_of(session, worker_id)
        return worker_answer(row, task, list(tags))

    async def request_status(self, worker_id: str, status: WorkerStatus, *, is_lazy: bool) -> None:
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            try:
                pending = request_status(
                    row.status, status, is_lazy=is_lazy, can_restart=row.can_restart
                )
            except CannotRestart as refusal:
                raise PreconditionFailed(str(refusal)) from refusal
            workers.set_request(session, row, pending)

    async def delete(self, worker_id: str) -> None:
        """Delete a worker.

        Its tasks go back to the queue and its host is disconnected. Its old tasks keep its name.
        """
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            await workers.delete_worker(session, row)
            await http_runs.give_back(session, worker_id, "its worker was deleted")

    async def pause(self, worker_id: str, *, is_paused: bool) -> None:
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            workers.set_paused(session, row, is_paused=is_paused)

    async def forgive(self, worker_id: str) -> None:
        """Let a worker that is set aside take tasks again; its host sets it aside if it must."""
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            await workers.forgive(session, row)

    async def register(
        self, asked: WorkerRegistration, address: str, how: HowToJoin
    ) -> RegisteredWorker:
        """
        Raises:
            Forbidden: the join token does not count.
            TooMany: too many workers wait to be let in.
        """
        new = workers.NewWorker(
            id=str(uuid4()),
            name=asked.name,
            secret_hash=await asyncio.to_thread(hash_secret, asked.secret),
            platform=asked.platform,
            supported_task_types=_task_types(asked.supported_task_types),
            address=address,
            is_waiting=how.is_waiting,
        )
        async with self._database.writing() as session:
            tag_ids = await _tags_of_token(session, how.join_token) if how.join_token else ()
            if how.is_waiting:
                await _make_room(session)
            row = await workers.register(session, new)
            if tag_ids:
                await workers.set_tags(session, row, tag_ids)
            trail.note(None, {"worker": row.name, "id": row.id, "waits": row.is_waiting})
            return registered_worker(row)

    async def admit(self, worker_id: str) -> None:
        """Let a worker in that waits."""
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            workers.admit(session, row)

    async def revoke(self, worker_id: str) -> None:
        """End a worker's secret, its connections, and its tasks; it can only register again."""
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            workers.revoke_secret(session, row)
            await http_runs.give_back(session, worker_id, "its secret was revoked")

    async def order_new_secret(self, worker_id: str, *, is_connected: bool) -> None:
        """Order that a worker's host takes another secret, which then replaces the present one.

        Raises:
            Conflict: the worker cannot be told.
        """
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            if row.is_http:
                raise Conflict(_STOCK_WORKER)
            if not is_connected:
                raise Conflict(_NOT_CONNECTED)
            workers.order_new_secret(session, row)

    async def sign_on(self, worker_id: str, asked: WorkerSignOn, address: str) -> WorkerStateChange:
        facts = workers.SignOn(
            name=asked.name,
            supported_task_types=_task_types(asked.supported_task_types),
            software=asked.software_version,
            can_restart=asked.can_restart,
            address=address,
        )
        status = await retry_while_busy(lambda: self._sign_on(worker_id, facts), self._wait_s)
        return WorkerStateChange(status_requested=status)

    async def sign_off(self, worker_id: str) -> None:
        await retry_while_busy(lambda: self._sign_off(worker_id), self._wait_s)

    async def _sign_off(self, worker_id: str) -> None:
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            resumes = pending_after_sign_off(row.status, workers.pending_request(row))
            workers.set_status(session, row, WorkerStatus.OFFLINE, clears_request=True)
            await http_runs.give_back(session, worker_id, "its worker signed off")
            if resumes is not None:
                workers.set_request(session, row, resumes)

    async def _sign_on(self, worker_id: str, facts: workers.SignOn) -> WorkerStatus:
        """Store the sign-on; return the status that the worker is to take."""
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            await workers.sign_on(session, row, facts)
            if row.is_http:
                await http_runs.process_began(session, row)
            scheduled = await sleep_schedules.scheduled_status(session, worker_id, utc_now())
        return status_after_sign_on(workers.pending_request(row), scheduled)


async def _make_room(session: Session) -> None:
    """Delete a worker that waits and is not there any more, if too many wait.

    Raises:
        TooMany: all of them are there.
    """
    if await waiting_store.count(session) < _MOST_WAITING:
        return
    silent = await waiting_store.longest_silent(session, utc_now() - _SILENT)
    if silent is None:
        raise TooMany("too many workers wait to be let in")
    await workers.delete_worker(session, silent)


async def _tags_of_token(session: Session, join_token: str) -> Sequence[str]:
    token = await join_tokens.take(session, join_token)
    if token is None:
        raise Forbidden("this join token is unknown, used up, or too old")
    return token.tag_ids


def _task_types(given: list[str]) -> list[str]:
    """Return the task types in lower case, each once, in the order given."""
    return list(dict.fromkeys(word for each in given if (word := each.strip().lower())))
