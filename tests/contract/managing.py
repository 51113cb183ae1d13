"""The manager is asked about itself and configured; workers are tagged, blocked, sent to sleep."""

from tests.contract.scene import NO_ID, NOBODY, Scene, refused_by_id


def about_itself(scene: Scene) -> None:
    call = scene.api.call
    call("getVersion", 200)
    call("getFarmStatus", 200)
    assert call("getConfiguration", 200)["shamanEnabled"] is True
    usable = call("checkSharedStoragePath", 200, json={"path": str(scene.storage)})
    unusable = call("checkSharedStoragePath", 200, json={"path": "/no/such/place"})
    assert (usable["is_usable"], unusable["is_usable"]) == (True, False)
    call("checkSharedStoragePath", 400, json={})
    call("findBlenderExePath", 200)
    assert call("checkBlenderExePath", 200, json={"path": "/no/blender"})["is_usable"] is False
    call("checkBlenderExePath", 400, json={"path": 7})
    assert call("getVariables", 200, audience="workers", platform="linux")["jobs"]["value"]
    call("getVariables", 400, audience="dancers", platform="linux")
    call("getSharedStorage", 200, audience="users", platform="windows")
    call("getSharedStorage", 400, audience="dancers", platform="linux")


def configuration(scene: Scene) -> None:
    call = scene.api.call
    page = call("getConfigurationFile", 200)
    call("updateConfigurationFile", 204, json={**page, "manager_name": "Tablao de prueba"})
    assert call("getVersion", 200)["name"] == "Tablao de prueba"
    call("updateConfigurationFile", 400, json={**page, "blocklist_threshold": "many"})
    blender = {
        "input": "",
        "path": "blender",
        "source": "default",
        "is_usable": True,
        "cause": "",
    }
    wanted = {"storageLocation": str(scene.storage), "blenderExecutable": blender}
    call("saveSetupAssistantConfig", 204, json=wanted)
    call("saveSetupAssistantConfig", 400, json={**wanted, "storageLocation": ""})


def job_types(scene: Scene) -> None:
    call = scene.api.call
    names = [each["name"] for each in call("getJobTypes", 200)["job_types"]]
    assert "simple-blender-render" in names
    assert "broken" not in names
    call("getJobType", 200, typeName="echo-sleep-test")
    call("getJobType", 404, typeName="no-such-type")
    call("getJobType", 500, typeName="broken")


def blocklist(scene: Scene) -> None:
    call, job_id = scene.api.call, scene.job["id"]
    assert call("fetchJobBlocklist", 200, job_id=job_id) == []
    call("fetchJobBlocklist", 400, job_id=NO_ID)
    entry = {"worker_id": scene.workers[0].id, "task_type": "misc"}
    call("removeJobBlocklist", 204, job_id=job_id, json=[entry])
    call("removeJobBlocklist", 400, job_id=job_id, json=[])


def tags(scene: Scene) -> None:
    call, worker = scene.api.call, scene.workers[0]
    tag = call("createWorkerTag", 200, json={"name": "GPU", "description": "the fast ones"})
    call("createWorkerTag", 400, json={"description": "no name"})
    call("createWorkerTag", 409, json={"name": "GPU"})
    call("fetchWorkerTags", 200)
    call("fetchWorkerTag", 200, tag_id=tag["id"])
    call("fetchWorkerTag", 400, tag_id=NO_ID)
    call("fetchWorkerTag", 404, tag_id=NOBODY)
    call("updateWorkerTag", 204, tag_id=tag["id"], json={"name": "GPUs"})
    refused_by_id("updateWorkerTag", scene, json={"name": "CPU"}, key="tag_id")
    call("setWorkerTags", 204, worker_id=worker.id, json={"tag_ids": [tag["id"]]})
    refused_by_id("setWorkerTags", scene, json={"tag_ids": []}, key="worker_id")
    job = scene.new_job("tagged", initial_status="paused", worker_tag=tag["id"])
    call("deleteWorkerTag", 409, tag_id=tag["id"])
    call("setJobTag", 204, job_id=job["id"], json={})
    call("setJobTag", 204, job_id=job["id"], json={"name": "GPUs"})
    call("setJobTag", 406, job_id=job["id"], json={"id": NOBODY})
    refused_by_id("setJobTag", scene, json={}, key="job_id")
    call("setJobTag", 204, job_id=job["id"], json={})
    call("deleteWorkerTag", 204, tag_id=tag["id"])
    call("deleteWorkerTag", 400, tag_id=NO_ID)
    call("deleteWorkerTag", 404, tag_id=NOBODY)


def managing_workers(scene: Scene) -> None:
    call, worker = scene.api.call, scene.workers[0]
    call("fetchWorkers", 200)
    assert call("fetchWorker", 200, worker_id=worker.id)["name"] == "carmen"
    call("fetchWorker", 400, worker_id=NO_ID)
    call("fetchWorker", 404, worker_id=NOBODY)
    sleep = {"status": "asleep", "is_lazy": True}
    call("requestWorkerStatusChange", 204, worker_id=worker.id, json=sleep)
    restart = {"status": "restart", "is_lazy": True}
    call("requestWorkerStatusChange", 412, worker_id=worker.id, json=restart)
    refused_by_id("requestWorkerStatusChange", scene, json=sleep, key="worker_id")
    call("scheduleTask", 423, auth=worker.auth)
    assert call("workerState", 200, auth=worker.auth) == {"status_requested": "asleep"}
    call("workerStateChanged", 204, json={"status": "asleep"}, auth=worker.auth)
    call("fetchWorkerSleepSchedule", 204, worker_id=worker.id)
    call("fetchWorkerSleepSchedule", 400, worker_id=NO_ID)
    nights = {
        "is_active": True,
        "days_of_week": "mo tu",
        "start_time": "22:00",
        "end_time": "06:00",
    }
    call("setWorkerSleepSchedule", 204, worker_id=worker.id, json=nights)
    assert call("fetchWorkerSleepSchedule", 200, worker_id=worker.id) == nights
    late = {**nights, "start_time": "25:99"}
    call("setWorkerSleepSchedule", 400, worker_id=worker.id, json=late)
    call("setWorkerSleepSchedule", 404, worker_id=NOBODY, json=nights)
    call("signOff", 204, auth=worker.auth)
    call("deleteWorker", 204, worker_id=worker.id)
    call("deleteWorker", 400, worker_id=NO_ID)
    call("deleteWorker", 404, worker_id=worker.id)
