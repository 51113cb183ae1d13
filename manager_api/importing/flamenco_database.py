"""Reads a Flamenco 3 Manager's SQLite database, and changes nothing in it.

Its tables grew over the years: a column that an older one lacks reads as empty.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from uuid import UUID

Row = Mapping[str, Any]

_INT32 = range(-(2**31), 2**31)
_TABLES = ("jobs", "tasks", "workers")


class NotFlamenco(Exception):
    """The file is not Flamenco's; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Tag:
    id: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class SleepSchedule:
    is_active: bool
    days_of_week: str
    start_time: str
    end_time: str


@dataclass(frozen=True, slots=True)
class Worker:
    id: str
    name: str
    secret_hash: str
    """bcrypt's."""
    address: str
    platform: str
    software: str
    status: str
    supported_task_types: tuple[str, ...]
    can_restart: bool
    last_seen: datetime | None
    created: datetime
    deleted_at: datetime | None
    tags: tuple[str, ...] = ()
    """Ids."""
    schedule: SleepSchedule | None = None


@dataclass(frozen=True, slots=True)
class Task:
    id: str
    index: int
    name: str
    task_type: str
    priority: int
    status: str
    activity: str
    commands: tuple[dict[str, Any], ...]
    depends_on: tuple[int, ...]
    """Indexes in the same job."""
    worker_id: str | None
    failed_by: tuple[str, ...]
    steps_completed: int
    created: datetime
    updated: datetime
    last_touched: datetime | None


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    name: str
    job_type: str
    priority: int
    status: str
    activity: str
    settings: dict[str, Any]
    metadata: dict[str, str]
    shaman_checkout_id: str
    worker_tag_id: str | None
    created: datetime
    updated: datetime
    is_being_deleted: bool
    tasks: tuple[Task, ...] = ()
    blocklist: tuple[tuple[str, str], ...] = field(default=())
    """(worker id, task type)."""


