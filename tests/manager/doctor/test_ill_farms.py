"""Each illness of a farm has its check, its state, and an advice that names what to do."""

import asyncio
import shutil
import socket
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from activities.process.examining import HangingCalls
from manager_api.contract.doctor import DoctorCheck
from manager_api.database.engine import Database, utc_now
from manager_api.database.schema_version import newest_migration
from manager_api.database.tables import NotificationRuleRow
from manager_api.doctor.rounds import Rounds
from manager_api.doctor.temporal import TemporalFacts
from manager_api.settings.storage_marker import note_of
from manager_api.upgrades.managers import ManagerPresence
from tests.farm.hanging_storage import hanging_storage
from tests.farm.lost_storage import LostStorage
from tests.farm.small_disk import small_disk
from tests.manager.certificates import authority_in
from tests.manager.doctor.patient import Patient
from workflows.domain.doctor import State
from workflows.domain.notifications import Scope, Way
from workflows.domain.statuses import WorkerStatus
from workflows.domain.storage_marker import NAME

OF_THE_DISK = frozenset({"storage.space", "data-directory", "logs", "database.size"})
#: Looks that hang take so long; all others are far faster, also while other tests run. In seconds.
LOOK_S = 3.0


def is_broken(check: DoctorCheck, *advice: str) -> None:
    assert check.state is State.BROKEN, check.sentence
    _names(check, advice)


def is_to_look_at(check: DoctorCheck, *advice: str) -> None:
    assert check.state is State.LOOK, check.sentence
    _names(check, advice)


def _names(check: DoctorCheck, advice: tuple[str, ...]) -> None:
    for words in advice:
        assert words in check.advice


async def test_a_farm_that_is_well_has_nothing_but_fine_checks(patient: Patient) -> None:
    await patient.worker()

    checks = await patient.checks()

    # There is no Temporal here; test_real_farm.py has one. The machine may be short of space.
    others = {
        name: each
        for name, each in checks.items()
        if not name.startswith("temporal") and name not in OF_THE_DISK
    }
    not_fine = {name: each.sentence for name, each in others.items() if each.advice}
    assert not_fine == {}
    assert len(checks) == 30


# --- storage and disks ----------------------------------------------------------------------------


async def test_a_storage_that_is_read_only(patient: Patient, tmp_path: Path) -> None:
    with small_disk(tmp_path / "storage", 4) as disk:
        patient.set(shared_storage_path=disk.folder)
        disk.make_read_only()

        found = (await patient.checks())["storage"]

    is_broken(found, "Mount the storage", "write")
    assert "Read-only file system" in found.sentence


async def test_a_storage_that_is_not_mounted(patient: Patient, tmp_path: Path) -> None:
    storage = LostStorage(tmp_path / "storage")
    storage.mount()
    patient.set(shared_storage_path=storage.folder)

    storage.unmount()

    found = (await patient.checks())["storage"]
    is_broken(found, "Mount the shared storage", str(note_of(patient.data_dir)))
    assert "it is not mounted" in found.sentence


async def test_another_storage_at_the_same_path(patient: Patient, tmp_path: Path) -> None:
    patient.set(shared_storage_path=tmp_path / "storage")
    (tmp_path / "storage" / NAME).write_text("c0ffee00-0000-4000-8000-00000000dead\n")

    found = (await patient.checks())["storage"]

    is_broken(found, "Mount the right storage")
    assert "another storage" in found.sentence


async def test_a_storage_that_is_gone(patient: Patient, tmp_path: Path) -> None:
    patient.set(shared_storage_path=tmp_path / "storage")
    (tmp_path / "storage" / NAME).unlink()
    (tmp_path / "storage" / "jobs").rmdir()
    (tmp_path / "storage").rmdir()

    is_broken((await patient.checks())["storage"], "Mount the storage")


async def test_a_storage_that_hangs_holds_up_no_other_check(
    patient: Patient, tmp_path: Path
) -> None:
    patient.rounds = Rounds(HangingCalls(LOOK_S))
    patient.set(shared_storage_path=tmp_path / "before")
    with hanging_storage(tmp_path / "storage") as folder:
        changed = {"shared_storage_path": folder}
        patient.settings = patient.settings.model_copy(update=changed)

        first, second = await patient.checks(), await patient.checks()

    is_broken(first["storage"], "mount it again")
    assert f"{folder} (storage) does not answer" in first["storage"].sentence
    assert "still hangs" in second["storage.space"].sentence
    assert first["database"].state is first["certificate"].state is State.FINE


async def test_a_disk_that_is_full(patient: Patient, tmp_path: Path) -> None:
    with small_disk(tmp_path / "job-files", 2) as disk:
        patient.set(local_manager_storage_path=disk.folder)
        disk.fill()

        found = (await patient.checks())["logs"]

    is_broken(found, "Free some space", str(disk.folder))
    assert "No space left on device" in found.sentence


