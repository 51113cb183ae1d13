"""A small farm as a Flamenco 3 Manager leaves it: a database, settings, logs and an image."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import bcrypt
import yaml
from PIL import Image

SECRET = "bulería" * 4
AWAKE_WORKER = "0a000000-0000-4000-8000-000000000001"
SLEEPER = "0a000000-0000-4000-8000-000000000002"
DELETED_WORKER = "0a000000-0000-4000-8000-000000000003"
TAG = "0b000000-0000-4000-8000-000000000001"
DONE = "0c000000-0000-4000-8000-000000000001"
HALF_DONE = "0c000000-0000-4000-8000-000000000002"
CANCELING = "0c000000-0000-4000-8000-000000000003"
BEING_DELETED = "0c000000-0000-4000-8000-000000000004"

_SCHEMA = """
CREATE TABLE worker_tags (id integer PRIMARY KEY, created_at datetime, updated_at datetime,
  uuid varchar(36), name varchar(64) UNIQUE, description varchar(255));
CREATE TABLE workers (id integer PRIMARY KEY, created_at datetime, updated_at datetime,
  deleted_at datetime, uuid varchar(36), secret varchar(255), name varchar(64),
  address varchar(39), platform varchar(16), software varchar(32), status varchar(16),
  last_seen_at datetime, can_restart smallint, status_requested varchar(16),
  lazy_status_request smallint, supported_task_types varchar(255));
CREATE TABLE worker_tag_membership (worker_tag_id integer, worker_id integer);
CREATE TABLE sleep_schedules (id integer PRIMARY KEY, created_at datetime, updated_at datetime,
  worker_id integer UNIQUE, is_active numeric, days_of_week text, start_time text, end_time text,
  next_check datetime);
CREATE TABLE jobs (id integer PRIMARY KEY, created_at datetime, updated_at datetime,
  uuid varchar(36), name varchar(64), job_type varchar(32), priority smallint,
  status varchar(32), activity varchar(255), settings jsonb, metadata jsonb,
  delete_requested_at datetime, storage_shaman_checkout_id varchar(255), worker_tag_id integer);
CREATE TABLE tasks (id integer PRIMARY KEY, created_at datetime, updated_at datetime,
  uuid varchar(36), name varchar(64), type varchar(32), job_id integer, index_in_job integer,
  priority smallint, status varchar(16), worker_id integer, last_touched_at datetime,
  commands jsonb, activity varchar(255), steps_completed integer, steps_total integer);
CREATE TABLE task_dependencies (task_id integer, dependency_id integer);
CREATE TABLE task_failures (created_at datetime, task_id integer, worker_id integer);
CREATE TABLE job_blocks (id integer PRIMARY KEY, created_at datetime, job_id integer,
  worker_id integer, task_type text);
CREATE TABLE last_rendereds (id integer PRIMARY KEY, created_at datetime, updated_at datetime,
  job_id integer);
