"""A job that waits says why: in the list, in its details, of its tasks, and on the command line."""

from pathlib import Path

from tests.farm.command_line import tablao
from tests.farm.processes import FarmProcesses, wait_until


def test_a_job_says_why_it_waits_and_stops_when_its_worker_comes(tmp_path: Path) -> None:
    with FarmProcesses(tmp_path / "farm") as farm:
        farm.start_hosts(1)
        wait_until(farm.awake)
        [worker] = farm.awake()
        tag = farm.http.post("/api/v3/worker-mgt/tags", json={"name": "bigmem"}).json()["id"]
        job_id = farm.submit_frames("1", worker_tag=tag)

        why = 'No worker has the tag "bigmem".'
        wait_until(lambda: farm.job(job_id).get("waiting") == why)
        reasons = farm.http.get(f"/api/tablao/v1/jobs/{job_id}/reasons").json()
        [waiting] = reasons["waiting"]
        assert (waiting["task_type"], waiting["tasks"]) == ("blender", 1)
        assert waiting["hindered"] == [
            {"cause": "other-tag", "workers": 1, "names": [worker["name"]]}
        ]
        [task] = farm.tasks(job_id)
        assert _waiting_of(farm, task["id"]) == why
        assert f"{job_id[:8]} waits: {why}" in tablao(farm, "jobs").out
        assert f"1 task: {why}" in tablao(farm, "job", "show", job_id).out
        assert why in tablao(farm, "task", "show", task["id"]).out

        tags = f"/api/v3/worker-mgt/workers/{worker['id']}/settags"
        farm.http.post(tags, json={"tag_ids": [tag]}).raise_for_status()
        job = farm.until_job_is(job_id, "completed")
        assert "waiting" not in job
        assert farm.http.get(f"/api/tablao/v1/jobs/{job_id}/reasons").json()["waiting"] == []


def _waiting_of(farm: FarmProcesses, task_id: str) -> str:
    tries = farm.http.get(f"/api/tablao/v1/tasks/{task_id}/tries").json()
    return str(tries["waiting"])
