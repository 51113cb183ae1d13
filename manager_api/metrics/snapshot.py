"""The farm at the moment of the question: jobs, tasks, workers, in Prometheus's text format."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import ColumnElement, Select, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import (
    JobRow,
    LeaseRow,
    LeaseState,
    TaskRow,
    WorkerRow,
    table_of,
)
from manager_api.metrics.measures import REGISTRY
from workflows.domain.shortages import main_cause
from workflows.domain.statuses import JobStatus, WorkerStatus

#: Flamenco's word for a worker that never signed on is empty.
_NEVER = "never-signed-on"


async def metrics(session: AsyncSession, *, hosts: int, version: str) -> bytes:
    """Return the farm's figures and this manager's.

    Args:
        session: a session.
        hosts: how many hosts are connected to this manager.
        version: Tablao's.
    """
    families = [
        _gauge("tablao_info", "Tablao's version.", {version: 1}, "version"),
        _gauge("tablao_hosts_connected", "Hosts that are connected to this manager.", hosts),
        *await _of_jobs(session),
        *await _of_tasks(session),
        *await _of_workers(session),
    ]
    registry = CollectorRegistry()
    registry.register(_Families(families))
    return generate_latest(registry) + generate_latest(REGISTRY)


async def _of_jobs(session: AsyncSession) -> list[Metric]:
    shown = JobRow.archived_at.is_(None)
    query = select(JobRow.status, func.count()).where(shown).group_by(JobRow.status)
    jobs = dict.fromkeys(map(str, JobStatus), 0) | await _counts(session, query)
    return [_gauge("tablao_jobs", "Jobs that are not archived.", jobs, "status")]


class TaskFigures(NamedTuple):
    active: int
    ready: int
    """Tasks that could start, if workers were free."""
    waiting: Mapping[str, int]
    """Tasks that could start and find no worker, by what keeps most workers from them."""


async def task_figures(session: AsyncSession) -> TaskFigures:
    # A literal: with a parameter, SQLite would not use the index of active tasks.
    at_work: ColumnElement[bool] = literal_column("tasks.status = 'active'")
    active = select(func.count()).select_from(table_of(TaskRow)).where(at_work)
    query = select(JobRow.demand, JobRow.waits).where(
        JobRow.is_ended.is_(False), JobRow.demand.is_not(None)
    )
    ready = 0
    waiting: Counter[str] = Counter()
    for demand, waits in await session.execute(query):
        ready += sum(want["count"] for want in demand["wants"])
        for each in (waits or {}).get("types", ()):
            hindered = [(group["cause"], group["workers"]) for group in each["hindered"]]
            waiting[main_cause(hindered)] += each["tasks"]
    return TaskFigures(await _one(session, active), ready, waiting)


async def _of_tasks(session: AsyncSession) -> list[Metric]:
    found = await task_figures(session)
    return [
        _gauge("tablao_tasks_active", "Tasks that are being run.", found.active),
        _gauge("tablao_tasks_ready", "Tasks that could start, if workers were free.", found.ready),
        _gauge(
            "tablao_tasks_waiting",
            "Tasks that could start and find no worker, by what keeps most workers from them.",
            found.waiting,
            "cause",
        ),
    ]


async def _of_workers(session: AsyncSession) -> list[Metric]:
    known = WorkerRow.deleted_at.is_(None)
    query = select(WorkerRow.status, func.count()).where(known).group_by(WorkerRow.status)
    found = await _counts(session, query)
    statuses = dict.fromkeys((str(s) or _NEVER for s in WorkerStatus), 0)
    statuses |= {status or _NEVER: count for status, count in found.items()}
    leases = select(func.count()).where(LeaseRow.state != LeaseState.RETURNED)
    paused = select(func.count()).where(known, WorkerRow.is_paused)
    # In JSON: a database's null and an empty list mean the same.
    aside = sum(map(bool, await session.scalars(select(WorkerRow.set_aside).where(known))))
    waiting = select(func.count()).where(known, WorkerRow.is_waiting)
    return [
        _gauge("tablao_workers", "Workers.", statuses, "status"),
        _gauge("tablao_workers_lent", "Slots that are lent to jobs.", await _one(session, leases)),
        _gauge("tablao_workers_paused", "Paused workers.", await _one(session, paused)),
        _gauge(
            "tablao_workers_set_aside",
            "Workers that do not get all tasks until their machine is mended.",
            aside,
        ),
        _gauge(
            "tablao_workers_waiting",
            "Workers that wait to be let in.",
            await _one(session, waiting),
        ),
    ]


async def _counts(session: AsyncSession, query: Select[Any, int]) -> dict[str, int]:
    return {str(status): count for status, count in await session.execute(query)}


async def _one(session: AsyncSession, query: Select[int]) -> int:
    return await session.scalar(query) or 0


def _gauge(name: str, text: str, values: int | Mapping[str, int], label: str = "") -> Metric:
    if isinstance(values, int):
        return GaugeMetricFamily(name, text, value=values)
    family = GaugeMetricFamily(name, text, labels=[label])
    for word, value in sorted(values.items()):
        family.add_metric([word], value)
    return family


class _Families:
    """Figures that are there already, for Prometheus's library to write."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families
