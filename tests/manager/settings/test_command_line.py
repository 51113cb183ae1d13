"""`tablao config` against a real manager."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from manager_api.cli.main import app

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


@pytest.fixture(autouse=True)
def is_administrator(farm: "Farm", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLAO_TOKEN", farm.parts.identities.local.token)


async def tablao(*arguments: str) -> Result:
    """In a thread: the manager that it asks is served by this loop."""
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
    return await asyncio.to_thread(lambda: runner.invoke(app, ["config", *arguments]))


async def test_a_setting_is_changed_and_shown(served: str) -> None:
    said = await tablao("set", "mqtt.client.password", "duende", "--manager", served)
    shown = await tablao("show", "--manager", served)

    assert said.exit_code == 0
    assert "Written to" in said.output
    assert "restart" not in said.output + shown.output
    [line] = [line for line in shown.output.splitlines() if "mqtt.client.password" in line]
    assert line.split()[-1] == "***"


async def test_what_waits_for_a_restart_says_so(served: str) -> None:
    said = await tablao("set", "events_queue", "7", "--manager", served)
    shown = await tablao("show", "--manager", served)
    back = await tablao("set", "events_queue", "null", "--manager", served)

    assert "next start" in said.output
    [line] = [line for line in shown.output.splitlines() if line.startswith("events_queue")]
    assert "500" in line
    assert "needs a restart" in line
    assert "next start" not in back.output


async def test_what_goes_first_says_so(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLAO_MANAGER_NAME", "Peña")

    said = await tablao("set", "manager_name", "x", "--manager", served)

    assert "environment sets another value" in said.output


async def test_a_refused_setting_is_a_sentence(served: str) -> None:
    said = await tablao("set", "task_timeout", "soon", "--manager", served)

    assert said.exit_code == 1
    assert "task_timeout" in said.output


@pytest.mark.parametrize(
    ("content", "exit_code", "word"),
    [
        (None, 0, "defaults count"),
        ("manager_name: Peña", 0, "is valid"),
        ("task_timeout: soon", 1, "task_timeout"),
        ("listen: ':8080'", 1, "without TLS"),
        ("shared_storage_path: '{farm}/jobs'", 1, "{farm}"),
    ],
)
async def test_the_file_can_be_checked_before_a_start(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str | None,
    exit_code: int,
    word: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        write(tmp_path / "tablao-manager.yaml", content)

    said = await tablao("check", "--data-dir", str(tmp_path))

    assert (said.exit_code, word in said.output) == (exit_code, True), said.output


def write(file: Path, text: str) -> None:
    file.write_text(text)
