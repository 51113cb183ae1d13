"""The farm behind the pages: real manager and hosts, jobs in most statuses, stand-in frames."""

from pathlib import Path
from typing import Any, Self

from tests.farm.processes import SCALED, STAND_IN, FarmProcesses, wait_until

#: Its frame is at its third sample of eight until somebody calls `go_on`.
PATIENT = "patient.blend"
#: Fails for a scene that is called so; the stand-in of the other tests for all others.
BROKEN = "broken.blend"
_BLENDER = STAND_IN.replace(
    "for last;",
    f"""case "$*" in *{BROKEN}*)
  echo "Read blend: {BROKEN}"
  echo "Error: this scene's rig is missing its library" >&2
  exit 1;;
*{PATIENT}*)
  echo "Fra:1 Mem:1.00M | Sample 3/8"
  while [ ! -e "$OUT/go-on" ]; do sleep 0.2; done;;
esac
for last;""",
    1,
)
_SETTINGS = {
    **SCALED,
    "TABLAO_TASK_FAIL_AFTER_SOFTFAIL_COUNT": "1",
    "TABLAO_BLOCKLIST_THRESHOLD": "3",
    "TABLAO_NOTIFICATIONS__GATHER": "500ms",
}
_PEOPLE = ("ana", "bernat", "carla")


class BrowsedFarm(FarmProcesses):
    """Workers: `anita` takes what comes, `bruno` is kept busy, `carmen` sleeps."""

    def __init__(self, directory: Path, frame_s: float = 0.2, **settings: str) -> None:
        """
        Args:
            directory: where the farm keeps everything.
            frame_s: how long the stand-in for Blender renders a frame.
            settings: environment variables that differ from those of the tests.
        """
        super().__init__(
            directory, frame_s=frame_s, settings=_SETTINGS | settings, blender=_BLENDER
        )
        #: The id of the job that stays in a status, by the status.
        self.standing: dict[str, str] = {}
        #: Worker tags' ids by name; no worker has the tag `nobody`.
        self.tags: dict[str, str] = {}

    def __enter__(self) -> Self:
        super().__enter__()
        (self.directory / BROKEN).touch()
        (self.directory / PATIENT).touch()
        return self

    def link_code(self) -> str:
        """The code of a new one-time link, with which a browser logs in as an administrator."""
        answer = self.http.post("/api/tablao/v1/login-links")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["code"])

    def populate(self) -> None:
        """Hosts, and a job in each of the statuses that last."""
        for name in ("anita", "bruno", "carmen"):
            self.start_host(name)
        wait_until(lambda: len(self.awake()) == 3, 180)
        for name in ("slow", "nobody"):
            self.tags[name] = self._made_tag(name)
        self._tag_worker("bruno", "slow")
        self.change_worker("carmen", "asleep")
        self._submit_jobs()
        self._until_settled()

    def _submit_jobs(self) -> None:
        standing = self.standing
        nobody = {"worker_tag": self.tags["nobody"]}
        naps = {"message": "good night", "sleep_duration_seconds": 7200, "sleep_repeats": 5}
        standing["active"] = self.submit(
            "echo-sleep-test",
            naps,
            **described("Lighting tests", "Pilot", 0),
            worker_tag=self.tags["slow"],
            priority=80,
        )
        about = described("sh010_0020 layout", "Pilot", 1)
        standing["completed"] = self.submit_frames("1-12", **about)
        standing["failed"] = self.submit_frames(
            "1-20",
            blend_file=self.directory / BROKEN,
            **described("sh010_0030 rig is broken", "Pilot", 2),
        )
        about = described("sh020_0010 waits for a tag", "Trailer", 0)
        standing["queued"] = self.submit_frames("1-40", **about, **nobody, priority=30)
        about = described("sh020_0020 paused at birth", "Trailer", 1)
        standing["paused"] = self.submit_frames("1-40", **about, initial_status="paused")
        about = described("sh020_0030 no longer wanted", "Trailer", 2)
        standing["canceled"] = self.submit_frames("1-40", **about, **nobody)
        self.set_job_status(standing["canceled"], "cancel-requested")

    def _until_settled(self) -> None:
        for status, job_id in self.standing.items():
            self.until_job_is(job_id, status, timeout_s=180)
        active = self.standing["active"]
        wait_until(lambda: any(task["status"] == "active" for task in self.tasks(active)))
        wait_until(lambda: self.worker("carmen")["status"] == "asleep")

    def submit_frames(self, frames: str, *, blend_file: Any = None, **changes: Any) -> str:
        usual = self.blend_file
        self.blend_file = blend_file or usual
        try:
            return super().submit_frames(frames, **changes)
        finally:
            self.blend_file = usual

    def delete_other_jobs(self) -> None:
        """Delete all jobs but the standing ones, and wait until they are gone."""
        for job_id in self._other_jobs():
            answer = self.http.delete(f"/api/v3/jobs/{job_id}")
            # Some are being deleted already.
            assert answer.status_code in (204, 404, 422), answer.text
        wait_until(lambda: not self._other_jobs(), 180)

    def _other_jobs(self) -> set[str]:
        jobs = self.http.get("/api/v3/jobs").json()["jobs"]
        return {job["id"] for job in jobs} - set(self.standing.values())

    def go_on(self) -> None:
        (self.out / "go-on").touch()

    def set_job_status(self, job_id: str, status: str) -> None:
        change = {"status": status, "reason": "asked for by a test"}
        answer = self.http.post(f"/api/v3/jobs/{job_id}/setstatus", json=change)
        assert answer.status_code == 204, answer.text

    def worker(self, name: str) -> dict[str, Any]:
        workers = self.http.get("/api/v3/worker-mgt/workers").json()["workers"]
        return next(dict(worker) for worker in workers if worker["name"] == name)

    def change_worker(self, name: str, status: str, *, is_lazy: bool = False) -> None:
        change = {"status": status, "is_lazy": is_lazy}
        address = f"/api/v3/worker-mgt/workers/{self.worker(name)['id']}/setstatus"
        answer = self.http.post(address, json=change)
        assert answer.status_code == 204, answer.text

    def _made_tag(self, name: str) -> str:
        tag = {"name": name, "description": f"for tests: {name}"}
        answer = self.http.post("/api/v3/worker-mgt/tags", json=tag)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def _tag_worker(self, worker: str, tag: str) -> None:
        address = f"/api/v3/worker-mgt/workers/{self.worker(worker)['id']}/settags"
        answer = self.http.post(address, json={"tag_ids": [self.tags[tag]]})
        assert answer.status_code == 204, answer.text


def described(name: str, project: str, person: int) -> dict[str, Any]:
    """Who wants the job, and what for."""
    return {"name": name, "metadata": {"project": project, "user.name": _PEOPLE[person]}}
