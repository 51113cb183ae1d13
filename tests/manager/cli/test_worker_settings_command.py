"""`tablao worker-settings` against a real manager."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from manager_api.cli.main import app
from manager_api.workers import store as workers
from manager_api.workers import tag_store as tags

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

TAG = "77777777-7777-4777-8777-777777777777"
Tablao = Callable[..., Awaitable[Result]]


@pytest.fixture
def tablao(served: str, farm: "Farm") -> Tablao:
    environment = {
        "TABLAO_MANAGER": served,
        "TABLAO_TOKEN": farm.parts.identities.local.token,
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }

    async def call(*arguments: str) -> Result:
        given = ["worker-settings", *arguments]
        result = await asyncio.to_thread(CliRunner().invoke, app, given, env=environment)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


@pytest.fixture
async def carmen(served: str, farm: "Farm") -> str:
    """A worker with a tag; its id."""
    registration = {
        "name": "carmen", "secret": "duende" * 8, "platform": "linux",
        "supported_task_types": ["blender"],
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=f"http://{served}") as client:
        answer = await client.post("/api/v3/worker/register-worker", json=registration)
    worker_id = str(answer.json()["uuid"])
    async with farm.parts.database.writing() as session:
        await tags.insert_tag(session, TAG, "gpu", "")
        row = await workers.existing_worker_to_change(session, worker_id)
        await workers.set_tags(session, row, [TAG])
    return worker_id


async def effective(tablao: Tablao) -> Any:
    return json.loads((await tablao("effective", "carmen", "--json")).stdout)["settings"]


async def test_settings_are_set_shown_and_unset_by_name(tablao: Tablao, carmen: str) -> None:
    done = [
        await tablao("set", "--farm", "blender.4.5=/b/4.5", "blender.5.0=/b/5=0", "slots=2"),
        await tablao("set", "--platform", "linux", "task_types=blender, comp"),
        await tablao("set", "--tag", "gpu", "environment.OCIO=/ocio", "slots=3"),
        await tablao("set", "--worker", "carmen", "blender.4.5=null", "blender_args=-b -y"),
    ]
    shown = await tablao("show")
    in_force = await effective(tablao)

    assert [result.exit_code for result in done] == [0] * 4
    assert in_force == {
        "blender": {"5.0": "/b/5=0"},
        "blender_args": "-b -y",
        "environment": {"OCIO": "/ocio"},
        "task_types": ["blender", "comp"],
        "slots": 3,
    }
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert ["farm", "blender.4.5", "/b/4.5"] in rows
    assert ["tag", TAG, "slots", "3"] in rows
    assert "environment.OCIO" in (await tablao("effective", "carmen")).stdout

    await tablao("unset", "--tag", "gpu", "slots")
    await tablao("unset", "--tag", "gpu", "environment.OCIO")
    await tablao("unset", "--worker", carmen, "blender.4.5", "blender_args")

    assert await effective(tablao) == {
        "blender": {"4.5": "/b/4.5", "5.0": "/b/5=0"},
        "task_types": ["blender", "comp"],
        "slots": 2,
    }
    places = {each["scope"] for each in json.loads((await tablao("show", "--json")).stdout)}
    assert places == {"farm", "platform"}


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (("set", "slots=2"), "Say for whom"),
        (("set", "--farm", "--tag", "gpu", "slots=2"), "Say for whom"),
        (("set", "--farm", "slots"), "'slots' is no KEY=VALUE"),
        (("set", "--farm", "slots=two"), "slots is a number"),
        (("set", "--farm", "blender=/b"), "Say which: blender.NAME=/b"),
        (("set", "--farm", "color=red"), 'there is no setting "color"'),
        (("set", "--tag", "unheard", "slots=2"), "There is no tag"),
        (("set", "--worker", TAG, "slots=2"), "no such worker"),
        (("unset", "--farm", "slots"), "'slots' is not set there"),
        (("effective", TAG), "no such worker"),
    ],
)
async def test_what_cannot_be_done_is_said(
    tablao: Tablao, typed: tuple[str, ...], sentence: str
) -> None:
    result = await tablao(*typed)

    assert result.exit_code == 1
    assert sentence in result.stderr


async def test_with_nothing_set_it_says_so(tablao: Tablao, carmen: str) -> None:
    assert "Nothing is set" in (await tablao("show")).stderr
    assert "its own settings" in (await tablao("effective", "carmen")).stderr
