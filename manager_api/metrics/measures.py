"""What this manager counts while it works, since its start."""

from collections import OrderedDict
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(namespace="tablao_manager", registry=REGISTRY)

#: The most task types that have figures of their own; job types may have any number.
_MOST_TYPES = 50
#: The most workers whose last task is remembered.
_MOST_WORKERS = 10_000
_MINUTE, _HOUR = 60, 3600

_ENDED = Counter(
    "tablao_tasks_ended",
    "Tries of tasks that have ended, by the task's status then.",
    ("task_type", "status"),
    registry=REGISTRY,
)
_SECONDS = Histogram(
    "tablao_task_seconds",
    "How long completed tasks took, from their start to their end.",
    ("task_type",),
    buckets=(
        *(1, 3, 10, 30),
        *(minutes * _MINUTE for minutes in (1, 3, 10, 30)),
        *(hours * _HOUR for hours in (1, 3, 10)),
    ),
    registry=REGISTRY,
)
_GAP = Histogram(
    "tablao_worker_gap_seconds",
    "How long a worker was without a task between two tasks of the same job.",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
    registry=REGISTRY,
)
_REQUESTS = Histogram(
    "tablao_http_request_seconds",
    "How long requests took, from their arrival to the end of the answer.",
    ("operation", "status"),
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    registry=REGISTRY,
)

_types: set[str] = set()
#: By worker: the job and the end of its last task.
_last: OrderedDict[str, tuple[str, datetime]] = OrderedDict()


def task_started(worker_id: str, job_id: str, at: datetime) -> None:
    before = _last.pop(worker_id, None)
    if before is not None and before[0] == job_id:
        _GAP.observe(max(0.0, (at - before[1]).total_seconds()))


def task_ended(
    task_type: str, status: str, job_id: str, worker_id: str | None, at: datetime
) -> None:
    _ENDED.labels(_bounded(task_type), status).inc()
    if worker_id is not None:
        _last[worker_id] = (job_id, at)
        if len(_last) > _MOST_WORKERS:
            _last.popitem(last=False)


def task_took(task_type: str, seconds: float) -> None:
    _SECONDS.labels(_bounded(task_type)).observe(seconds)


def answered(operation: str, status: int, seconds: float) -> None:
    """Count a request.

    Args:
        operation: the operation's id; there are as many as routes.
        status: the answer's HTTP status.
        seconds: from the request's arrival to the end of its answer.
    """
    _REQUESTS.labels(operation, str(status)).observe(seconds)


def _bounded(task_type: str) -> str:
    if task_type in _types or len(_types) < _MOST_TYPES:
        _types.add(task_type)
        return task_type
    return "other"
