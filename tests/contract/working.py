"""Workers join and work, jobs are submitted and commanded."""

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from PIL import Image

from tests.contract.scene import NO_ID, NOBODY, SECRET, Scene, Worker, a_job, refused_by_id
from tests.farm.processes import wait_until


def joining(scene: Scene) -> None:
    call = scene.api.call
    call("registerWorker", 400, json={"name": "no secret"})
    worker = scene.new_worker("carmen", ["misc"])
    stranger = httpx.BasicAuth(NOBODY, SECRET)
    sign_on = {"name": "x", "supported_task_types": [], "software_version": "1"}
    call("signOn", 403, json=sign_on, auth=stranger)
    call("signOn", 400, json={}, auth=worker.auth)
    call("workerState", 204, auth=worker.auth)
    call("workerState", 403, auth=stranger)
    call("workerStateChanged", 204, json={"status": "asleep"}, auth=worker.auth)
    call("workerStateChanged", 400, json={"status": "dancing"}, auth=worker.auth)
    call("workerStateChanged", 403, json={"status": "awake"}, auth=stranger)
    call("scheduleTask", 409, auth=worker.auth)
    call("scheduleTask", 403, auth=stranger)
    call("workerStateChanged", 204, json={"status": "awake"}, auth=worker.auth)
    call("scheduleTask", 204, auth=worker.auth)
    call("signOff", 403, auth=stranger)


def submitting(scene: Scene) -> None:
    call = scene.api.call
    scene.job = scene.new_job()
    call("submitJob", 400, json=a_job("soleá", type="no-such-type"))
    call("submitJob", 412, json=a_job("soleá", type_etag="stale"))
    call("submitJobCheck", 204, json=a_job("soleá"))
    call("submitJobCheck", 400, json=a_job("soleá", settings={}))
    call("submitJobCheck", 412, json=a_job("soleá", type_etag="stale"))
    call("fetchJobs", 200)
    call("fetchJob", 400, job_id=NO_ID)
    call("fetchJob", 404, job_id=NOBODY)
    call("fetchJobTasks", 400, job_id=NO_ID)
    assert call("fetchJobTasks", 200, job_id=NOBODY) == {"tasks": []}
    task_id = scene.task_of(scene.job)
    call("fetchTask", 200, task_id=task_id)
    call("fetchTask", 400, task_id=NO_ID)
    call("fetchTask", 404, task_id=NOBODY)
    for log in ("fetchTaskLogTail", "fetchTaskLogInfo"):
        call(log, 204, task_id=task_id)
        call(log, 400, task_id=NO_ID)
        call(log, 404, task_id=NOBODY)
    call("fetchJobLastRenderedInfo", 204, job_id=scene.job["id"])
    call("fetchJobLastRenderedInfo", 400, job_id=NO_ID)
    call("fetchGlobalLastRenderedInfo", 204)


def working(scene: Scene) -> None:
    call, worker = scene.api.call, scene.workers[0]
    stranger, idler = httpx.BasicAuth(NOBODY, SECRET), scene.new_worker("idler", ["nothing"])
    task = _given_task(scene, worker)
    call("mayWorkerRun", 200, task_id=task["uuid"], auth=worker.auth)
    call("mayWorkerRun", 400, task_id=NO_ID, auth=worker.auth)
    call("mayWorkerRun", 403, task_id=task["uuid"], auth=stranger)
    update = {"taskStatus": "active", "activity": "Started", "log": "olé", "steps_completed": 1}
    call("taskUpdate", 204, task_id=task["uuid"], json=update, auth=worker.auth)
    call("taskUpdate", 400, task_id=NO_ID, json=update, auth=worker.auth)
    soft = {"taskStatus": "soft-failed"}
    call("taskUpdate", 400, task_id=task["uuid"], json=soft, auth=worker.auth)
    call("taskUpdate", 403, task_id=task["uuid"], json=update, auth=stranger)
    call("taskUpdate", 404, task_id=NOBODY, json=update, auth=worker.auth)
    call("taskUpdate", 409, task_id=task["uuid"], json=update, auth=idler.auth)
    _images(scene, worker, task["uuid"])
    _finish(scene, worker, task)
    _finish(scene, worker, _given_task(scene, worker))
    scene.until_job_is(scene.job, "completed")
    for log in ("fetchTaskLogTail", "fetchTaskLogInfo"):
        call(log, 200, task_id=task["uuid"])