"""
_WHEN = "2026-04-01 14:05:06.123456789 +0200 CEST"
_LATER = "2026-04-02T09:00:00.5Z"


def task_id(job: str, index: int) -> str:
    return f"0d{job[2:24]}{job[-4:]}{index:08d}"[:36]


class FlamencoFarm:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.database = folder / "flamenco-manager.sqlite"
        self.config = folder / "flamenco-manager.yaml"
        self.files = folder / "flamenco-manager-storage"
        self._connection = sqlite3.connect(self.database)
        self._connection.executescript(_SCHEMA)

    def fill(self) -> None:
        self._workers()
        self._jobs()
        self._connection.commit()
        self._settings()
        self._job_files()

    def add(self, table: str, **values: Any) -> int:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        query = f"INSERT INTO {table} ({names}) VALUES ({marks})"
        number = self._connection.execute(query, tuple(values.values())).lastrowid
        assert number is not None
        return number

    def spoil(self, statement: str) -> None:
        """As a fault of the disk, or somebody's own hand, may have done."""
        self._connection.execute(statement)
        self._connection.commit()

    def commit(self) -> None:
        self._connection.commit()

    def add_worker(self, uuid: str, status: str, **more: Any) -> int:
        hashed = bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode()
        return self.add(
            "workers",
            **{
                "created_at": _WHEN,
                "uuid": uuid,
                "secret": hashed,
                "name": f"render-{uuid[-1]}",
                "address": "10.0.0.7",
                "platform": "linux",
                "software": "3.8.5",
                "status": status,
                "last_seen_at": _LATER,
                "can_restart": 1,
                "supported_task_types": "blender,ffmpeg,misc",
                **more,
            },
        )

    def add_job(self, uuid: str, status: str, tasks: list[str], **more: Any) -> int:
        number = self.add(
            "jobs",
            **{
                "created_at": _WHEN,
                "updated_at": _LATER,
                "uuid": uuid,
                "name": f"shot {uuid[-1]}",
                "job_type": "simple-blender-render",
                "priority": 50,
                "status": status,
                "activity": f'Changed to status "{status}"',
                "settings": json.dumps({"frames": "1-4", "chunk_size": 1}),
                "metadata": json.dumps({"project": "Soleá", "user.name": "Paca"}),
                **more,
            },
        )
        for index, task in enumerate(tasks, start=1):
            self._add_task(number, uuid, index, task)
        return number

    def _add_task(self, job: int, uuid: str, index: int, status: str) -> None:
        command = {"name": "echo", "parameters": {"message": "olé"}, "total_step_count": 2}
        number = self.add(
            "tasks",
            created_at=_WHEN,
            updated_at=_LATER,
            uuid=task_id(uuid, index),
            name=f"render-{index}",
            type="blender",
            job_id=job,
            index_in_job=index,
            priority=50,
            status=status,
            worker_id=1,
            last_touched_at=_LATER,
            commands=json.dumps([command]),
            activity="was there",
            steps_completed=2 if status == "completed" else 0,
            steps_total=2,
        )
        if index > 1:
            self.add("task_dependencies", task_id=number, dependency_id=number - 1)

    def _workers(self) -> None:
        tag = self.add("worker_tags", uuid=TAG, name="GPU", description="the fast ones")
        awake = self.add_worker(AWAKE_WORKER, "awake")
        sleeper = self.add_worker(SLEEPER, "asleep")
        self.add_worker(DELETED_WORKER, "offline", deleted_at=_LATER)
        self.add("worker_tag_membership", worker_tag_id=tag, worker_id=awake)
        self.add(
            "sleep_schedules",
            worker_id=sleeper,
            is_active=1,
            days_of_week="mo tu",
            start_time="09:00",
            end_time="18:00",
        )

    def _jobs(self) -> None:
        done = self.add_job(DONE, "completed", ["completed"] * 4)
        self.add("last_rendereds", job_id=done)
        tasks = ["completed", "active", "soft-failed", "queued"]
        half = self.add_job(HALF_DONE, "active", tasks, worker_tag_id=1)
        self.add("job_blocks", job_id=half, worker_id=2, task_type="blender")
        soft_failed = task_id(HALF_DONE, 3)
        (number,) = self._connection.execute(
            "SELECT id FROM tasks WHERE uuid = ?", (soft_failed,)
        ).fetchone()
        self.add("task_failures", task_id=number, worker_id=2)
        self.add_job(CANCELING, "cancel-requested", ["completed", "active"])
        self.add_job(BEING_DELETED, "failed", ["failed"], delete_requested_at=_LATER)

    def _settings(self) -> None:
        settings = {
            "_meta": {"version": 3},
            "manager_name": "Compás",
            "listen": ":8080",
            "database": "flamenco-manager.sqlite",
            "shared_storage_path": str(self.files.parent / "shared"),
            "task_timeout": "20m0s",
            "shaman": {"enabled": True, "garbageCollect": {"period": "24h0m0s"}},
            "blocklist_threshold": 5,
            "variables": {
                "blender": {"values": [{"platform": "linux", "value": "/opt/blender/blender"}]},
                "footage": {
                    "is_twoway": True,
                    "values": [
                        {"platform": "linux", "value": "/mnt/footage"},
                        {"platform": "windows", "value": "F:\\footage"},
                    ],
                },
            },
            "no_such_setting": 1,
        }
        self.config.write_text(yaml.safe_dump(settings), encoding="utf-8")

    def _job_files(self) -> None:
        folder = self.files / f"job-{DONE[:4]}" / DONE
        folder.mkdir(parents=True)
        log = "2026-04-01T14:00:00+02:00 Task assigned\npid=7 > Saved: 'olé.png'\n"
        (folder / f"task-{task_id(DONE, 1)}.txt").write_text(log, encoding="utf-8")
        for name in ("last-rendered.jpg", "last-rendered-small.jpg", "last-rendered-tiny.jpg"):
            Image.new("RGB", (20, 11), "crimson").save(folder / name)
