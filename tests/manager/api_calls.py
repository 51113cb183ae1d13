"""What tests of the manager do again and again over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx
import jsonschema  # type: ignore[import-untyped] # it publishes no types

from tests.manager.stand_in_farm import SECRET, Credentials

T = TypeVar("T")

#: A value as JSON has it.
Json = dict[str, Any]


class Submit:
    """Submits a job with other fields; returns the job."""

    def __init__(self, api: httpx.AsyncClient, job: Mapping[str, Any]) -> None:
        self._api = api
        self._job = job

    async def __call__(self, **fields: Any) -> Json:
        answer = await self._api.post("/api/v3/jobs", json={**self._job, **fields})
        assert answer.status_code == 200, answer.text
        job: Json = answer.json()
        return job


class TasksOf:
    """Returns a job's tasks."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self._api = api

    async def __call__(self, job_id: str) -> list[Json]:
        answer = await self._api.get(f"/api/v3/jobs/{job_id}/tasks")
        tasks: list[Json] = answer.json()["tasks"]
        return tasks


class Register:
    """Registers a worker; returns its credentials. `auth.id` is its id."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self._api = api

    async def __call__(self, name: str = "carmen", **fields: Any) -> Credentials:
        registration = {
            "name": name,
            "secret": SECRET,
            "platform": "linux",
            "supported_task_types": ["blender", "misc"],
        }
        answer = await self._api.post("/api/v3/worker/register-worker", json=registration | fields)
        assert answer.status_code == 200, answer.text
        return Credentials(answer.json()["uuid"], SECRET)


class Fits:
    """Fails if a value does not fit the contract's schema of this name."""

    def __init__(self, contract: Mapping[str, Any]) -> None:
        self._contract = contract

    def __call__(self, schema: str, value: Any) -> None:
        jsonschema.validate(
            value,
            {"$ref": f"#/components/schemas/{schema}", "components": self._contract["components"]},
            format_checker=jsonschema.FormatChecker(),
        )


async def eventually(condition: Callable[[], Awaitable[T]], within_s: float = 30.0) -> T:
    """Wait until `await condition()` is true; return its value."""
    async with asyncio.timeout(within_s):
        # What we wait for is seen from outside only: nothing could set an event.
        while not (value := await condition()):  # noqa: ASYNC110 -- see above
            await asyncio.sleep(0.02)
    return value
