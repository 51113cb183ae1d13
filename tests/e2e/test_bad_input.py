"""Bad input to a farm that runs: an answer or a log with a sentence, and the farm goes on."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psutil
import pytest

from tests.farm.custom_jobs import ScriptFarm, script
from tests.farm.memory import MB, watched_memory
from tests.farm.processes import wait_until
from workflows.domain.job_types.definitions import AuthoredCommand, AuthoredTask

LEFT_OUT = re.compile(r"^\[(\d+) bytes are left out here", re.MULTILINE)

logger = logging.getLogger(__name__)

STORED = ("jobs", "tasks", "outbox", "job_blocks")

ECHO: dict[str, Any] = {
    "name": "echo",
    "type": "echo-sleep-test",
    "priority": 50,
    "submitter_platform": "linux",
    "settings": {"message": "olé", "sleep_duration_seconds": 0, "sleep_repeats": 1},
}
FRAMES: dict[str, Any] = {
    "name": "frames",
    "type": "simple-blender-render",
    "priority": 50,
    "submitter_platform": "linux",
    "settings": {
        "frames": "1-3",
        "chunk_size": 1,
        "render_output_root": "/nowhere",
        "add_path_components": 0,
        "render_output_path": "/nowhere/######",
        "blendfile": "/nowhere/shot.blend",
        "format": "PNG",
        "image_file_extension": ".png",
        "scene": "Scene",
    },
}


def with_settings(job: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return job | {"settings": {**job["settings"], **settings}}


def bytes_said(farm: ScriptFarm, task_id: str) -> int:
    """What has arrived of a task's log: what is kept of it, and what is left out of a long one."""
    log = farm.log(task_id)
    return len(log) + sum(int(count) for count in LEFT_OUT.findall(log))


def stored(farm: ScriptFarm) -> list[int]:
    return [farm.rows(table) for table in STORED]


@pytest.fixture
def _nothing_stored(farm: ScriptFarm) -> Iterator[None]:
    """Whatever was refused left nothing behind."""
    wait_until(lambda: farm.rows("outbox") == 0)
    before = stored(farm)
    yield
    assert stored(farm) == before


@pytest.fixture
def _nothing_stuck(farm: ScriptFarm) -> Iterator[None]:
    """Whatever came of it, the next job is done, and nothing of the last one runs on."""
    others = set(farm.shim_pids())
    yield
    job_id = str(farm.http.post("/api/v3/jobs", json=ECHO).json()["id"])
    farm.until_job_is(job_id, "completed")
    wait_until(lambda: set(farm.shim_pids()) <= others, 60)


@pytest.mark.usefixtures("_nothing_stored")
@pytest.mark.parametrize(
    ("job", "words"),
    [
        pytest.param(ECHO | {"type": "zapateado"}, "zapateado", id="unknown job type"),
        pytest.param(ECHO | {"settings": {}}, "message", id="missing setting"),
        pytest.param(with_settings(ECHO, message=7), "message", id="number for text"),
        pytest.param(with_settings(ECHO, sleep_repeats="x"), "sleep_repeats", id="text for number"),
        pytest.param(with_settings(FRAMES, frames="1-"), "1-", id="frames without an end"),
        pytest.param(with_settings(FRAMES, frames="10-1"), "10-1", id="frames backwards"),
        pytest.param(with_settings(FRAMES, frames="1-999999999"), "frames", id="too many frames"),
        pytest.param(with_settings(FRAMES, chunk_size=0), "chunk", id="chunks of nothing"),
        pytest.param(ECHO | {"name": ""}, "name", id="empty name"),
        pytest.param(ECHO | {"name": "two\nlines"}, "line", id="name of two lines"),
        pytest.param(ECHO | {"priority": -1}, "priority", id="priority below 0"),
        pytest.param(ECHO | {"priority": 101}, "priority", id="priority above 100"),
    ],
)
def test_a_job_that_cannot_be_is_refused(farm: ScriptFarm, job: dict[str, Any], words: str) -> None:
    answer = farm.http.post("/api/v3/jobs", json=job)

    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert "\n" not in answer.json()["message"]


@pytest.mark.usefixtures("_nothing_stored")
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"nope", b"\xff\xfe"])
def test_what_is_no_json_of_a_job_is_refused(farm: ScriptFarm, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}

    answer = farm.http.post("/api/v3/jobs", content=body, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["message"]


@pytest.mark.usefixtures("_nothing_stored")
def test_a_request_of_50_mb_is_refused_and_not_kept(farm: ScriptFarm, record_property: Any) -> None:
    body = json.dumps(with_settings(ECHO, message="x" * 50 * MB)).encode()

    with watched_memory(farm) as memory:
        answer = farm.http.post(
            "/api/v3/jobs", content=body, headers={"Content-Type": "application/json"}
        )

    logger.info("a request of 50 MB: %s", memory)
    assert answer.status_code == answer.json()["code"] == 413
    assert answer.json()["message"]
    assert memory.grown("manager") < 20 * MB


@pytest.mark.usefixtures("_nothing_stored")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v3/jobs/{}", None),
        ("/api/v3/tasks/{}", None),
        ("/api/v3/worker-mgt/workers/{}", None),
        ("/api/v3/jobs/{}/setstatus", {"status": "cancel-requested", "reason": "x"}),
        ("/api/v3/jobs/{}/setpriority", {"priority": 5}),
        ("/api/v3/tasks/{}/setstatus", {"status": "canceled", "reason": "x"}),
        ("/api/tablao/v1/jobs/{}/actions", {"action": "requeue"}),
    ],
)
def test_an_unknown_id_is_not_found(farm: ScriptFarm, path: str, body: Any) -> None:
    unknown = str(uuid4())

    answer = farm.http.request("GET" if body is None else "POST", path.format(unknown), json=body)

    assert answer.status_code == answer.json()["code"] == 404
    assert unknown in answer.json()["message"]


