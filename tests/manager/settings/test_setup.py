"""The first run: what the setup assistant asks and what it decides."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
import yaml

from manager_api.settings.blender_check import BlenderCheck
from manager_api.web.app import build_app
from tests.farm.processes import wait_until
from tests.manager.api_calls import Fits

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

SETUP = "/api/v3/configuration/setup-assistant"
CHECK_BLENDER = "/api/v3/configuration/check/blender"
CHECK_STORAGE = "/api/v3/configuration/check/shared-storage"
MANAGERS_OWN = {"local-admin-token", "tablao.sqlite", "tablao.sqlite-wal", "tablao.sqlite-shm"}


def program(path: Path, script: str = "echo Blender 4.5.1; echo more") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.rglob("*") if path.is_file()}


# --- the storage ----------------------------------------------------------------------------------


async def test_an_empty_directory_will_do_as_storage(
    api: httpx.AsyncClient, fits: Fits, tmp_path: Path
) -> None:
    answer = (await api.post(CHECK_STORAGE, json={"path": str(tmp_path)})).json()

    fits("PathCheckResult", answer)
    assert (answer["path"], answer["is_usable"]) == (str(tmp_path), True)
    assert answer["cause"]
    assert not names(tmp_path) - MANAGERS_OWN


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("\\\\server\\share", "UNC"),
        ("relative/path", "begins at /"),
        ("/there/is/none", "does not exist"),
        ("{nothing}/jobs", "{nothing}"),
        ("/proc", "No file can be written"),
        (__file__, "is a file"),
        ("DATA", "own directory"),
    ],
)
async def test_a_bad_storage_is_told_with_the_reason(
    api: httpx.AsyncClient, farm: "Farm", fits: Fits, path: str, word: str
) -> None:
    path = str(farm.parts.settings.data_dir) if path == "DATA" else path

    answer = await api.post(CHECK_STORAGE, json={"path": path})

    fits("PathCheckResult", answer.json())
    assert (answer.status_code, answer.json()["is_usable"]) == (200, False)
    assert word in answer.json()["cause"]


# --- Blender --------------------------------------------------------------------------------------


async def test_a_blender_says_its_version(
    api: httpx.AsyncClient, fits: Fits, tmp_path: Path
) -> None:
    blender = program(tmp_path / "blender-4.5/blender")

    for path in (blender, blender.parent):
        answer = (await api.post(CHECK_BLENDER, json={"path": str(path)})).json()

        fits("BlenderPathCheckResult", answer)
        assert answer == {
            "input": str(path),
            "path": str(blender),
            "source": "input_path",
            "is_usable": True,
            "cause": "Blender 4.5.1",
        }


@pytest.mark.parametrize(
    ("name", "script", "word"),
    [
        ("missing/blender", None, "no program"),
        ("rm", "touch $0.ran", "not called"),
        ("blender;x", "touch $0.ran", "not called"),
        ("blender", "echo Gimp 3; touch $0.ran.not", "does not say"),
        ("blender", "echo Blender 4.5; exit 3", "exit code 3"),
        ("blender", "kill -9 $$", "exit code -9"),
    ],
)
async def test_what_is_no_blender_is_not_usable(
    api: httpx.AsyncClient, fits: Fits, tmp_path: Path, name: str, script: str | None, word: str
) -> None:
    path = tmp_path / name
    if script is not None:
        program(path, script)

    answer = await api.post(CHECK_BLENDER, json={"path": str(path)})

    fits("BlenderPathCheckResult", answer.json())
    assert (answer.status_code, answer.json()["is_usable"]) == (200, False)
    assert word in answer.json()["cause"]
    assert not [name for name in names(tmp_path) if name.endswith(".ran")]


async def test_a_blender_gets_one_argument_and_no_environment_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLAO_MQTT__CLIENT__PASSWORD", "duende")
    blender = program(tmp_path / "blender", f'echo "Blender 1 $#:$1"; env > {tmp_path}/env')

    result = await BlenderCheck.here().check(f"{blender}")

    assert result.cause == "Blender 1 1:--version"
    assert "duende" not in (tmp_path / "env").read_text()


async def test_a_blender_that_hangs_is_ended_with_all_its_children(tmp_path: Path) -> None:
    blender = program(tmp_path / "blender", f"sleep 600 & echo $! > {tmp_path}/child; wait")

    result = await BlenderCheck(os.defpath, within_s=2.0).check(str(blender))

    assert not result.is_usable
    assert "did not answer within 2 s" in result.cause
    child = int((tmp_path / "child").read_text())
    await asyncio.to_thread(wait_until, lambda: has_ended(child))


async def test_the_blender_on_the_path_is_found(tmp_path: Path) -> None:
    blender = program(tmp_path / "bin/blender")
    check = BlenderCheck(f"{blender.parent}:{os.defpath}")

    [found] = await check.find()
    typed = await check.check("blender")

    assert (found.input, found.path, found.source) == ("blender", str(blender), "path_envvar")
    assert found.is_usable
    assert typed == found
    assert await BlenderCheck(str(tmp_path)).find() == []


async def test_a_found_blender_that_does_not_run_is_an_error(
    api: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = program(tmp_path / "bin/blender", "exit 1")
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")

    answer = await api.get(CHECK_BLENDER)

    assert (answer.status_code, answer.json()["code"]) == (500, 500)
    assert str(broken) in answer.json()["message"]


async def test_the_api_finds_what_is_on_the_managers_path(
    api: httpx.AsyncClient, fits: Fits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blender = program(tmp_path / "bin/blender")
    monkeypatch.setenv("PATH", f"{blender.parent}:{os.environ['PATH']}")

    answer = await api.get(CHECK_BLENDER)

    fits("BlenderPathFindResult", answer.json())
    assert [found["path"] for found in answer.json()] == [str(blender)]


async def test_no_program_is_run_for_strangers_or_for_pages_from_elsewhere(
    api: httpx.AsyncClient, farm: "Farm", tmp_path: Path
) -> None:
    blender = program(tmp_path / "blender", f"touch {tmp_path}/ran; echo Blender 1")
    parts = farm.parts
    page = await api.post(
        CHECK_BLENDER, json={"path": str(blender)}, headers={"origin": "https://evil.example"}
    )
    refused = []
    for client, url in (("192.168.1.7", "http://localhost"), ("127.0.0.1", "http://localhost")):
        transport = httpx.ASGITransport(build_app(parts), client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url=url) as stranger:
            refused += [
                (await stranger.post(CHECK_BLENDER, json={"path": str(blender)})).status_code,
                (await stranger.get(CHECK_BLENDER)).status_code,
            ]

    assert page.status_code == 403
    assert refused == [401, 401, 403, 403]
    assert not (tmp_path / "ran").exists()


# --- what is decided ------------------------------------------------------------------------------


def decision(storage: str, **blender: Any) -> dict[str, Any]:
    usable = {"input": "", "path": "", "source": "default", "is_usable": True, "cause": ""}
    return {"storageLocation": storage, "blenderExecutable": usable | blender}


@pytest.mark.parametrize(
    ("blender", "executable"),
    [
        ({"source": "default"}, "blender"),
        ({"source": "file_association", "path": "C:\\blender.exe"}, "blender"),
        ({"source": "path_envvar", "input": "blender4", "path": "/usr/bin/blender4"}, "blender4"),
        ({"source": "input_path", "path": "/opt/b (4)/blender"}, "/opt/b (4)/blender"),
        ({"source": "system_location", "path": "/opt/blender"}, "/opt/blender"),
    ],
)
async def test_the_assistant_sets_storage_and_blender_and_is_done(
    api: httpx.AsyncClient, farm: "Farm", tmp_path: Path, blender: Any, executable: str
) -> None:
    before = (await api.get("/api/v3/configuration")).json()
    storage = tmp_path / "shared"

    answer = await api.post(SETUP, json=decision(str(storage), **blender))

    now = (await api.get("/api/v3/configuration")).json()
    assert (answer.status_code, answer.content) == (204, b"")
    assert (before["isFirstRun"], now["isFirstRun"]) == (True, False)
    assert now["storageLocation"] == str(storage / "jobs")
    for platform in ("linux", "windows", "darwin"):
        variables = await api.get(f"/api/v3/configuration/variables/workers/{platform}")
        assert variables.json()["blender"]["value"] == executable
        assert variables.json()["blenderArgs"]["value"] == "-b -y"
    written = yaml.safe_load(farm.parts.configuration.file.read_text())
    assert written["shared_storage_path"] == str(storage)


@pytest.mark.parametrize(
    "body",
    [
        decision(""),
        decision("/tmp/x", is_usable=False),
        decision("/tmp/x", source=""),
        decision("/tmp/x", source="elsewhere"),
        decision("/tmp/x", source="input_path"),
        decision("/tmp/x", source="system_location", input="blender"),
        decision("/tmp/x", source="path_envvar", path="/usr/bin/blender"),
        decision("/proc/version/x"),
        {"storageLocation": "/tmp/x"},
        {},
    ],
)
async def test_an_incomplete_decision_is_refused(
    api: httpx.AsyncClient, farm: "Farm", body: dict[str, Any]
) -> None:
    answer = await api.post(SETUP, json=body)

    assert answer.status_code == 400
    assert answer.json()["message"]
    assert not farm.parts.configuration.file.exists()
    assert (await api.get("/api/v3/configuration")).json()["isFirstRun"] is True
