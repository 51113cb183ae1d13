"""One job's life on a real farm, and what three kinds of listeners hear of it."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.farm.processes import SCALED, FarmProcesses, wait_until
from tests.manager.events.broker import Broker
from tests.manager.events.ears import Heard, MqttEars, SocketIoEars, WebSocketEars

PREFIX = "flamenco"
MARK = "here it begins"


@dataclass
class Life:
    """What was heard, by way of listening."""

    job_id: str = ""
    websocket: list[Heard] = field(default_factory=list)
    socket_io: list[Heard] = field(default_factory=list)
    mqtt: list[Heard] = field(default_factory=list)


def one_jobs_life(directory: Path, frames: int) -> Life:
    """Submit, run, look at the image, change the priority, delete; then the manager stops."""
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(directory / "broker"))
        mqtt = MqttEars(broker.port, PREFIX)
        stack.callback(mqtt.close)
        settings = {
            "TABLAO_MQTT__CLIENT__ENABLED": "true",
            "TABLAO_MQTT__CLIENT__BROKER": broker.url,
        }
        farm = FarmProcesses(directory / "farm", frame_s=0.5, settings={**SCALED, **settings})
        stack.enter_context(farm)
        websocket, socket_io = WebSocketEars(farm.url), SocketIoEars(farm.url)
        job_id = _play(farm, frames, websocket, socket_io)
        farm.terminate_manager()
        for heard in (mqtt.heard, websocket.heard, socket_io.heard):
            _until_heard(heard, lambda each: each.payload.get("type") == "manager-shutdown")
        socket_io.close()
        websocket.close()
    return Life(job_id, websocket.heard, socket_io.heard, mqtt.heard)


def _play(
    farm: FarmProcesses, frames: int, websocket: WebSocketEars, socket_io: SocketIoEars
) -> str:
    for kind in ("allJobs", "allWorkers", "allLastRendered", "allWorkerTags"):
        socket_io.subscribe(kind)
    # From here on, all hear the same.
    farm.http.post("/api/v3/worker-mgt/tags", json={"name": MARK}).raise_for_status()
    job_id = farm.submit_frames(f"1-{frames}", initial_status="paused")
    socket_io.subscribe("job", job_id)
    for task in farm.tasks(job_id):
        socket_io.subscribe("tasklog", task["id"])
    farm.start_hosts(1)
    change = {"status": "queued", "reason": "all are listening"}
    farm.http.post(f"/api/v3/jobs/{job_id}/setstatus", json=change).raise_for_status()
    farm.until_job_is(job_id, "completed")
    _until_heard(websocket.heard, lambda heard: heard.topic == "/last-rendered")
    priority = {"priority": 80}
    farm.http.post(f"/api/v3/jobs/{job_id}/setpriority", json=priority).raise_for_status()
    farm.http.delete(f"/api/v3/jobs/{job_id}").raise_for_status()
    _until_heard(websocket.heard, lambda heard: bool(heard.payload.get("was_deleted")))
    return job_id


def _until_heard(heard: list[Heard], what: Callable[[Heard], bool]) -> None:
    wait_until(lambda: any(map(what, list(heard))), 120)


def after_mark(heard: list[Heard]) -> list[Heard]:
    """What came after all were listening."""
    marks = [number for number, each in enumerate(heard) if _is_mark(each)]
    return heard[marks[0] :] if marks else []


def _is_mark(heard: Heard) -> bool:
    return heard.topic == "/workertags" and heard.payload["tag"]["name"] == MARK
