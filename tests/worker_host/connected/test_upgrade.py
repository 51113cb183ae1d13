"""A whole host is upgraded: its runs live on, and a version on trial ends when it is welcomed."""

import asyncio
import hashlib
from pathlib import Path

import psutil
import pytest

from manager_api.hosts.channel import HelloAnswer
from tests.worker_host.connected.stand_in_manager import Farm, eventually
from worker_host import upgrading
from worker_host.host import Ended, Host
from worker_host.registration import Credentials
from worker_host.run_table import RunTable
from worker_host.versions_folder import Chosen, VersionsFolder, folder_name
from workflows.domain import control
from workflows.domain.statuses import WorkerStatus

WHEEL = b"a wheel"
ORDER = control.Upgrade(
    "2.0",
    f"{control.WHEELS}tablao-2.0-py3-none-any.whl",
    len(WHEEL),
    hashlib.sha256(WHEEL).hexdigest(),
)
SCRIPT = 'mkdir -p "$1/bin"; printf "#!/bin/sh\\necho tablao-worker 2.0" > "$1/bin/python"; \
chmod +x "$1/bin/python"'


@pytest.fixture(autouse=True)
def quick_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    def made_up(environment: Path, wheel: Path) -> list[list[str]]:
        return [["/bin/sh", "-c", SCRIPT, "sh", str(environment)]]

    monkeypatch.setattr(upgrading, "installing", made_up)


def host_of(
    farm: Farm,
    credentials: Credentials,
    directory: Path,
    *,
    can_upgrade: bool = True,
    on_trial: bool = False,
) -> Host:
    settings = farm.host_settings(directory)
    directory.mkdir(exist_ok=True)
    return Host(
        settings,
        credentials,
        lambda hooks: RunTable(settings.runs_dir, hooks, settings.run_settings),
        versions=VersionsFolder(directory) if can_upgrade else None,
        on_trial=on_trial,
    )


async def test_a_host_installs_a_version_and_ends_without_signing_off(
    farm: Farm, credentials: Credentials, tmp_path: Path
) -> None:
    farm.wheel = WHEEL
    host = host_of(farm, credentials, tmp_path)
    running = asyncio.create_task(host.run())
    await eventually(lambda: farm.records.status is not None)

    farm.hosts.upgrade(credentials.worker_id, ORDER)

    assert await running is Ended.UPGRADED
    assert farm.records.hellos[0].can_upgrade
    assert [each.state for each in farm.records.upgrades] == ["fetching", "installing"]
    trial = folder_name(ORDER.version, ORDER.sha256)
    assert VersionsFolder(tmp_path).chosen() == Chosen(trial=trial, manager=farm.url)
    assert farm.records.status == "awake"
    assert "sign-off" not in farm.said


async def test_a_host_that_sleeps_signs_off_so_that_it_sleeps_on(
    farm: Farm, credentials: Credentials, tmp_path: Path
) -> None:
    farm.wheel, farm.records.wanted = WHEEL, HelloAnswer(WorkerStatus.ASLEEP)
    host = host_of(farm, credentials, tmp_path)
    running = asyncio.create_task(host.run())
    await eventually(lambda: farm.records.status is WorkerStatus.ASLEEP)

    farm.hosts.upgrade(credentials.worker_id, ORDER)

    assert await running is Ended.UPGRADED
    assert "sign-off" in farm.said


async def test_a_host_that_gets_another_wheel_goes_on(
    farm: Farm, credentials: Credentials, tmp_path: Path
) -> None:
    farm.wheel = b"a wheet"
    host = host_of(farm, credentials, tmp_path)
    running = asyncio.create_task(host.run())
    await eventually(lambda: farm.records.status is not None)

    farm.hosts.upgrade(credentials.worker_id, ORDER)
    await eventually(lambda: len(farm.records.upgrades) == 2)

    assert farm.records.upgrades[-1].state == "failed"
    assert not running.done()
    host.shut_down()
    assert await running is Ended.SHUT_DOWN


async def test_a_host_that_cannot_be_upgraded_says_so_and_ignores_the_order(
    farm: Farm, credentials: Credentials, tmp_path: Path
) -> None:
    host = host_of(farm, credentials, tmp_path, can_upgrade=False)
    running = asyncio.create_task(host.run())
    await eventually(lambda: farm.records.status is not None)

    farm.hosts.upgrade(credentials.worker_id, ORDER)
    await farm.hosts.order_status(credentials.worker_id, WorkerStatus.OFFLINE)

    assert await running is Ended.SHUT_DOWN
    assert not farm.records.hellos[0].can_upgrade
    assert farm.records.upgrades == []


async def test_a_version_on_trial_ends_when_it_is_welcomed_and_takes_no_status(
    farm: Farm, credentials: Credentials, tmp_path: Path
) -> None:
    before = set(psutil.Process().children())
    host = host_of(farm, credentials, tmp_path, on_trial=True)

    async with asyncio.timeout(30):
        assert await host.run() is Ended.WELCOMED

    assert farm.records.status is None
    assert "sign-off" not in farm.said
    assert set(psutil.Process().children()) <= before