async def test_a_storage_with_little_space(patient: Patient, tmp_path: Path) -> None:
    with small_disk(tmp_path / "storage", 300) as disk:
        patient.set(shared_storage_path=disk.folder)

        found = (await patient.checks())["storage.space"]

    is_to_look_at(found, "Free some space")


# --- the database ---------------------------------------------------------------------------------


async def test_a_database_on_a_full_disk_takes_no_writes(
    patient: Patient, tmp_path: Path, migrated_sqlite: Path
) -> None:
    with small_disk(tmp_path / "full", 16) as disk:
        shutil.copy(migrated_sqlite, disk.folder / "tablao.sqlite")
        database = Database(f"sqlite+aiosqlite:///{disk.folder}/tablao.sqlite")
        patient.database, patient.presence = database, ManagerPresence(database, "0.1.0")
        await patient.presence.seen()
        disk.fill()

        checks = await patient.checks()
        await database.close()

    is_broken(checks["database.writes"], "Free some space", str(disk.folder))
    assert checks["database"].state is State.FINE


async def test_a_database_of_a_newer_version(patient: Patient) -> None:
    await patient.migrated_to("9999")

    found = (await patient.checks())["database.schema"]

    is_broken(found, "Upgrade this manager")
    assert "9999 is newer" in found.sentence


async def test_a_database_of_an_older_version(patient: Patient) -> None:
    await patient.migrated_to("0007")

    found = (await patient.checks())["database.schema"]

    is_broken(found, "Start the manager again")
    assert newest_migration() in found.sentence


async def test_a_postgresql_that_does_not_answer(patient: Patient) -> None:
    with socket.socket() as nothing:
        nothing.bind(("127.0.0.1", 0))
        port = nothing.getsockname()[1]
        await _with_database(patient, f"postgresql+asyncpg://farm:secret@127.0.0.1:{port}/farm")

        checks = await patient.checks()
        await patient.database.close()

    is_broken(checks["database"], "Start PostgreSQL")
    assert "secret" not in checks["database"].sentence
    for name in ("database.schema", "database.clock", "webhooks", "workers"):
        is_to_look_at(checks[name], "See database.")


async def _with_database(patient: Patient, url: str) -> None:
    await patient.database.close()
    patient.database = Database(url)
    patient.presence = ManagerPresence(patient.database, "0.1.0")


# --- how it is reached ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "state"),
    [(datetime(2020, 1, 1), State.BROKEN), (None, State.FINE)],  # noqa: DTZ001
)
async def test_a_certificate_that_has_expired(
    patient: Patient, made: datetime | None, state: State
) -> None:
    with time_machine.travel(made or utc_now(), tick=True):
        files = authority_in(patient.data_dir / "tls", "127.0.0.1")
    patient.set(tls={"cert": str(files.certificate), "key": str(files.key)})

    found = (await patient.checks())["certificate"]

    assert found.state is state
    assert ("tablao tls renew" in found.advice) is (state is State.BROKEN)


async def test_a_certificate_and_a_key_that_do_not_belong_together(patient: Patient) -> None:
    files = authority_in(patient.data_dir / "tls", "127.0.0.1")
    others = authority_in(patient.data_dir / "others", "127.0.0.1")
    patient.set(tls={"cert": str(files.certificate), "key": str(others.key)})

    is_broken((await patient.checks())["certificate"], "tls.key")


async def test_plain_http_for_a_network(patient: Patient) -> None:
    patient.set(listen="0.0.0.0:8080", insecure=True)

    is_to_look_at((await patient.checks())["certificate"], "tablao tls init")


async def test_a_public_address_that_is_not_reached(patient: Patient) -> None:
    patient.set(public_url="http://127.0.0.1:9/farm")

    found = (await patient.checks())["address"]

    is_to_look_at(found, "public_url", "proxy")
    assert "connection refused" in found.sentence


async def test_an_announced_address_that_is_not_reached(patient: Patient) -> None:
    with socket.socket() as nothing:
        nothing.bind(("", 0))
        port = nothing.getsockname()[1]
        patient.set(listen=f":{port}", insecure=True, autodiscoverable=True)

        found = (await patient.checks())["discovery"]

    is_to_look_at(found, "firewall")
    assert str(port) in found.sentence


# --- services -------------------------------------------------------------------------------------


