"""Writes changes of a task's status into the task's log, from the live events.

This is best effort. Changes that are stored while the manager is down are not noted. Changes of
many tasks in bulk are not noted either, because they have no events per task.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from manager_api.database.engine import Database
from manager_api.database.events import ASIDE
from manager_api.database.loops import whenever
from manager_api.events.live import LiveEvents
from manager_api.jobs.task_store import existing
from manager_api.logs.task_logs import Note, TaskLogs
from workflows.domain.statuses import TaskStatus

#: Statuses whose reason gets a line of its own.
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
        """Write notes until canceled."""
        await whenever(self._has_changes, self._write)

    def _hear(self, topic: str, payload: Mapping[str, Any]) -> None:
        # Only events of tasks have both an attempt and a previous status.
        if "attempt" in payload.get(ASIDE, ()) and "previous_status" in payload:
            self._changes.append(payload)
            self._has_changes.set()

    async def _write(self) -> None:
        notes = await self._notes(changes := list(self._changes))
        # Forget the changes only now: `_notes` fails if the database is busy.
        del self._changes[: len(changes)]
        await self._note(notes)

    async def _note(self, notes: Sequence[Note]) -> None:
        try:
            await self._logs.note_all(notes)
        except OSError:
            logger.exception("not all notes could be written into tasks' logs")
            # Notes of other jobs may succeed. `note` does not write a line a second time.
            for note in notes:
                with contextlib.suppress(OSError):
                    await self._logs.note(note)

    async def _notes(self, changes: Sequence[Mapping[str, Any]]) -> list[Note]:
        async with self._database.reading() as session:
            known = await existing(session, {change["id"] for change in changes})
        return [note for change in changes if change["id"] in known for note in _notes_of(change)]


def _notes_of(change: Mapping[str, Any]) -> list[Note]:
    status = TaskStatus(change["status"])
    lines = [f"task changed status {change['previous_status']} -> {status}"]
    if status in _EXPLAINED and change["activity"]:
        lines.append(change["activity"])
    return [
        Note(
            job_id=change["job_id"],
            task_id=change["id"],
            # The change's own: by now, the database may know a later attempt.
            attempt=change[ASIDE]["attempt"],
            text=line,
            when=datetime.fromisoformat(change["updated"]),
            # The line about becoming active stands before the host's output.
            after=status is not TaskStatus.ACTIVE,
        )
        for line in lines
    ]
