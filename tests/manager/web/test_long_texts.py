"""Texts, lists and numbers from outside are bounded where they arrive."""

from typing import Any

import httpx
import pytest

from manager_api.contract.worker_tasks import TaskUpdate
from tests.manager.api_calls import Register

WORKER = {"name": "w", "secret": "abcdefgh", "platform": "linux", "supported_task_types": ["a"]}
REGISTER = ("POST", "/api/v3/worker/register-worker")
SIGN_ON = ("POST", "/api/v3/worker/sign-on")
JOB = ("POST", "/api/v3/jobs")
PROVISIONS = ("PUT", "/api/tablao/v1/provisions/farm/all")
LONG = "x" * 256
MANY = [f"type-{number}" for number in range(101)]


@pytest.mark.parametrize(
    ("operation", "fields", "word"),
    [
        (REGISTER, {"name": LONG}, "name"),
        (REGISTER, {"secret": LONG}, "secret"),
        (REGISTER, {"platform": "x" * 65}, "platform"),
        (REGISTER, {"supported_task_types": MANY}, "101 task types are too many"),
        (REGISTER, {"supported_task_types": [LONG]}, "supported_task_types"),
        (SIGN_ON, {"name": LONG}, "name"),
        (SIGN_ON, {"software_version": LONG}, "software_version"),
        (SIGN_ON, {"supported_task_types": MANY}, "101 task types are too many"),
        (JOB, {"type": LONG}, "type"),
        (JOB, {"type_etag": LONG}, "type_etag"),
        (JOB, {"submitter_platform": LONG}, "submitter_platform"),
        (JOB, {"worker_tag": LONG}, "worker_tag"),
        (JOB, {"storage": {"shaman_checkout_id": "x" * 1025}}, "shaman_checkout_id"),
        (JOB, {"metadata": {LONG: "x"}}, "metadata"),
        (JOB, {"metadata": {"x": "x" * 32_001}}, "metadata"),
        (JOB, {"metadata": dict.fromkeys(map(str, range(1001)), "x")}, "1,001 entries"),
        (PROVISIONS, {"environment": dict.fromkeys(map(str, range(1001)), "x")}, "1,001 variables"),
        (PROVISIONS, {"blender": dict.fromkeys(map(str, range(1001)), "x")}, "1,001 builds"),
        (PROVISIONS, {"task_types": ["x"] * 1001}, "1,001 task types"),
        (("PATCH", "/api/tablao/v1/configuration"), {"manager_name": LONG}, "manager_name"),
        (("POST", "/api/v3/worker-mgt/tags"), {"name": "x", "id": LONG}, "id"),
    ],
)
async def test_more_than_anybody_needs_is_refused(
    api: httpx.AsyncClient,
    register: Register,
    sign_on: dict[str, Any],
    echo_job: dict[str, Any],
    operation: tuple[str, str],
    fields: dict[str, Any],
    word: str,
) -> None:
    worker = await register()
    # Without it, the administrator asks.
    auth = worker if operation[1].startswith("/api/v3/worker/") else None
    fit = {REGISTER: WORKER, SIGN_ON: sign_on, JOB: echo_job}.get(operation, {})
    before = [(await api.get(f"/api/v3/{path}")).json() for path in ("jobs", "worker-mgt/workers")]

    answer = await api.request(*operation, json=fit | fields, auth=auth)

    after = [(await api.get(f"/api/v3/{path}")).json() for path in ("jobs", "worker-mgt/workers")]
    assert answer.status_code == 400
    assert word in answer.json()["message"]
    assert len(answer.json()["message"]) < 500
    assert after == before


@pytest.mark.parametrize(
    ("said", "taken"), [(10**30, 2**31 - 1), (-5, 0), (3, 3), (3.0, 3), (None, None)]
)
def test_a_workers_report_is_not_lost_for_its_number(said: Any, taken: int | None) -> None:
    assert TaskUpdate.model_validate({"steps_completed": said}).steps_completed == taken
