"""What a host asks the manager for, and which answers it takes for commands."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.farm.ids import JOB, LEASE
from tests.worker_host.connected.stand_in_manager import Farm
from worker_host.manager_client import ManagerClient
from worker_host.own_secret import OwnSecret, not_kept
from worker_host.registration import Credentials
from worker_host.run_spec import RunRefused
from workflows.domain.messages import RunRef
from workflows.domain.task_ids import task_id

REF = RunRef(JOB, 1, 1, 1, LEASE, 0, 1)
ANSWER = {"run_key": str(REF.key), "task_id": task_id(JOB, 1), "commands": []}


class Asked:
    """The requests of a client, all answered with the same content."""

    def __init__(self) -> None:
        self.paths: list[bytes] = []
        self.answer = httpx.Response(200, json=ANSWER)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.raw_path.partition(b"?")[0])
        return self.answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()

    def client(
        auth: httpx.Auth | None = None, context: ssl.SSLContext | None = None
    ) -> httpx.AsyncClient:
        return httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(asked))

    monkeypatch.setattr("worker_host.manager_client.http_client", client)
    return asked


@pytest.fixture
async def client(
    asked: Asked, farm: Farm, credentials: Credentials, tmp_path: Path
) -> AsyncIterator[ManagerClient]:
    client = ManagerClient(farm.host_settings(tmp_path), OwnSecret(credentials, not_kept))
    yield client
    await client.close()


async def test_commands_are_asked_for_by_the_run(client: ManagerClient, asked: Asked) -> None:
    spec = await client.fetch(REF)

    assert asked.paths == [f"/api/tablao/v1/runs/{JOB}/1/1/1".encode()]
    assert spec.task_id == task_id(JOB, 1)


@pytest.mark.parametrize(
    ("job_id", "segment"),
    [
        (f"{JOB}/../../../../v3/tasks", f"{JOB}%2F..%2F..%2F..%2F..%2Fv3%2Ftasks"),
        (f"{JOB}?x=", f"{JOB}%3Fx%3D"),
        (f"{JOB}#", f"{JOB}%23"),
        (f"{JOB}%2F..", f"{JOB}%252F.."),
    ],
)
async def test_no_part_of_an_address_leads_elsewhere(
    client: ManagerClient, asked: Asked, job_id: str, segment: str
) -> None:
    with pytest.raises(RunRefused):
        await client.fetch(replace(REF, job_id=job_id))
    await client.send_image(job_id, b"jpeg")

    assert asked.paths == [
        f"/api/tablao/v1/runs/{segment}/1/1/1".encode(),
        f"/api/v3/worker/task/{segment}/output-produced".encode(),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        *({**ANSWER, "run_key": f"{JOB}.{rest}"} for rest in ("2.1.1", "1.2.1", "1.1.2")),
        {**ANSWER, "run_key": f"{LEASE}.1.1.1"},
        {**ANSWER, "task_id": ".."},
        {**ANSWER, "task_id": 7},
        {**ANSWER, "commands": [{"name": "exec"}]},
        {**ANSWER, "commands": None},
        {**ANSWER, "times": {"end_grace_s": "soon"}},
        {**ANSWER, "times": 60},
        {key: value for key, value in ANSWER.items() if key != "run_key"},
        [],
        "commands",
        None,
    ],
    ids=repr,
)
async def test_an_answer_that_is_not_for_the_run_is_refused(
    client: ManagerClient, asked: Asked, answer: Any
) -> None:
    asked.answer = httpx.Response(200, json=answer)

    with pytest.raises(RunRefused, match="answer to the request for commands"):
        await client.fetch(REF)


@pytest.mark.parametrize(
    ("answer", "grace_s"),
    [
        (ANSWER, 60.0),
        ({**ANSWER, "times": {}}, 60.0),
        ({**ANSWER, "times": {"end_grace_s": 5, "of_a_newer_build": 7}}, 5.0),
    ],
)
async def test_the_times_may_be_of_another_build(
    client: ManagerClient, asked: Asked, answer: Any, grace_s: float
) -> None:
    asked.answer = httpx.Response(200, json=answer)

    spec = await client.fetch(REF)

    assert spec.times.end_grace_s == grace_s


async def test_a_page_of_a_proxy_is_refused(client: ManagerClient, asked: Asked) -> None:
    asked.answer = httpx.Response(200, text="<html>Sign in to the network</html>")

    with pytest.raises(RunRefused, match="has none"):
        await client.fetch(REF)
