"""Whatever is sent: an answer in Flamenco's shape with a sentence, and nothing half-stored."""

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.manager.api_calls import Fits, Submit

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


BLENDER = {
    "name": "frames",
    "type": "simple-blender-render",
    "priority": 50,
    "submitter_platform": "linux",
    "settings": {
        "frames": "1-3",
        "chunk_size": 1,
        "render_output_root": "/render",
        "add_path_components": 0,
        "render_output_path": "/render/######",
        "blendfile": "/render/file.blend",
        "format": "PNG",
        "image_file_extension": ".png",
        "scene": "Scene",
    },
}


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": ""}, "name"),
        ({"name": " \t "}, "name"),
        ({"name": "two\nlines"}, "line"),
        ({"name": "two\u2028lines"}, "line"),
        ({"name": "a\0b"}, "NUL"),
        ({"name": "x" * 5000}, "1024"),
        ({"name": 7}, "name"),
        ({"name": None}, "name"),
        ({"priority": -1}, "priority"),
        ({"priority": 101}, "priority"),
        ({"priority": "50"}, "priority"),
        ({"priority": 50.5}, "priority"),
        ({"priority": True}, "priority"),
        ({"priority": 10**30}, "priority"),
        ({"settings": []}, "settings"),
        ({"settings": {"message": "a\0b"}}, "NUL"),
        ({"metadata": {"user": 5}}, "metadata"),
        ({"initial_status": "resting"}, "initial_status"),
        ({"submitter_platform": None}, "submitter_platform"),
        ({"type": 5}, "type"),
    ],
)
async def test_a_field_that_does_not_fit_fails_validation(
    api: httpx.AsyncClient, echo_job: dict[str, Any], fields: dict[str, Any], word: str, fits: Fits
) -> None:
    answer = await api.post("/api/v3/jobs", json=echo_job | fields)

    assert answer.status_code == 400
    fits("SecurityError", answer.json())
    assert answer.json().keys() == {"message"}
    assert word in answer.json()["message"]
    assert "\n" not in answer.json()["message"]
    assert (await api.get("/api/v3/jobs")).json() == {"jobs": []}


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"type": "zapateado"}, "zapateado"),
        ({"type": ""}, "job type"),
        ({"settings": {}}, "message"),
        ({"settings": {"message": 5}}, "message"),
        ({"settings": {"message": "x", "sleep_repeats": "two"}}, "sleep_repeats"),
        ({"settings": {"message": "x", "sleep_repeats": 2**40}}, "sleep_repeats"),
        ({"settings": {"message": "x", "sleep_repeats": 2**31 - 1}}, "sleep_repeats"),
    ],
)
async def test_a_job_that_cannot_be_made_is_refused_with_a_sentence(
    api: httpx.AsyncClient, echo_job: dict[str, Any], fields: dict[str, Any], word: str, fits: Fits
) -> None:
    answer = await api.post("/api/v3/jobs", json=echo_job | fields)

    fits("Error", answer.json())
    assert answer.status_code == answer.json()["code"] == 400
    assert word in answer.json()["message"]
    assert (await api.get("/api/v3/jobs")).json() == {"jobs": []}


@pytest.mark.parametrize("frames", ["1-", "10-1", "1-999999999", "", "a", "1,,2", "--5", "1048575"])
async def test_frames_that_are_no_frames_are_refused(api: httpx.AsyncClient, frames: str) -> None:
    job = BLENDER | {"settings": {**BLENDER["settings"], "frames": frames}}  # type: ignore[dict-item] # a dict

    answer = await api.post("/api/v3/jobs", json=job)

    assert answer.status_code == 400, answer.text
    assert len(answer.json()["message"]) > 10