@pytest.mark.usefixtures("_nothing_stuck")
@pytest.mark.parametrize("name", ["💃🏽 sevillanas", "соледад", "雪の夜", "a\u0301 '\"\\ <b>"])
def test_names_in_any_script_are_kept_and_render(farm: ScriptFarm, name: str) -> None:
    job = with_settings(ECHO, message=name) | {"name": name}

    job_id = str(farm.http.post("/api/v3/jobs", json=job).json()["id"])

    assert farm.until_job_is(job_id, "completed")["name"] == name
    assert f'echo: "{name}"' in farm.log(farm.tasks(job_id)[0]["id"])


@pytest.mark.usefixtures("_nothing_stuck")
def test_a_job_without_tasks_is_completed_at_once_with_a_note(farm: ScriptFarm) -> None:
    job_id = farm.insert()

    job = farm.until_job_is(job_id, "completed")

    assert "it has no tasks" in job["activity"]
    assert farm.tasks(job_id) == []


@pytest.mark.usefixtures("_nothing_stuck")
def test_a_blend_file_that_the_worker_has_not_fails_its_task_and_the_log_says_so(
    farm: ScriptFarm,
) -> None:
    job_id = str(farm.http.post("/api/v3/jobs", json=FRAMES).json()["id"])

    farm.until_job_is(job_id, "failed")

    failed = next(task for task in farm.tasks(job_id) if task["status"] == "failed")
    sentence = 'blend file does not exist: "/nowhere/shot.blend"'
    assert sentence in farm.log(failed["id"])
    assert sentence in farm.task(failed["id"])["activity"]


@pytest.mark.usefixtures("_nothing_stuck")
@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        pytest.param(
            {"name": "exec", "parameters": {"exe": "/no/such/program", "args": []}},
            'program not found: "/no/such/program"',
            id="exe that is not there",
        ),
        pytest.param(
            {"name": "exec", "parameters": {"exe": "/etc/passwd", "args": []}},
            'program not found: "/etc/passwd"',
            id="exe that is none",
        ),
        pytest.param({"name": "exec", "parameters": {}}, "exe", id="no exe"),
        pytest.param({"name": "zapatear", "parameters": {}}, "zapatear", id="no such command"),
    ],
)
def test_a_command_that_cannot_be_run_fails_its_task_and_the_log_says_so(
    farm: ScriptFarm, command: dict[str, Any], sentence: str
) -> None:
    authored = AuthoredCommand(command["name"], command["parameters"], 1)

    job_id = farm.insert(AuthoredTask("bad", "misc", (authored,)))

    farm.until_job_is(job_id, "failed")
    assert sentence in farm.log(farm.tasks(job_id)[0]["id"])


@pytest.mark.usefixtures("_nothing_stuck")
def test_a_command_that_ignores_sigterm_ends_when_its_task_is_canceled(farm: ScriptFarm) -> None:
    key = f"stubborn-{uuid4().hex[:6]}"
    text = (
        f'trap "" TERM INT HUP; echo "start {key} $$ 0" >> "$LEDGER"; while :; do sleep 0.2; done'
    )
    job_id = farm.insert(script(text))
    farm.until_started(key)
    pid = next(pid for started, pid in farm.started() if started == key)

    farm.done(job_id, "cancel")

    farm.until_job_is(job_id, "canceled")
    wait_until(lambda: not psutil.pid_exists(pid), 60)


@pytest.mark.usefixtures("_nothing_stuck")
@pytest.mark.parametrize("ending", ["0", "3"])
def test_a_child_left_behind_does_not_outlive_its_task(farm: ScriptFarm, ending: str) -> None:
    text = f"setsid sleep 600 & echo left $!; sleep 600 & echo left $!; exit {ending}"
    job_id = farm.insert(script(text))

    farm.until_job_is(job_id, "completed" if ending == "0" else "failed")

    log = farm.log(farm.tasks(job_id)[0]["id"])
    left = [int(line.rpartition(" ")[2]) for line in log.splitlines() if "> left " in line]
    assert len(left) >= 2
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in left), 30)


@pytest.mark.usefixtures("_nothing_stuck")
@pytest.mark.parametrize(
    ("text", "least"),
    [
        pytest.param(
            "yes 'a line of some sixty characters, as Blender prints many' | head -c 200000000",
            200_000_000,
            id="200 MB",
        ),
        pytest.param("head -c 10000000 /dev/zero | tr '\\0' x", 10_000_000, id="a line of 10 MB"),
    ],
)
def test_much_output_takes_little_memory(farm: ScriptFarm, text: str, least: int) -> None:
    with watched_memory(farm) as memory:
        job_id = farm.insert(script(text))
        farm.until_job_is(job_id, "completed", timeout_s=240)
        task_id = farm.tasks(job_id)[0]["id"]
        # A log may arrive a while after its task has ended.
        wait_until(lambda: bytes_said(farm, task_id) > least, 240, 1.0)

    logger.info("%s of output: %s", least, memory)
    assert len(farm.http.get(f"/api/v3/tasks/{task_id}/logtail").content) <= 2048
    assert memory.grown("manager") < 60 * MB
    assert memory.grown("host") < 60 * MB
    assert memory.peak["shim"] < 60 * MB
