"""docs/doctor.md has each check of both doctors, in their order."""

import re
from pathlib import Path
from typing import cast

import pytest

from activities.process.examining import Check, HangingCalls
from manager_api.cli import doctor as command
from manager_api.database.engine import Database
from manager_api.doctor import local
from manager_api.doctor.rounds import Rounds
from manager_api.doctor.service import Doctor
from manager_api.doctor.temporal import no_temporal
from manager_api.job_types.registry import BuiltInJobTypes, JobTypeRegistry
from manager_api.settings.model import ManagerSettings
from manager_api.upgrades.managers import ManagerPresence
from manager_api.workers.farm_workers import NoHosts
from worker_host.doctor import manager, service
from worker_host.doctor.machine import machine_checks
from worker_host.doctor.manager import Needs
from worker_host.doctor.programs import program_checks
from worker_host.settings import HostSettings


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs/doctor.md").read_text(encoding="utf-8")


def listed(page: str, heading: str) -> list[str]:
    section = page.partition(f"## `{heading}`\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([\w.-]+)` \|", section, re.MULTILINE)


def ids(checks: object) -> list[str]:
    return [name for check in cast(list[Check], checks) for name in check.ids]


def test_the_checks_of_the_manager_are_listed(page: str, tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/tablao.sqlite")
    registry = JobTypeRegistry([BuiltInJobTypes()])
    doctor = Doctor(
        Rounds(),
        ManagerSettings(data_dir=tmp_path),
        database,
        ManagerPresence(database, "0.1.0"),
        registry,
        no_temporal,
        NoHosts(),
    )

    found = ids(doctor.checks(HangingCalls()))
    registry.close()

    assert listed(page, "tablao doctor") == [command.MANAGER, *found]


def test_the_checks_without_a_manager_are_named(page: str, tmp_path: Path) -> None:
    settings = ManagerSettings(data_dir=tmp_path)
    checks = local.local_checks(settings, HangingCalls(), None, "127.0.0.1", 8080)
    paragraph = page.partition("**Without a manager.**")[2].partition("\n")[0]

    named = re.findall(r"`([\w.-]+)`", paragraph.partition("then has the checks")[2])

    assert sorted(named) == sorted([command.MANAGER, command.SETTINGS, *ids(checks)])


def test_the_checks_of_a_render_machine_are_listed(page: str, tmp_path: Path) -> None:
    settings, needs, calls = HostSettings(data_dir=tmp_path), Needs(), HangingCalls()
    found = ids([*machine_checks(settings, needs, calls), *program_checks(settings, needs, calls)])

    assert listed(page, "tablao-worker doctor") == [service.SETTINGS, *manager.IDS, *found]