@pytest.mark.parametrize("name", ["💃 sevillanas", "соледад", "雪", "a" * 1024, "<b>&amp;'\"\\"])
async def test_names_in_any_script_are_kept_as_they_are(submit: Submit, name: str) -> None:
    assert (await submit(name=name))["name"] == name


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nope",
        b"\xff\xfe",
        b"[]",
        b'"text"',
        b"null",
        b"[" * 100_000,
        b'{"name": "\\ud800", "type": "echo-sleep-test", "submitter_platform": "linux"}',
        b'{"name": "x", "type": "t", "submitter_platform": "linux", "settings": {"a": NaN}}',
        b'{"name": "x", "type": "t", "submitter_platform": "linux", "settings": {"a": "\\udc00"}}',
        b'{"name": "x", "type": "t", "submitter_platform": "l", "settings": {"\\u0000": 1}}',
        b'{"name": "x", "type": "t", "submitter_platform": "linux", "settings": '
        + b'{"a":' * 500
        + b"1"
        + b"}" * 500
        + b"}",
        b'{"priority": ' + b"9" * 5000 + b"}",
    ],
)
async def test_a_body_that_is_no_submission_fails_validation(
    api: httpx.AsyncClient, body: bytes
) -> None:
    answer = await api.post(
        "/api/v3/jobs", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 400
    assert answer.json().keys() == {"message"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_json_must_be_announced_as_such(
    api: httpx.AsyncClient, echo_job: dict[str, Any], content_type: str
) -> None:
    answer = await api.post(
        "/api/v3/jobs",
        content=json.dumps(echo_job).encode(),
        headers={"content-type": content_type},
    )

    assert answer.status_code == 400
    assert answer.json().keys() == {"message"}


async def test_a_request_that_is_too_large_is_not_even_read(
    api: httpx.AsyncClient, fits: Fits
) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b" " * 1024**2

    announced = await api.post(
        "/api/v3/jobs",
        content=b" " * 50 * 1024**2,
        headers={"content-type": "application/json"},
    )
    streamed = await api.post(
        "/api/v3/jobs", content=endless(), headers={"content-type": "application/json"}
    )

    for answer in (announced, streamed):
        fits("Error", answer.json())
        assert answer.status_code == answer.json()["code"] == 413
    assert read <= 6


@pytest.mark.parametrize(
    "bad", ["nonsense", "0" * 32, "{id}", "00000000-0000-0000-0000-00000000000g", "%00"]
)
@pytest.mark.parametrize(
    "path",
    [
        "/api/v3/jobs/{}",
        "/api/v3/jobs/{}/tasks",
        "/api/v3/tasks/{}",
        "/api/v3/tasks/{}/log",
        "/api/v3/tasks/{}/logtail",
        "/api/v3/worker-mgt/workers/{}",
    ],
)
async def test_only_uuids_of_36_characters_are_ids(
    api: httpx.AsyncClient, path: str, bad: str, fits: Fits
) -> None:
    answer = await api.get(path.format(bad))

    fits("Error", answer.json())
    assert answer.status_code == answer.json()["code"] == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v3/jobs/{}/setstatus", {"status": "cancel-requested", "reason": "x"}),
        ("/api/v3/jobs/{}/setpriority", {"priority": 5}),
        ("/api/v3/tasks/{}/setstatus", {"status": "canceled", "reason": "x"}),
        ("/api/v3/worker-mgt/workers/{}/setstatus", {"status": "asleep", "is_lazy": True}),
        ("/api/tablao/v1/jobs/{}/actions", {"action": "cancel"}),
        ("/api/tablao/v1/tasks/{}/actions", {"action": "cancel"}),
        ("/api/v3/jobs/{}", None),
        ("/api/v3/tasks/{}", None),
        ("/api/v3/tasks/{}/log", None),
        ("/api/v3/tasks/{}/logtail", None),
        ("/api/v3/worker-mgt/workers/{}", None),
    ],
)
async def test_an_unknown_id_is_not_found(
    api: httpx.AsyncClient, unknown_id: str, path: str, body: Any, fits: Fits
) -> None:
    method = "GET" if body is None else "POST"

    answer = await api.request(method, path.format(unknown_id), json=body)

    fits("Error", answer.json())
    assert answer.status_code == answer.json()["code"] == 404
    assert unknown_id in answer.json()["message"]


async def test_a_bad_task_id_is_unknown_to_setTaskStatus(api: httpx.AsyncClient) -> None:  # noqa: N802 -- the operation's name
    answer = await api.post(
        "/api/v3/tasks/nonsense/setstatus", json={"status": "queued", "reason": "x"}
    )

    assert answer.status_code == 404


async def test_unknown_addresses_and_methods_have_flamencos_words(api: httpx.AsyncClient) -> None:
    unknown = await api.get("/api/v3/zapateado")
    slash = await api.get("/api/v3/jobs/")
    method = await api.put("/api/v3/version")

    assert (unknown.status_code, unknown.json()) == (404, {"message": "Not Found"})
    assert (slash.status_code, slash.json()) == (404, {"message": "Not Found"})
    assert (method.status_code, method.json()) == (405, {"message": "Method Not Allowed"})


async def test_a_bug_is_no_secret_but_its_details_are(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    job = await submit()
    farm.control.refusal = RuntimeError("the password is duende")

    answer = await api.post(
        f"/api/v3/jobs/{job['id']}/setstatus", json={"status": "cancel-requested", "reason": "x"}
    )

    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