class FlamencoDatabase:
    """Used as `with FlamencoDatabase(path) as flamenco: …`. It blocks: call it from a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._workers: dict[int, str] = {}
        """Ids by number."""
        self._tags: dict[int, str] = {}

    def __enter__(self) -> Self:
        """Raises:
        NotFlamenco: no SQLite database, or none of Flamenco 3.
        """
        if not self._path.is_file():
            raise NotFlamenco(f"there is no file {self._path}")
        # Its reader moves between threads, one at a time.
        self._connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.text_factory = _characters
        try:
            self._check()
            self._workers = {row["id"]: row["uuid"] for row in self._rows("workers")}
            self._tags = {row["id"]: row["uuid"] for row in self._rows("worker_tags")}
        except NotFlamenco:
            self._connection.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def tags(self) -> Iterator[Tag]:
        for row in self._rows("worker_tags"):
            yield Tag(_uuid(row), row["name"], _text(row, "description"))

    def workers(self) -> Iterator[Worker]:
        tags = defaultdict(list)
        for row in self._rows("worker_tag_membership"):
            if tag := self._tags.get(row["worker_tag_id"]):
                tags[row["worker_id"]].append(tag)
        schedules = {row["worker_id"]: _schedule(row) for row in self._rows("sleep_schedules")}
        for row in self._rows("workers"):
            yield _worker(row, tuple(tags[row["id"]]), schedules.get(row["id"]))

    def jobs(self) -> Iterator[Job]:
        """Yield the jobs with their tasks, oldest first. Only one is in memory at a time."""
        for row in self._rows("jobs", order="id"):
            blocks = self._rows("job_blocks", "job_id = ?", row["id"])
            blocked = [(self._worker(each["worker_id"]), each["task_type"]) for each in blocks]
            yield _job(
                row,
                tag=self._tags.get(_get(row, "worker_tag_id")),
                tasks=tuple(self._tasks(row["id"])),
                blocklist=tuple((worker, kind) for worker, kind in blocked if worker),
            )

    def last_rendered_job(self) -> str | None:
        """Return the id of the job that the farm's newest image belongs to."""
        numbers = [row["job_id"] for row in self._rows("last_rendereds")]
        found = self._rows("jobs", "id = ?", numbers[0]) if numbers else []
        return found[0]["uuid"] if found else None

    def _tasks(self, job: int) -> Iterator[Task]:
        rows = self._rows("tasks", "job_id = ?", job, order="index_in_job, id")
        # In databases from before tasks were numbered, all numbers are 0.
        indexes = {row["id"]: number for number, row in enumerate(rows, start=1)}
        of_job = "task_id IN (SELECT id FROM tasks WHERE job_id = ?)"
        needs, failures = defaultdict(list), defaultdict(list)
        for row in self._rows("task_dependencies", of_job, job):
            if row["dependency_id"] in indexes:
                needs[row["task_id"]].append(indexes[row["dependency_id"]])
        for row in self._rows("task_failures", of_job, job):
            if worker := self._worker(row["worker_id"]):
                failures[row["task_id"]].append(worker)
        for row in rows:
            yield _task(
                row,
                index=indexes[row["id"]],
                needs=tuple(sorted(needs[row["id"]])),
                worker=self._worker(_get(row, "worker_id")),
                failed_by=tuple(failures[row["id"]]),
            )

    def _worker(self, number: int | None) -> str | None:
        return None if number is None else self._workers.get(number)

    def _check(self) -> None:
        missing = [table for table in _TABLES if not self._columns(table)]
        if missing:
            raise NotFlamenco(
                f"{self._path} is no database of a Flamenco 3 Manager: it has no table {missing[0]}"
            )

    def _columns(self, table: str) -> list[str]:
        return [row["name"] for row in self._fetch(f"PRAGMA table_info({table})")]

    def _rows(
        self, table: str, where: str = "1", *values: object, order: str = "rowid"
    ) -> list[sqlite3.Row]:
        """Select rows. Names of tables and columns come from this module, never from outside."""
        if not self._columns(table):
            return []
        return self._fetch(f"SELECT * FROM {table} WHERE {where} ORDER BY {order}", *values)

    def _fetch(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Raises:
        NotFlamenco: the file is damaged. Damage can be found at any read.
        """
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as problem:
            raise NotFlamenco(f"{self._path} cannot be read: {problem}") from problem


def _worker(row: sqlite3.Row, tags: tuple[str, ...], schedule: SleepSchedule | None) -> Worker:
    types = _text(row, "supported_task_types").split(",")
    return Worker(
        id=_uuid(row),
        name=_text(row, "name"),
        secret_hash=_text(row, "secret"),
        address=_text(row, "address"),
        platform=_text(row, "platform"),
        software=_text(row, "software"),
        status=_text(row, "status"),
        supported_task_types=tuple(word.strip() for word in types if word.strip()),
        can_restart=bool(_get(row, "can_restart")),
        last_seen=_time(row, "last_seen_at"),
        created=_created(row),
        deleted_at=_time(row, "deleted_at"),
        tags=tags,
        schedule=schedule,
    )


def _schedule(row: sqlite3.Row) -> SleepSchedule:
    return SleepSchedule(
        is_active=bool(_get(row, "is_active")),
        days_of_week=_text(row, "days_of_week"),
        start_time=_text(row, "start_time"),
        end_time=_text(row, "end_time"),
    )


def _job(
    row: sqlite3.Row,
    tag: str | None,
    tasks: tuple[Task, ...],
    blocklist: tuple[tuple[str, str], ...],
) -> Job:
    return Job(
        id=_uuid(row),
        name=_text(row, "name"),
        job_type=_text(row, "job_type"),
        priority=_whole(_get(row, "priority")),
        status=_text(row, "status"),
        activity=_text(row, "activity"),
        settings=_json(row, "settings", {}),
        metadata={key: str(value) for key, value in _json(row, "metadata", {}).items()},
        shaman_checkout_id=_text(row, "storage_shaman_checkout_id"),
        worker_tag_id=tag,
        created=_created(row),
        updated=_time(row, "updated_at") or _created(row),
        is_being_deleted=_time(row, "delete_requested_at") is not None,
        tasks=tasks,
        blocklist=blocklist,
    )


def _task(
    row: sqlite3.Row,
    index: int,
    needs: tuple[int, ...],
    worker: str | None,
    failed_by: tuple[str, ...],
) -> Task:
    return Task(
        id=_uuid(row),
        index=index,
        name=_text(row, "name"),
        task_type=_text(row, "type"),
        priority=_whole(_get(row, "priority")),
        status=_text(row, "status"),
        activity=_text(row, "activity"),
        commands=tuple(
            _command(each) for each in _json(row, "commands", []) if isinstance(each, dict)
        ),
        depends_on=needs,
        worker_id=worker,
        failed_by=failed_by,
        steps_completed=_whole(_get(row, "steps_completed")),
        created=_created(row),
        updated=_time(row, "updated_at") or _created(row),
        last_touched=_time(row, "last_touched_at"),
    )


def _command(stored: Mapping[str, Any]) -> dict[str, Any]:
    fields = {key.lower().replace("_", ""): value for key, value in stored.items()}
    parameters = fields.get("parameters")
    return {
        "name": str(fields.get("name", "")),
        "parameters": parameters if isinstance(parameters, dict) else {},
        "total_step_count": _whole(fields.get("totalstepcount")),
    }


def _get(row: sqlite3.Row, column: str) -> Any:
    return row[column] if column in row.keys() else None  # noqa: SIM118 -- `in row` looks at values


def _characters(stored: bytes) -> str:
    """Return the text with each invalid character and NUL (PostgreSQL refuses it) replaced."""
    return stored.decode("utf-8", "replace").replace("\0", "\ufffd")


def _whole(value: Any) -> int:
    """Return the number; 0 if it is none, or too large for a column."""
    try:
        number = int(value or 0)
    except (ValueError, TypeError, OverflowError):
        return 0
    return number if number in _INT32 else 0


def _text(row: sqlite3.Row, column: str) -> str:
    value = _get(row, column)
    return _characters(value) if isinstance(value, bytes) else str(value or "")


def _json(row: sqlite3.Row, column: str, default: Any) -> Any:
    stored = _text(row, column)
    try:
        value = json.loads(stored) if stored else default
    except ValueError:
        return default
    return value if isinstance(value, type(default)) else default


def _uuid(row: sqlite3.Row) -> str:
    """Raises:
    NotFlamenco: a row has no id.
    """
    try:
        return str(UUID(_text(row, "uuid")))
    except ValueError as problem:
        raise NotFlamenco(f'a row has the id "{_text(row, "uuid")}", which is no UUID') from problem


def _created(row: sqlite3.Row) -> datetime:
    return _time(row, "created_at") or datetime(1970, 1, 1, tzinfo=UTC)


def _time(row: sqlite3.Row, column: str) -> datetime | None:
    """Parse a time as Go's SQLite drivers write it; some put a space before the zone."""
    stored = _text(row, column)
    if not stored or stored.startswith("0001-"):
        return None
    day, _, rest = stored.replace("T", " ").partition(" ")
    clock, _, zone = rest.partition(" ")
    try:
        moment = datetime.fromisoformat(f"{day} {clock}{zone.partition(' ')[0]}")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
