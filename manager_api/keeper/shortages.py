"""Stores why jobs wait, as sentences, where lists and pages read it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from manager_api.database import events, happenings
from manager_api.database.engine import Session, utc_now
from manager_api.database.payloads import JOBS, job_event
from manager_api.database.tables import JobRow, WorkerTagRow
from manager_api.workers import sleep_store
from workflows.domain.notifications import HappeningKind, cannot_go_on
from workflows.domain.shortages import Cause, Shortage, sentence

#: The most jobs that one transaction changes; each one is an event for every open page.
MOST_CHANGES = 200


async def write_shortages(session: Session, shortages: Sequence[Shortage]) -> bool:
    """Store the sentences of all jobs that have changed; return False if some are left to do."""
    wanted = await _stored_form(session, shortages)
    query = select(JobRow.id, JobRow.waits).where(
        or_(JobRow.is_ended.is_(False), JobRow.waits.is_not(None))
    )
    stored = {row.id: row.waits for row in await session.execute(query)}
    changed = [job_id for job_id in wanted if job_id in stored]  # in the order of matchmaking
    changed += [job_id for job_id in stored if job_id not in wanted]
    changed = [job_id for job_id in changed if stored[job_id] != wanted.get(job_id)]
    now = changed[:MOST_CHANGES]
    await _change(session, {job_id: wanted.get(job_id) for job_id in now}, _standing(shortages))
    return len(changed) <= MOST_CHANGES


async def _stored_form(
    session: Session, shortages: Sequence[Shortage]
) -> Mapping[str, dict[str, Any]]:
    tags = {row.id: row.name for row in await session.scalars(select(WorkerTagRow))}
    sleeping = any(each.cause is Cause.ASLEEP for s in shortages for each in s.hindered)
    until = await _asleep_until(session, utc_now()) if sleeping else {}
    by_job: defaultdict[str, list[Shortage]] = defaultdict(list)
    for shortage in shortages:
        by_job[shortage.job_id].append(shortage)

    def said(shortage: Shortage) -> str:
        return sentence(shortage, tags.get(shortage.tag or "", ""), until)

    return {job_id: _waits(of_job, list(map(said, of_job))) for job_id, of_job in by_job.items()}


def _waits(of_job: Sequence[Shortage], sentences: Sequence[str]) -> dict[str, Any]:
    stands = not any(shortage.lent for shortage in of_job)
    return {
        # A job with a worker goes on; only its page says what else it could use.
        "sentence": " ".join(dict.fromkeys(sentences)) if stands else "",
        "types": [
            {
                "task_type": shortage.task_type,
                "tasks": shortage.tasks,
                "sentence": said,
                "hindered": [
                    {"cause": str(each.cause), "workers": each.workers, "names": list(each.names)}
                    for each in shortage.hindered
                ],
            }
            for shortage, said in zip(of_job, sentences, strict=True)
        ],
    }


async def _asleep_until(session: Session, now: datetime) -> Mapping[str, str]:
    """Return when the sleep of sleeping workers ends by their schedules, by worker name."""
    found = {}
    for name, end in await sleep_store.ends_of_sleep(session, now):
        local = end.astimezone()
        found[name] = f"{local:%H:%M}" if (end - now).days < 1 else f"{local:%A %H:%M}"
    return found


def _standing(shortages: Sequence[Shortage]) -> frozenset[str]:
    """Return the jobs that cannot go on until a person acts."""
    by_job: defaultdict[str, list[Shortage]] = defaultdict(list)
    for shortage in shortages:
        by_job[shortage.job_id].append(shortage)
    return frozenset(job_id for job_id, of_job in by_job.items() if cannot_go_on(of_job))


async def _change(
    session: Session, waits: Mapping[str, dict[str, Any] | None], standing: frozenset[str]
) -> None:
    # In one order, because two transactions that lock the same rows in two orders would deadlock.
    in_order = select(JobRow).where(JobRow.id.in_(waits)).order_by(JobRow.id)
    for job in await session.scalars(in_order.with_for_update(key_share=True)):
        job.waits = waits[job.id]
        said = job.waits["sentence"] if job.waits else ""
        events.append(session, JOBS, job_event(job) | {"waiting": said})
        # It is told if the job still stands after a while, once in each of its runs.
        if job.id in standing:
            happenings.note_of_job(session, HappeningKind.JOB_WAITS, job, str(job.run), said)
        else:
            await happenings.take_back(session, HappeningKind.JOB_WAITS, f"{job.id}:{job.run}")
