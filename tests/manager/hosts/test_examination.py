"""A host is asked on its channel what the doctor of its machine finds, and tells it there."""

from dataclasses import replace

import pytest

from manager_api.workers import examination_store as examinations
from manager_api.workers import store as workers
from tests.manager.hosts.served_channel import HELLO, Manager
from workflows.domain import control
from workflows.domain.doctor import broken, fine, told

FINDINGS = [
    fine("memory", "3.2 GB of 8.0 GB memory are free."),
    broken("blender", "There is no Blender.", "Install Blender."),
]
REPORT = control.Examined(told(FINDINGS, "2.0"))


async def asked_for(manager: Manager, worker_id: str) -> None:
    async with manager.database.writing() as session:
        row = await workers.existing_worker_to_change(session, worker_id)
        await examinations.order(session, row)


async def is_stored(manager: Manager, worker_id: str) -> bool:
    async with manager.database.reading() as session:
        row = await examinations.of_worker(session, worker_id)
    return row is not None and row.report == REPORT.report and row.told is not None


async def test_a_host_is_asked_and_its_answer_is_kept(manager: Manager) -> None:
    worker = await manager.worker()
    await asked_for(manager, worker)
    async with manager.host(worker) as (socket, _):
        manager.hosts.examine(worker)
        assert await manager.hear(socket) == control.Examine()

        await manager.say(socket, REPORT)

        await manager.eventually_true(lambda: is_stored(manager, worker))


async def test_a_report_that_was_not_asked_for_is_not_kept(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, REPORT)
        await manager.say(socket, control.Beat({"cpu_percent": 3}))
        await manager.eventually(lambda: manager.hosts.statistics(worker).cpu_percent is not None)

    assert not await is_stored(manager, worker)


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"checks": 3, "version": "2.0"},
        {"checks": [3], "version": "2.0"},
        {"checks": [REPORT.report["checks"][0]] * 101, "version": "2.0"},
        {"checks": [{**REPORT.report["checks"][0], "state": "well"}], "version": "2.0"},
        {"checks": [{**REPORT.report["checks"][0], "advice": "Do it."}], "version": "2.0"},
        {"checks": [{**REPORT.report["checks"][0], "id": "a" * 101}], "version": "2.0"},
        {"checks": REPORT.report["checks"], "version": "2" * 10_000},
        {"checks": REPORT.report["checks"]},
    ],
)
async def test_what_is_no_report_cuts_the_connection(
    manager: Manager, report: dict[str, object]
) -> None:
    worker = await manager.worker()
    frame = control.encode(replace(REPORT, report=report))

    code = await manager.close_code(worker, control.encode(HELLO), frame)

    assert code == control.CLOSE_MALFORMED
