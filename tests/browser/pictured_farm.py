"""The farm of docs/screenshots: what a studio's farm looks like on a usual day."""

import asyncio
import os
import random
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import HistorySampleRow, JobRow
from manager_api.farm_history.ledger import Ended, count_ended
from tests.browser.farm import BrowsedFarm, described
from tests.farm.processes import wait_until
from workflows.domain.farm_history import HOUR, hour_of
from workflows.domain.statuses import TaskStatus

_API = "/api/tablao/v1"
_FRAMES = "1-24"
_RENDER_S = 900.0
_PASSWORD = "a long enough one"
#: Before the lines of the stand-in. Frames of `halfway.blend` after the ninth wait for a file, and
#: those of `long.blend` after the fourteenth for ever; the latter look like those of the fan.
_MORE_SCENES = """for last; do :; done
case "$*" in
*{scene}*)
  {blender} "$@" || exit
  exit 0;;
*gpu.blend*)
  echo "Fra:$last Mem:9000.00M | Sample 3/128"
  echo "CUDA error: Out of memory in cuMemAlloc (9123 MB)" >&2
  exit 1;;
*halfway.blend*)
  echo "Fra:$last Mem:312.00M | Sample 41/128"
  while [ "$last" -gt 9 ] && [ ! -e "$OUT/halfway" ]; do sleep 0.2; done;;
*long.blend*)
  echo "Fra:$last Mem:871.20M | Sample 57/128"
  while [ "$last" -gt 14 ]; do sleep 1; done
  sleep 2
  cp "$OUT/sh030_0010_A_fan_opens/$(printf %06d "$last").png" "$OUT/$last.png"
  echo "Saved: '$OUT/$last.png'"
  exit 0;;
esac
"""
_COMMENTS = {
    "carla": "The fan's **left edge** flickers from frame 12 on. Look at the light `key_soft`.",
    "ana": "Rendered again with more samples:\n\n* frames 1 to 24\n* 256 samples\n\nClean now.",
}
_CAUSES = (
    "Failed: Blender ended with 1: this scene's rig is missing its library",
    "Failed: The GPU's memory is full",
    "Failed: a task timed out after 3 h",
)


