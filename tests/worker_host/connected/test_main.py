"""The process `tablao-worker`: how it begins, and each way in which it ends."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.services.exit_codes import NEEDS_A_PERSON
from manager_api.temporal.server import TemporalServer
from tests.farm.ids import LEASE, OWN_JOB
from tests.worker_host.connected.stand_in_manager import Farm, eventually
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef, worker_task_queue
from workflows.domain.statuses import WorkerStatus

WORKER = "c0ffee00-0000-4000-8000-000000000001"
SECRET = "a-secret-of-its-own"
KEY = RunKey(OWN_JOB, 1, 1, 1)
REF = RunRef(OWN_JOB, 1, 1, 1, LEASE, 0, 1)


@workflow.defn(name="OneTaskOfAProcess")
class OneTaskOfAProcess:
    """Sends one task to a host's queue."""

    @workflow.run
    async def run(self, queue: str) -> Outcome:
        outcome: Outcome = await workflow.execute_activity(
            "run_task",
            REF,
            task_queue=queue,
            result_type=Outcome,
            start_to_close_timeout=timedelta(minutes=5),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )
        return outcome


class Machine:
    """A render machine on which `tablao-worker` is started; its farm knows it already."""

    def __init__(self, farm: Farm, client: Client, directory: Path) -> None:
        self.farm = farm
        self.client = client
        self.directory = directory
        self.processes: list[asyncio.subprocess.Process] = []
        directory.mkdir()
        (directory / "tablao-worker-credentials.yaml").write_text(
            f"{farm.url}: {{worker_id: {WORKER}, secret: {SECRET}}}\n"
        )

    async def start(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker_host.main",
            "--manager", self.farm.url, "--data-dir", str(self.directory), *arguments,
            env={**os.environ, "TABLAO_SIGN_OFF_S": "1", "TABLAO_RETRY_TO_S": "0.2", **environment},
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self.processes.append(process)
        return process

    async def started(self, *arguments: str) -> asyncio.subprocess.Process:
        """Returns when it has said what it is."""
        hellos = len(self.farm.records.hellos)
        self.farm.records.status = None
        process = await self.start(*arguments)
        await eventually(lambda: len(self.farm.records.hellos) > hellos)
        await eventually(lambda: self.farm.records.status is WorkerStatus.AWAKE)
        return process

    async def run_for_long(self) -> tuple[Any, int]:
        """A task that never ends by itself: its workflow, and its command's pid."""
        file = self.directory / "pid"
        parameters = {"exe": "/bin/sh", "args": ["-c", f"echo $$ > {file}; exec sleep 1000"]}
        self.farm.commands[1] = [{"name": "exec", "parameters": parameters}]
        handle = await self.client.start_workflow(
            OneTaskOfAProcess.run,
            worker_task_queue(WORKER, self.farm.records.session),
            id=f"process-{self.directory}",
            task_queue="processes",
        )
        await eventually(lambda: file.exists() and file.read_text().endswith("\n"))
        return handle, int(file.read_text())

    async def end(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
        file = self.directory / "pid"
        if file.exists() and psutil.pid_exists(pid := int(file.read_text())):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
async def machine(
    farm: Farm,
    temporal_server: TemporalServer,
    temporal_client: Client,
    tmp_path: Path,
) -> AsyncIterator[Machine]:
    farm.temporal = temporal_server.address
    machine = Machine(farm, temporal_client, tmp_path / "machine")
    async with Worker(
        temporal_client,
        task_queue="processes",
        workflows=[OneTaskOfAProcess],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield machine
        await machine.end()


async def said(process: asyncio.subprocess.Process) -> str:
    """What it has written by its end."""
    async with asyncio.timeout(30):
        _, stderr = await process.communicate()
    return stderr.decode()


async def test_sigterm_stops_what_runs_and_signs_off(machine: Machine) -> None:
    process = await machine.started()
    handle, pid = await machine.run_for_long()

    process.terminate()
    await said(process)

    assert process.returncode == 0
    assert (await handle.result()).kind is OutcomeKind.CANCELED
    assert not psutil.pid_exists(pid)
    assert machine.farm.said == ["sign-on", "sign-off"]


async def test_a_killed_host_leaves_its_run_to_the_next_one(machine: Machine) -> None:
    process = await machine.started()
    _, pid = await machine.run_for_long()
    process.kill()
    await process.wait()

    await machine.started()

    assert psutil.pid_exists(pid)
    assert machine.farm.records.hellos[-1].runs == (str(KEY),)


async def test_a_second_sigterm_ends_it_at_once_and_leaves_the_run_alone(machine: Machine) -> None:
    machine.farm.commands[1] = []
    process = await machine.started()
    _, pid = await machine.run_for_long()
    os.kill(pid, signal.SIGSTOP)  # it cannot be stopped properly now

    process.terminate()
    await eventually(lambda: machine.farm.records.status is WorkerStatus.OFFLINE)
    process.terminate()
    await said(process)

    assert process.returncode == 1
    assert "sign-off" not in machine.farm.said


async def test_a_host_that_has_not_joined_yet_ends_at_once(machine: Machine) -> None:
    machine.farm.sign_on_answers = [503] * 1000
    process = await machine.start()
    await eventually(lambda: machine.farm.said)

    process.terminate()
    await said(process)

    assert process.returncode == 0


async def test_a_host_ends_although_neither_manager_nor_temporal_is_there(machine: Machine) -> None:
    process = await machine.started()
    _, pid = await machine.run_for_long()
    await machine.farm.stop()

    process.terminate()
    await said(process)

    assert process.returncode == 0
    assert not psutil.pid_exists(pid)


async def test_a_restart_order_ends_it_with_the_code_that_was_asked_for(machine: Machine) -> None:
    process = await machine.started("--restart-exit-code", "47")

    await machine.farm.hosts.order_status(WORKER, WorkerStatus.RESTART)
    await said(process)

    assert process.returncode == 47


async def test_a_second_host_on_the_same_directory_says_so_and_changes_nothing(
    machine: Machine,
) -> None:
    first = await machine.started()

    second = await machine.start()

    assert str(machine.directory) in await said(second)
    assert second.returncode == 1
    assert first.returncode is None
    assert machine.farm.said == ["sign-on"]


async def test_a_host_whose_place_was_taken_ends_with_a_sentence(machine: Machine) -> None:
    process = await machine.started()
    machine.farm.records.session += 1
    await machine.farm.stop()
    await machine.farm.start()

    assert "signed on with the credentials" in await said(process)
    # Started again by services, two hosts would end each other for ever.
    assert process.returncode == NEEDS_A_PERSON


async def test_a_host_that_is_new_registers(machine: Machine) -> None:
    (machine.directory / "tablao-worker-credentials.yaml").unlink()

    await machine.start()
    await eventually(lambda: machine.farm.said == ["register-worker", "sign-on"])

    credentials = machine.directory / "tablao-worker-credentials.yaml"
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"TABLAO_SLOTS": "many"}, "slots"),
        ({"TABLAO_RESTART_EXIT_CODE": "1000"}, "restart_exit_code"),
    ],
)
async def test_a_wrong_setting_is_a_sentence_and_no_traceback(
    machine: Machine, environment: dict[str, str], sentence: str
) -> None:
    process = await machine.start(**environment)

    text = await said(process)

    assert sentence in text
    assert "Traceback" not in text
    assert process.returncode == NEEDS_A_PERSON