def _given_task(scene: Scene, worker: Worker) -> dict[str, Any]:
    """A worker asks until there is something."""
    call = scene.api.call

    def asked() -> dict[str, Any] | None:
        answer = scene.api.any_of("scheduleTask", {200, 204}, auth=worker.auth)
        return dict(answer) if answer else None

    task = wait_until(asked, 90)
    assert call("fetchTask", 200, task_id=task["uuid"])["id"] == task["uuid"]
    return task


def _finish(scene: Scene, worker: Worker, task: dict[str, Any]) -> None:
    done = {"taskStatus": "completed", "activity": "Completed"}
    scene.api.call("taskUpdate", 204, task_id=task["uuid"], json=done, auth=worker.auth)


def _images(scene: Scene, worker: Worker, task_id: str) -> None:
    call = scene.api.call
    png, jpeg = {"content-type": "image/png"}, {"content-type": "image/jpeg"}
    picture = _picture("PNG", 64)

    def post(expected: int, content: bytes, headers: dict[str, str], **more: Any) -> None:
        arguments = {"task_id": task_id, "auth": worker.auth, **more}
        call("taskOutputProduced", expected, content=content, headers=headers, **arguments)

    post(202, picture, png)
    post(202, _picture("JPEG", 64), jpeg)
    post(400, picture, {"content-type": "image/tiff"})
    post(400, picture, png, task_id=NO_ID)
    post(403, picture, png, auth=httpx.BasicAuth(NOBODY, SECRET))
    post(404, picture, png, task_id=NOBODY)
    post(413, bytes(26_214_401), png)
    # Before other jobs have images: with the deletion of the last one, the farm has none.
    wait_until(lambda: scene.api.any_of("fetchGlobalLastRenderedInfo", {200, 204}), 90)
    _too_many_images(scene, worker)
    assert call("fetchJobLastRenderedInfo", 200, job_id=scene.job["id"])["suffixes"]


def _too_many_images(scene: Scene, worker: Worker) -> None:
    """Large ones, for more jobs than there are places, at once."""
    jobs = [scene.new_job(f"image {number}", initial_status="paused") for number in range(40)]
    tasks = [scene.task_of(job) for job in jobs]
    large = _picture("PNG", 5500)

    def post(task_id: str) -> None:
        scene.api.any_of(
            "taskOutputProduced",
            {202, 429},
            content=large,
            headers={"content-type": "image/png"},
            auth=worker.auth,
            task_id=task_id,
        )

    with ThreadPoolExecutor(len(tasks)) as pool:
        list(pool.map(post, tasks))
    for job in jobs:
        scene.api.call("deleteJob", 204, job_id=job["id"])


def _picture(kind: str, size: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size), "crimson").save(file, kind)
    return file.getvalue()


def commanding_jobs(scene: Scene) -> None:
    call = scene.api.call
    job = scene.new_job("bulería", initial_status="paused")
    task_id = scene.task_of(job)
    wish = {"status": "cancel-requested", "reason": "a try"}
    refused_by_id("setJobStatus", scene, json=wish, key="job_id")
    call("setJobStatus", 400, job_id=job["id"], json={"status": "dancing", "reason": ""})
    call("setJobPriority", 204, job_id=job["id"], json={"priority": 99})
    call("setJobPriority", 400, job_id=job["id"], json={"priority": 101})
    refused_by_id("setJobPriority", scene, json={"priority": 5}, key="job_id")
    call("setTaskStatus", 204, task_id=task_id, json={"status": "canceled", "reason": ""})
    call("setTaskStatus", 422, task_id=task_id, json={"status": "paused", "reason": ""})
    call("setTaskStatus", 400, task_id=task_id, json={"status": "dancing", "reason": ""})
    call("setTaskStatus", 404, task_id=NOBODY, json={"status": "canceled", "reason": ""})
    call("setJobStatus", 204, job_id=job["id"], json=wish)
    scene.until_job_is(job, "canceled")
    call("setJobStatus", 422, job_id=job["id"], json={"status": "pause-requested", "reason": ""})