class PicturedFarm(BrowsedFarm):
    """The farm of the browser tests with more jobs and workers, and one job that Blender renders.

    Besides those of the browser tests, the worker `dolores` is at a long job, `elena` has been set
    aside, `fermin` has no Blender, and `gines` asks to be let in.
    """

    def __init__(self, directory: Path, blender: Path) -> None:
        super().__init__(directory)
        self.scene = directory / "fan.blend"
        head, body = self._blender.split("\n", 1)
        more = _MORE_SCENES.format(scene=self.scene.name, blender=blender)
        self._blender = f"{head}\n{more}{body}"

    def configure(self, settings: Mapping[str, Any]) -> None:
        """With a shared storage, so that views have no hint for new farms.

        Workers find Blender by its name, so that a worker may be without one.
        """
        programs = self.directory / "bin"
        programs.mkdir(exist_ok=True)
        (programs / "blender").symlink_to(self.directory / "stand-in-blender")
        variables = {"blender": {"values": [{"platform": "linux", "value": "blender"}]}}
        chosen = {"variables": variables, "shared_storage_path": str(self.directory)}
        super().configure({**settings, **chosen})

    def start_host(self, name: str, *arguments: str) -> None:
        with _path(f"{self.directory / 'bin'}{os.pathsep}{os.environ['PATH']}"):
            super().start_host(name, *arguments)

    def submit_frames(self, frames: str, **changes: Any) -> str:
        """A job with a folder of its own."""
        usual = self.out
        self.out = usual / str(changes["name"]).replace(" ", "_")
        try:
            return super().submit_frames(frames, **changes)
        finally:
            self.out = usual

    def populate(self) -> None:
        """Make all of it. It takes some minutes."""
        for person, role in (("ana", "artist"), ("bernat", "artist"), ("carla", "wrangler")):
            account = {"name": person, "role": role, "password": _PASSWORD}
            self._post("accounts", account, 201)
        super().populate()
        self._add_workers()
        self._stop_halfway("sh020_0050 second light", "paused", "pause-requested")
        self._render_fan()
        self._stop_halfway("sh020_0060 old camera", "canceled", "cancel-requested")
        about = described("sh030_0020 crowd", "Trailer", 1)
        self._submit("long.blend", "1-30", **about, worker_tag=self.tags["gpu"], priority=70)
        about = described("sh010_0040 smoke", "Pilot", 2)
        self._submit("gpu.blend", "1-8", **about, worker_tag=self.tags["volumes"])
        wait_until(lambda: self.worker_of_ours("elena")["set_aside"], 120)
        for person, text in _COMMENTS.items():
            self._comment(person, text)
        asyncio.run(self._fill_history())

    def add_webhook(self, address: str) -> None:
        kinds = ["job-done", "job-failed", "worker-lost"]
        hook = {"name": "Render chat", "kinds": kinds, "shape": "slack", "address": address}
        made = self._post("webhooks", hook, 201)
        self._post(f"webhooks/{made['id']}/test", {}, 204)

    def worker_of_ours(self, name: str) -> dict[str, Any]:
        """A worker with the fields that Flamenco does not have."""
        workers = self.http.get(f"{_API}/workers").json()["workers"]
        return next(dict(worker) for worker in workers if worker["name"] == name)

    def _add_workers(self) -> None:
        for name, tag in (("dolores", "gpu"), ("elena", "volumes")):
            self.start_host(name)
            self._until_awake(name)
            self.tags[tag] = self._made_tag(tag)
            self._tag_worker(name, tag)
        tools = self.directory / "tools"
        tools.mkdir()
        (tools / "ffmpeg").symlink_to(shutil.which("ffmpeg") or "ffmpeg")
        with _path(str(tools)):
            super().start_host("fermin")
        self._until_awake("fermin")

    def _until_awake(self, name: str) -> None:
        wait_until(lambda: name in {worker["name"] for worker in self.awake()}, 180)

    def _submit(self, scene: str, frames: str, **changes: Any) -> str:
        (self.directory / scene).touch()
        return self.submit_frames(frames, blend_file=self.directory / scene, **changes)

    def _stop_halfway(self, name: str, wanted: str, change: str) -> None:
        gate = self.out / "halfway"
        gate.unlink(missing_ok=True)
        job = self._submit("halfway.blend", "1-40", priority=90, **described(name, "Pilot", 0))
        wait_until(lambda: self.job(job)["steps_completed"] >= 9, 180)
        self.set_job_status(job, change)
        gate.touch()
        self.until_job_is(job, wanted)

    def _render_fan(self) -> None:
        about = described("sh030_0010 A fan opens", "Tablao", 0)
        job = self.submit_frames(_FRAMES, blend_file=self.scene, priority=60, **about)
        self.until_job_is(job, "completed", timeout_s=_RENDER_S)
        self.standing["completed"] = job

    def _comment(self, person: str, text: str) -> None:
        own_page = {"Sec-Fetch-Site": "same-origin"}
        with httpx.Client(base_url=self.url, timeout=30.0, headers=own_page) as browser:
            login = {"name": person, "password": _PASSWORD}
            browser.post(f"{_API}/login", json=login).raise_for_status()
            place = f"{_API}/jobs/{self.standing['completed']}/comments"
            browser.post(place, json={"text": text}).raise_for_status()

    def _post(self, place: str, body: Mapping[str, Any], wanted: int) -> dict[str, Any]:
        answer = self.http.post(f"{_API}/{place}", json=body)
        assert answer.status_code == wanted, answer.text
        return dict(answer.json()) if answer.content else {}

    async def _fill_history(self) -> None:
        """Six days of a farm that works more by day than by night."""
        chance = random.Random(7)
        workers = [str(self.worker(name)["id"]) for name in ("anita", "bruno", "dolores", "elena")]
        database = Database(f"sqlite+aiosqlite:///{self.data_dir / 'tablao.sqlite'}")
        for number in range(2, 6 * 24):
            hour = hour_of(utc_now()) - number * HOUR
            busy = 14 if 8 <= hour.hour < 20 else 5
            about = {
                "project": chance.choice(("Pilot", "Pilot", "Trailer", "Tablao")),
                "user.name": chance.choice(("ana", "bernat", "carla")),
            }
            tries = [
                _ended(chance, hour, worker)
                for worker in workers
                for _ in range(chance.randrange(busy))
            ]
            waiting = {"busy-equal": chance.randrange(4 * busy), "other-tag": chance.randrange(9)}
            sample = HistorySampleRow(
                hour=hour, samples=12, slots=60, ready=12 * busy, waiting=waiting
            )
            async with database.writing() as session:
                await count_ended(session, JobRow(job_metadata=about), tries)
                session.add(sample)
        await database.close()


def _ended(chance: random.Random, hour: Any, worker: str) -> Ended:
    start = hour + timedelta(minutes=chance.uniform(0, 50))
    end = start + timedelta(minutes=chance.uniform(1, 8))
    if chance.randrange(30) == 0:
        failed = TaskStatus.SOFT_FAILED
        return Ended("blender", failed, chance.choice(_CAUSES), worker, start, end, 1)
    return Ended("blender", TaskStatus.COMPLETED, "", worker, start, end, chance.randrange(1, 5))


@contextmanager
def _path(path: str) -> Iterator[None]:
    """Processes that are started meanwhile look there for programs."""
    usual = os.environ["PATH"]
    os.environ["PATH"] = path
    try:
        yield
    finally:
        os.environ["PATH"] = usual
