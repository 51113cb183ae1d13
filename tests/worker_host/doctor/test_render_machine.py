"""The doctor of a render machine: a real frame where all is well, and each illness by its check."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import time_machine

from tests.farm.hanging_storage import hanging_storage
from tests.farm.processes import free_port
from tests.farm.small_disk import small_disk
from tests.manager.api_calls import eventually
from tests.manager.certificates import authority_in, pin_of
from tests.worker_host.doctor.answering_manager import KNOWN, AnsweringManager
from worker_host.doctor.service import findings_with
from worker_host.registration import Credentials, CredentialsFile
from worker_host.settings import HostSettings
from workflows.domain.doctor import Finding, State
from workflows.domain.storage_marker import NAME

#: Looks that hang take so long; all others are far faster, also while other tests run. In seconds.
LOOK_S = 3.0
#: For tests that are not about programs: no Blender starts.
WITHOUT_PROGRAMS: dict[str, Any] = {"task_types": ("misc",)}


def is_broken(finding: Finding, *advice: str) -> None:
    assert finding.state is State.BROKEN, finding.sentence
    for words in advice:
        assert words in finding.advice


def is_to_look_at(finding: Finding, *advice: str) -> None:
    assert finding.state is State.LOOK, finding.sentence
    for words in advice:
        assert words in finding.advice


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


async def test_a_machine_that_is_well_has_rendered_a_frame_and_left_nothing(
    manager: AnsweringManager, tmp_path: Path
) -> None:
    found = await manager.seen_by(tmp_path / "host")

    # Free space and memory are those of the machine that tests.
    others = {name: each for name, each in found.items() if name not in ("disk", "memory")}
    assert {name: each.sentence for name, each in others.items() if each.advice} == {}
    assert "rendered a frame of 64 by 36 in " in found["blender.frame"].sentence
    assert found["blender"].sentence.startswith("Blender ")
    assert "the worker carmen" in found["credentials"].sentence
    assert "Cycles sees" in found["blender.devices"].sentence
    assert "a video of two pictures" in found["ffmpeg"].sentence
    assert os.listdir(tmp_path / "host") == ["tablao-worker-credentials.yaml"]
    assert os.listdir(manager.storage) == [NAME]
    assert await eventually(lambda: _is_left_alone(tmp_path / "host"), 60)


async def _is_left_alone(folder: Path) -> bool:
    """Whether no process runs that was started for something in a folder."""
    return not any(
        str(folder) in word
        for process in psutil.process_iter(["cmdline"])
        for word in process.info["cmdline"] or ()
    )


# --- the manager ----------------------------------------------------------------------------------


async def test_a_manager_that_is_not_there(tmp_path: Path) -> None:
    settings = HostSettings(
        data_dir=tmp_path / "host", manager=f"http://127.0.0.1:{free_port()}", **WITHOUT_PROGRAMS
    )

    found = {each.check: each for each in await findings_with(settings)}

    is_broken(found["manager"], "tablao doctor", "firewalls")
    assert "connection refused" in found["manager"].sentence
    assert found["credentials"].state is State.LOOK


async def test_something_that_is_no_manager_of_ours(
    manager: AnsweringManager, tmp_path: Path
) -> None:
    manager.version = {"version": "3.5", "name": "Flamenco"}

    found = await manager.seen_by(tmp_path / "host", **WITHOUT_PROGRAMS)

    is_broken(found["manager"], "address")


async def test_a_secret_that_the_manager_refuses(manager: AnsweringManager, tmp_path: Path) -> None:
    settings = manager.settings(tmp_path / "host", **WITHOUT_PROGRAMS)
    wrong = Credentials(KNOWN.worker_id, "another")
    CredentialsFile(settings.credentials_file).write(manager.url, wrong)

    found = {each.check: each for each in await findings_with(settings)}

    is_broken(found["credentials"], "tablao-worker --manager", str(settings.credentials_file))
    assert found["manager"].state is State.FINE


async def test_a_credentials_file_that_holds_nonsense(
    manager: AnsweringManager, tmp_path: Path
) -> None:
    settings = manager.settings(tmp_path / "host", **WITHOUT_PROGRAMS)
    settings.credentials_file.write_text("- 1\n- 2\n")

    found = {each.check: each for each in await findings_with(settings)}

    is_broken(found["manager"], "Mend the file, or delete it")


async def test_a_machine_that_has_not_joined(manager: AnsweringManager, tmp_path: Path) -> None:
    settings = HostSettings(data_dir=tmp_path / "host", manager=manager.url, **WITHOUT_PROGRAMS)

    found = {each.check: each for each in await findings_with(settings)}

    is_to_look_at(found["credentials"], "tablao-worker --manager")
    is_to_look_at(found["storage"], "credentials")


async def test_a_worker_that_waits_to_be_let_in(manager: AnsweringManager, tmp_path: Path) -> None:
    manager.needs["is_waiting"] = True

    is_to_look_at(
        (await manager.seen_by(tmp_path / "host", **WITHOUT_PROGRAMS))["credentials"], "lets it in"
    )


@pytest.mark.parametrize(
    ("version", "advice"),
    [("Tablao 999.0", "tablao worker upgrade"), ("Tablao 0.0.1", "Upgrade the manager")],
)
async def test_another_version_than_the_managers(
    manager: AnsweringManager, tmp_path: Path, version: str, advice: str
) -> None:
    manager.version = {"git": version}

    found = await manager.seen_by(tmp_path / "host", **WITHOUT_PROGRAMS)

    is_to_look_at(found["version"], advice)


async def test_a_clock_that_was_put(manager: AnsweringManager, tmp_path: Path) -> None:
    manager.clock_ahead = timedelta(hours=1)

    found = await manager.seen_by(tmp_path / "host", **WITHOUT_PROGRAMS)

    is_broken(found["clock"], "NTP")
    assert "60 min ahead" in found["clock"].sentence


async def test_a_certificate_that_has_expired(manager: AnsweringManager, tmp_path: Path) -> None:
    with time_machine.travel(datetime(2020, 1, 1, tzinfo=UTC), tick=False):
        files = authority_in(tmp_path / "tls", "127.0.0.1")
    await manager.restart(files)
    pinned = {"manager_pin": pin_of(files.authority), **WITHOUT_PROGRAMS}

    found = await manager.seen_by(tmp_path / "host", **pinned)

    is_broken(found["manager"], "renew its certificate")
    assert "expired" in found["manager"].sentence


async def test_a_pin_of_another_certificate(manager: AnsweringManager, tmp_path: Path) -> None:
    await manager.restart(authority_in(tmp_path / "tls", "127.0.0.1"))
    others = authority_in(tmp_path / "others", "127.0.0.1")
    wrong = {"manager_pin": pin_of(others.authority), **WITHOUT_PROGRAMS}

    is_broken((await manager.seen_by(tmp_path / "host", **wrong))["manager"], "tablao tls show")


async def test_a_certificate_with_the_right_pin(manager: AnsweringManager, tmp_path: Path) -> None:
    files = authority_in(tmp_path / "tls", "127.0.0.1")
    await manager.restart(files)
    right = {"manager_pin": pin_of(files.authority), **WITHOUT_PROGRAMS}

    assert (await manager.seen_by(tmp_path / "host", **right))["manager"].state is State.FINE


# --- storage and disk -----------------------------------------------------------------------------


async def test_a_storage_that_is_not_mounted(manager: AnsweringManager, tmp_path: Path) -> None:
    (manager.storage / NAME).unlink()

    found = await manager.seen_by(tmp_path / "host", **WITHOUT_PROGRAMS)

    is_broken(found["storage"], f"Mount the farm's shared storage at {manager.storage}")


async def test_another_storage_at_the_same_path(manager: AnsweringManager, tmp_path: Path) -> None:
    (manager.storage / NAME).write_text("c0ffee00-0000-4000-8000-00000000dead\n")

    found = await manager.seen_by(tmp_path / "host", **WITHOUT_PROGRAMS)

    is_broken(found["storage"], "Mount the farm's shared storage")
    assert "another one" in found["storage"].sentence


async def test_a_storage_path_that_this_platform_has_not(
    manager: AnsweringManager, tmp_path: Path
) -> None:
    manager.needs["storage"]["path"] = "/mnt/of-another-platform"

    found = await manager.seen_by(tmp_path / "host", **WITHOUT_PROGRAMS)

    is_broken(found["storage"], "two-way variable")


async def test_a_storage_that_is_read_only(manager: AnsweringManager, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 4) as disk:
        (disk.folder / NAME).write_text((manager.storage / NAME).read_text())
        disk.make_read_only()
        manager.needs["storage"]["path"] = str(disk.folder)

        found = await manager.seen_by(tmp_path / "host", **WITHOUT_PROGRAMS)

    is_broken(found["storage"], "Mend the shared storage")
    assert "Read-only file system" in found["storage"].sentence


async def test_a_storage_that_hangs(manager: AnsweringManager, tmp_path: Path) -> None:
    settings = manager.settings(tmp_path / "host", **WITHOUT_PROGRAMS)
    with hanging_storage(tmp_path / "hanging") as folder:
        manager.needs["storage"]["path"] = str(folder)

        found = {each.check: each for each in await findings_with(settings, look_s=LOOK_S)}

    is_broken(found["storage"], "mount it again")
    assert found["disk"].check == "disk"


async def test_a_full_disk(manager: AnsweringManager, tmp_path: Path) -> None:
    with small_disk(tmp_path / "host", 1) as disk:
        settings = manager.settings(disk.folder, **WITHOUT_PROGRAMS)
        disk.fill()

        found = {each.check: each for each in await findings_with(settings)}

    is_broken(found["disk"], "Free some space", str(disk.folder))


# --- programs -------------------------------------------------------------------------------------


async def test_a_machine_without_blender(manager: AnsweringManager, tmp_path: Path) -> None:
    manager.needs["programs"]["blender"] = ["/opt/blender-9.9/blender"]

    found = await manager.seen_by(tmp_path / "host", task_types=("blender",))

    is_broken(found["blender"], "Install Blender", "tablao-worker.yaml")
    assert '"/opt/blender-9.9/blender"' in found["blender"].sentence
    assert found["blender.frame"].state is State.LOOK


async def test_a_blender_that_the_machines_settings_name_and_that_is_not_there(
    manager: AnsweringManager, tmp_path: Path
) -> None:
    set_here = {"task_types": ("blender",), "blender": "/opt/none/blender"}

    found = await manager.seen_by(tmp_path / "host", **set_here)

    is_broken(found["blender"], "tablao-worker.yaml")
    assert '"blender" at /opt/none/blender' in found["blender"].sentence


async def test_a_blender_that_crashes(manager: AnsweringManager, tmp_path: Path) -> None:
    crashing = program(tmp_path / "blender", 'echo "Blender 4.5.0"; kill -SEGV $$')

    found = await manager.seen_by(tmp_path / "host", task_types=("blender",), blender=crashing)

    assert found["blender"].state is State.FINE
    is_broken(found["blender.frame"], "by hand", "drivers")
    assert "rendered no frame" in found["blender.frame"].sentence


async def test_a_program_that_is_no_blender(manager: AnsweringManager, tmp_path: Path) -> None:
    other = program(tmp_path / "blender", "exit 7")

    found = await manager.seen_by(tmp_path / "host", task_types=("blender",), blender=other)

    is_broken(found["blender"], f"{other} --version")
    assert "code 7" in found["blender"].sentence


async def test_a_blender_that_says_it_has_saved_what_it_has_not(
    manager: AnsweringManager, tmp_path: Path
) -> None:
    lying = program(tmp_path / "blender", 'echo "Blender 4.5.0"; echo "Saved: /nowhere/1.png"')

    found = await manager.seen_by(tmp_path / "host", task_types=("blender",), blender=lying)

    is_broken(found["blender.frame"], "by hand")


async def test_a_blender_on_a_storage_that_hangs(manager: AnsweringManager, tmp_path: Path) -> None:
    with hanging_storage(tmp_path / "hanging") as folder:
        manager.needs["programs"]["blender"] = [f"{folder}/blender"]
        settings = manager.settings(tmp_path / "host", task_types=("blender",))

        found = {each.check: each for each in await findings_with(settings, look_s=LOOK_S)}

    is_broken(found["blender"], "mount it again")
    assert str(folder) in found["blender"].sentence
    assert found["storage"].state is State.FINE


async def test_a_machine_whose_ffmpeg_is_missing_or_broken(
    manager: AnsweringManager, tmp_path: Path
) -> None:
    broken = program(tmp_path / "ffmpeg", 'echo "Unknown encoder h264" >&2; exit 1')

    fails = await manager.seen_by(tmp_path / "host", task_types=("ffmpeg",), ffmpeg=broken)
    manager.needs["programs"]["ffmpeg"] = ["/opt/none/ffmpeg"]
    missing = await manager.seen_by(tmp_path / "host", task_types=("ffmpeg",))

    is_broken(fails["ffmpeg"], "Install an ffmpeg with H.264")
    assert "Unknown encoder" in fails["ffmpeg"].sentence
    is_broken(missing["ffmpeg"], "Install ffmpeg")


# --- the command ----------------------------------------------------------------------------------


def doctor(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "worker_host.main", "doctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_prints_findings_and_ends_with_1_if_one_is_broken(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    where = ("--manager", url, "--data-dir", str(tmp_path), "--task-types", "misc")

    for_people, for_scripts = doctor(*where), doctor("--json", *where)

    assert for_people.returncode == for_scripts.returncode == 1
    assert f"broken  manager          The manager at {url} is not reached" in for_people.stdout
    assert "\x1b" not in for_people.stdout
    report = json.loads(for_scripts.stdout)
    assert report["state"] == "broken"
    assert [each["id"] for each in report["checks"]][:2] == ["settings", "manager"]


def test_settings_that_are_wrong_are_the_only_finding(tmp_path: Path) -> None:
    answer = doctor("--json", "--data-dir", str(tmp_path), "--slots", "0")

    [only] = json.loads(answer.stdout)["checks"]
    assert (only["id"], only["state"], answer.returncode) == ("settings", "broken", 1)
    assert "slots" in only["sentence"]
    assert "Mend the setting" in only["advice"]


def test_json_without_the_doctor_is_a_mistake() -> None:
    command = [sys.executable, "-m", "worker_host.main", "--json"]

    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert answer.returncode == 2
    assert "tablao-worker doctor --json" in answer.stderr


@pytest.mark.parametrize("needs", [[], "text", {"programs": 1}])
async def test_an_answer_that_is_none_is_a_finding(
    manager: AnsweringManager, tmp_path: Path, needs: Any
) -> None:
    manager.needs = needs

    found = await manager.seen_by(tmp_path / "host", **WITHOUT_PROGRAMS)

    is_broken(found["credentials"], "manager")