async def test_a_webhook_and_an_e_mail_that_fail(patient: Patient) -> None:
    fails = {"failing_since": utc_now(), "trouble": "it answered HTTP 500", "kinds": []}
    hook = NotificationRuleRow(
        id="1", way=Way.WEBHOOK, name="chat", scope=Scope.ALL, created=utc_now(), **fails
    )
    mail = NotificationRuleRow(id="2", way=Way.EMAIL, scope=Scope.ALL, created=utc_now(), **fails)
    async with patient.database.writing() as session:
        session.add_all([hook, mail])

    without_server = await patient.checks()
    patient.set(smtp={"host": "mail.studio", "sender": "farm@studio.example"})
    with_server = await patient.checks()

    is_to_look_at(with_server["webhooks"], "tablao notify test")
    assert "chat: it answered HTTP 500." in with_server["webhooks"].sentence
    is_to_look_at(without_server["email"], "smtp.host")
    is_to_look_at(with_server["email"], "smtp.")


async def test_a_job_type_that_does_not_load(patient: Patient) -> None:
    folder = patient.settings.job_types_path
    folder.mkdir()
    (folder / "broken_type.js").write_text("const JOB_TYPE = {{{;\n")

    found = (await patient.checks())["job-types"]

    is_broken(found, str(folder), "tablao job-types check")
    assert "broken_type.js" in found.sentence


# --- workers --------------------------------------------------------------------------------------


async def test_a_farm_without_workers(patient: Patient) -> None:
    is_broken((await patient.checks())["workers"], "tablao-worker --manager")


async def test_workers_that_are_all_asleep(patient: Patient) -> None:
    await patient.worker(status=WorkerStatus.ASLEEP)

    is_to_look_at((await patient.checks())["workers"], "tablao worker wake")


async def test_a_worker_without_blender(patient: Patient) -> None:
    await patient.worker(set_aside=[_aside("program-missing", "It looked for blender.", "blender")])

    found = (await patient.checks())["workers.programs"]

    is_broken(found, "Install Blender", "tablao-worker.yaml")
    assert "carmen: It looked for blender." in found.sentence


@pytest.mark.parametrize("cause", ["storage-missing", "disk-full", "read-only"])
async def test_a_worker_without_its_storage(patient: Patient, cause: str) -> None:
    await patient.worker(set_aside=[_aside(cause, "It is not there.")])

    checks = await patient.checks()

    is_broken(checks["workers.storage"], "Mount the storage", "tablao-worker doctor")
    is_broken(checks["workers"], "tablao workers")
    assert checks["workers.programs"].state is State.FINE


async def test_what_a_worker_told_before_it_went_does_not_count(patient: Patient) -> None:
    aside = [_aside("storage-missing", "It was not there.")]
    await patient.worker(set_aside=aside, status=WorkerStatus.OFFLINE)

    assert (await patient.checks())["workers.storage"].state is State.FINE


async def test_a_worker_that_is_set_aside_for_its_memory(patient: Patient) -> None:
    await patient.worker(set_aside=[_aside("out-of-memory", "It has no memory.")])

    is_to_look_at((await patient.checks())["workers.set-aside"], "tablao worker forgive")


def _aside(cause: str, reason: str, *task_types: str) -> dict[str, object]:
    since = "2026-11-30T08:00:00+00:00"
    return {"cause": cause, "reason": reason, "task_types": list(task_types), "since": since}


@pytest.mark.parametrize(
    ("software", "advice"),
    [("Tablao 0.0.1", "tablao worker upgrade --all"), ("Tablao 999.0", "Upgrade the manager")],
)
async def test_a_worker_of_another_version(patient: Patient, software: str, advice: str) -> None:
    await patient.worker(software=software)

    is_to_look_at((await patient.checks())["workers.versions"], advice)


async def test_a_worker_that_was_not_seen_for_long(patient: Patient) -> None:
    seen = utc_now() - timedelta(days=8)
    await patient.worker(status=WorkerStatus.OFFLINE, last_seen=seen)

    is_to_look_at((await patient.checks())["workers.seen"], "tablao worker delete")


async def test_a_worker_that_waits_to_be_let_in(patient: Patient) -> None:
    await patient.worker(is_waiting=True)

    is_to_look_at((await patient.checks())["workers.waiting"], "Let them in")


async def test_a_worker_that_does_not_take_the_status_that_it_was_asked_for(
    patient: Patient,
) -> None:
    asked = utc_now() - timedelta(hours=2)
    await patient.worker(status_requested=WorkerStatus.ASLEEP, updated=asked)

    is_to_look_at((await patient.checks())["workers.requests"], "--now")


async def test_a_manager_of_a_newer_version(patient: Patient) -> None:
    await ManagerPresence(patient.database, "999.0").seen()

    found = (await patient.checks())["managers"]

    is_to_look_at(found, "Upgrade this manager")
    assert "999.0" in found.sentence


async def test_callers_at_one_time_share_a_round(patient: Patient) -> None:
    looks = 0

    async def read() -> TemporalFacts:
        nonlocal looks
        looks += 1
        raise RuntimeError("no facts")

    patient.read_temporal = read

    await asyncio.gather(patient.checks(), patient.checks(), patient.checks())
    await patient.checks()

    assert looks == 2
