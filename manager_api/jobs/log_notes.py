"""Writes into tasks' logs what became of them, following the events.

Best effort: what changes while the manager is down is not noted, nor is what changes in bulk, of
which there are no events of tasks.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from manager_api.database.engine import Database
from manager_api.database.loops import whenever
from manager_api.events.live import LiveEvents
from manager_api.jobs.task_store import attempts_of
from manager_api.logs.task_logs import Note, TaskLogs
from workflows.domain.statuses import TaskStatus

#: Statuses whose reason is worth a line.
_EXPLAINED = frozenset({TaskStatus.FAILED, TaskStatus.SOFT_FAILED, TaskStatus.CANCELED})

logger = logging.getLogger(__name__)


class LogNotes:
    def __init__(self, database: Database, logs: TaskLogs, live: LiveEvents) -> None:
        self._database = database
        self._logs = logs
        self._changes: list[Mapping[str, Any]] = []
        self._has_changes = asyncio.Event()
        live.react(self._hear)

    async def run(self) -> None:
        """Until canceled."""
        await whenever(self._has_changes, self._write)

    def _hear(self, topic: str, payload: Mapping[str, Any]) -> None:
        # Only events of tasks have a job_id as well as a previous status.
        if topic.startswith("/jobs/") and "job_id" in payload and "previous_status" in payload:
            self._changes.append(payload)
            self._has_changes.set()

    async def _write(self) -> None:
        notes = await self._notes(changes := list(self._changes))
        # Only now: the database may have been too busy to say which attempts they are about.
        del self._changes[: len(changes)]
        await self._note(notes)

    async def _note(self, notes: Sequence[Note]) -> None:
        try:
            await self._logs.note_all(notes)
        except OSError:
            logger.exception("not all notes could be written into tasks' logs")
            # Those of other jobs may be; what is written already is not written twice.
            for note in notes:
                with contextlib.suppress(OSError):
                    await self._logs.note(note)

    async def _notes(self, changes: Sequence[Mapping[str, Any]]) -> list[Note]:
        async with self._database.reading() as session:
            attempts = await attempts_of(session, {change["id"] for change in changes})
        return [
            note
            for change in changes
            if change["id"] in attempts
            for note in _notes_of(change, attempts[change["id"]])
        ]


def _notes_of(change: Mapping[str, Any], attempt: int) -> list[Note]:
    status = TaskStatus(change["status"])
    lines = [f"task changed status {change['previous_status']} -> {status}"]
    if status in _EXPLAINED and change["activity"]:
        lines.append(change["activity"])
    return [
        Note(
            job_id=change["job_id"],
            task_id=change["id"],
            attempt=attempt,
            text=line,
            when=datetime.fromisoformat(change["updated"]),
            # What makes it active comes before what its host says.
            after=status is not TaskStatus.ACTIVE,
        )
        for line in lines
    ]
