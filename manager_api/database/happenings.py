"""What people may want to be told, stored in the transaction in which it happens."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert as insert_in_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_in_sqlite

from manager_api.database.engine import Changed, Session, utc_now
from manager_api.database.tables import HappeningRow, JobRow, WorkerRow, table_of
from workflows.domain.notifications import Happening, HappeningKind

_BUFFER = "happenings"


def note(session: Session, key: str, happening: Happening) -> None:
    """Note what happened. It is stored as a last step before the session commits.

    Args:
        key: what makes it one: if it was noted before, with the same key, it is not noted again.
    """
    buffer: list[dict[str, Any]] | None = session.info.get(_BUFFER)
    if buffer is None:
        buffer = session.info[_BUFFER] = []
        session.changed.add(Changed.HAPPENINGS)
        session.before_commit(lambda: _store(session))
    facts = asdict(happening)
    kind = facts.pop("kind")
    buffer.append({"key": f"{kind}:{key}", "kind": kind, "facts": facts, "happened": utc_now()})


def note_of_job(
    session: Session, kind: HappeningKind, job: JobRow, key: str, text: str = ""
) -> None:
    """Note what happened to a job; `key` tells it from other happenings of its kind and job."""
    happening = Happening(
        kind,
        job.name,
        text,
        job_id=job.id,
        project=str(job.job_metadata.get("project", "")),
        tag=job.worker_tag_id or "",
        owner=job.owner or "",
    )
    note(session, f"{job.id}:{key}", happening)


def note_of_worker(
    session: Session, kind: HappeningKind, worker: WorkerRow, text: str = "", key: str = ""
) -> None:
    """Note what happened to a worker, once an hour at most: faults come and go.

    Args:
        key: tells it from other happenings of its kind and worker.
    """
    happening = Happening(kind, worker.name, text, worker_id=worker.id)
    note(session, f"{worker.id}:{key}:{utc_now():%Y-%m-%dT%H}", happening)


async def take_back(session: Session, kind: HappeningKind, key: str) -> None:
    """Forget what was noted and was not told yet."""
    await session.execute(
        delete(HappeningRow).where(
            HappeningRow.key == f"{kind}:{key}", HappeningRow.told_at.is_(None)
        )
    )


async def _store(session: Session) -> None:
    dialect = session.get_bind().dialect.name
    insert = insert_in_postgresql if dialect == "postgresql" else insert_in_sqlite
    statement = insert(table_of(HappeningRow)).on_conflict_do_nothing(index_elements=["key"])
    await session.execute(statement, session.info[_BUFFER])
