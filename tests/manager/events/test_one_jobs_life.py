"""One job's life as it is told on the WebSocket, by Socket.IO and by MQTT; real processes."""

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it publishes no types
import pytest

from tests.contract.document import CONTRACT
from tests.manager.events.ears import Heard
from tests.manager.events.one_job import Life, after_mark, one_jobs_life
from tests.manager.events.show import differences

FRAMES = 2


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return one_jobs_life(tmp_path_factory.mktemp("events"), FRAMES)


def test_all_three_hear_the_same_in_the_same_order(life: Life) -> None:
    assert len(after_mark(life.websocket)) > 10 * FRAMES
    assert differences(life) == []


def test_every_topic_is_told(life: Life) -> None:
    told = {heard.topic.replace(life.job_id, "JOB") for heard in life.websocket}
    logs = {topic for topic in told if topic.startswith("/tasklog/")}

    assert told - logs == {
        *("/lifecycle", "/status", "/jobs", "/jobs/JOB", "/jobs/JOB/last-rendered"),
        *("/last-rendered", "/workers", "/workertags"),
    }
    assert len(logs) == FRAMES


def test_a_jobs_statuses_are_told_step_by_step(life: Life) -> None:
    steps = [
        (heard.payload["previous_status"], heard.payload["status"])
        for heard in life.mqtt
        if heard.topic == "/jobs" and "previous_status" in heard.payload
    ]
    *_, priority, deletion_asked_for, deleted = (
        heard.payload for heard in life.mqtt if heard.topic == "/jobs"
    )

    assert steps == [("paused", "queued"), ("queued", "active"), ("active", "completed")]
    assert (priority["priority"], "previous_status" in priority) == (80, False)
    assert "delete_requested_at" in deletion_asked_for
    assert deleted == {
        "id": life.job_id,
        "was_deleted": True,
        "updated": "0001-01-01T00:00:00Z",
        "status": "",
        "type": "",
        "priority": 0,
        "refresh_tasks": False,
        "steps_completed": 0,
        "steps_total": 0,
    }


def test_start_and_stop_of_the_manager_are_told(life: Life) -> None:
    types = [heard.payload["type"] for heard in life.mqtt if heard.topic == "/lifecycle"]

    assert types == ["manager-startup", "manager-shutdown"]


def test_payloads_are_what_the_contract_calls_so(life: Life) -> None:
    document = json.loads(CONTRACT.read_text())
    # It asks for a field that it does not have.
    document["components"]["schemas"]["EventLastRenderedUpdate"]["required"].remove("task_id")

    for heard in [*life.websocket, *life.mqtt]:
        if not heard.payload.get("was_deleted"):  # then its status is none, which fits nothing
            _check(heard, document)


#: Fields that Flamenco's document does not have, which its clients pass over (docs/events.md).
OURS = {
    "EventJobUpdate": {"task_counts", "frame_s", "waiting"},
    "EventTaskLogUpdate": {"attempt"},
}


def _check(heard: Heard, document: dict[str, Any]) -> None:
    schema = {"$ref": f"#/components/schemas/{_schema(heard.topic)}"}
    jsonschema.validate(heard.payload, schema | {"components": document["components"]})
    known = document["components"]["schemas"][_schema(heard.topic)].get("properties", {"status": 1})
    assert set(heard.payload) <= set(known) | OURS.get(_schema(heard.topic), set())


def _schema(topic: str) -> str:
    if topic.endswith("/last-rendered"):
        return "EventLastRenderedUpdate"
    return {
        "lifecycle": "EventLifeCycle",
        "status": "EventFarmStatus",
        "jobs": "EventTaskUpdate" if topic.count("/") == 2 else "EventJobUpdate",
        "tasklog": "EventTaskLogUpdate",
        "workers": "EventWorkerUpdate",
        "workertags": "EventWorkerTagUpdate",
    }[topic.split("/")[1]]
