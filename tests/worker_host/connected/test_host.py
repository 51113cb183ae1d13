"""A whole host: real Temporal through the tunnel, real processes, the real channel."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from PIL import Image
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.workflow import ActivityCancellationType

from manager_api.hosts.channel import HelloAnswer
from manager_api.temporal.server import TemporalServer
from tests.farm.ids import LEASE, OWN_JOB
from tests.worker_host.connected.stand_in_manager import Farm, eventually
from worker_host.host import Ended, Host
from worker_host.own_secret import Keep, not_kept
from worker_host.registration import Credentials
from worker_host.run_table import RunTable
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef, worker_task_queue
from workflows.domain.statuses import WorkerStatus

KEY = RunKey(OWN_JOB, 1, 1, 1)
Handle = WorkflowHandle[Any, Outcome]


@workflow.defn(name="OneTask")
class OneTask:
    """Sends one task to a host's queue, as a job's workflow does."""

    @workflow.run
    async def run(self, queue: str, ref: RunRef) -> Outcome:
        outcome: Outcome = await workflow.execute_activity(
            "run_task",
            ref,
            task_queue=queue,
            result_type=Outcome,
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(seconds=20),
            retry_policy=RetryPolicy(maximum_attempts=1),
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        return outcome


class Stage:
    """A farm with Temporal, hosts on one data directory, and tasks sent to them."""

    def __init__(self, farm: Farm, client: Client, directory: Path) -> None:
        self.farm = farm
        self.directory = directory
        self._client = client
        self._queue = f"stage-{uuid4()}"

    @asynccontextmanager
    async def workflows(self) -> AsyncIterator[None]:
        async with Worker(
            self._client,
            task_queue=self._queue,
            workflows=[OneTask],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            yield

    @asynccontextmanager
    async def host(
        self, credentials: Credentials, keep: Keep = not_kept, **settings: Any
    ) -> AsyncIterator[tuple[Host, asyncio.Task[Ended]]]:
        """A host that is awake. What still runs at the end is left alone, as by SIGKILL."""
        settings_ = self.farm.host_settings(self.directory, **settings)
        self.directory.mkdir(exist_ok=True)
        host = Host(
            settings_,
            credentials,
            lambda hooks: RunTable(settings_.runs_dir, hooks, settings_.run_settings),
            keep=keep,
        )
        running = asyncio.create_task(host.run())
        hellos = len(self.farm.records.hellos)
        await eventually(lambda: len(self.farm.records.hellos) > hellos)
        await eventually(lambda: self.farm.records.status is not None)
        try:
            yield host, running
        finally:
            running.cancel()
            await asyncio.wait({running})

    async def send(self, ref: RunRef, session: int = 1) -> Handle:
        """A task for the host's session."""
        from_farm = "c0ffee00-0000-4000-8000-000000000001"
        queue = worker_task_queue(from_farm, session)
        return await self._client.start_workflow(
            OneTask.run, args=[queue, ref], id=f"one-{uuid4()}", task_queue=self._queue
        )

    def shell(self, script: str, index: int = 1) -> RunRef:
        """A task of one command."""
        parameters = {"exe": "/bin/sh", "args": ["-c", script]}
        self.farm.commands[index] = [{"name": "exec", "parameters": parameters}]
        return RunRef(OWN_JOB, index, 1, 1, LEASE, 0, index)

    def long(self, index: int = 1) -> RunRef:
        """A task that tells its pid and waits until `finish` is called."""
        script = "echo $$ > {0}/pid; while [ ! -e {0}/go ]; do sleep 0.05; done"
        return self.shell(script.format(self.directory), index)

    def finish(self) -> None:
        (self.directory / "go").touch()

    async def pid(self) -> int:
        """Of the command of the long task, once it runs."""
        file = self.directory / "pid"
        await eventually(lambda: file.exists() and file.read_text().endswith("\n"))
        return int(file.read_text())


@pytest.fixture
async def stage(
    farm: Farm,
    temporal_server: TemporalServer,
    temporal_client: Client,
    tmp_path: Path,
) -> AsyncIterator[Stage]:
    farm.temporal = temporal_server.address
    stage = Stage(farm, temporal_client, tmp_path / "host")
    async with stage.workflows():
        yield stage
    stage.finish()


async def test_a_task_runs_and_its_log_reaches_the_manager(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials):
        handle = await stage.send(stage.shell("echo olé"))

        assert await handle.result() == Outcome(OutcomeKind.COMPLETED, "Completed")
        log = stage.farm.logs.job_directory(OWN_JOB)
        await eventually(lambda: any("olé" in file.read_text() for file in log.glob("*.txt")))


async def test_an_outcome_is_kept_until_the_manager_has_recorded_it(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials):
        handle = await stage.send(stage.shell("true"))
        await handle.result()
        kept = stage.directory / "runs" / str(KEY)
        assert kept.exists()

        await stage.farm.hosts.settled(credentials.worker_id, KEY)

        await eventually(lambda: not kept.exists())


async def test_a_task_whose_commands_the_manager_withholds_is_refused(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials):
        handle = await stage.send(RunRef(OWN_JOB, 7, 1, 1, LEASE, 0, 1))

        assert await handle.result() == Outcome(OutcomeKind.REFUSED, "the lease is not held")


async def test_a_clients_path_in_place_of_a_job_id_never_becomes_a_command(
    stage: Stage, credentials: Credentials
) -> None:
    """Any client of Temporal can schedule an activity, and can write into some task's log."""
    spoiled = stage.directory / "spoiled"
    ref = stage.shell(f"touch {spoiled}")
    # As an address it leads to a log; as a path it leads to a folder that exists.
    path = f"stopped/../../../../../api/v3/tasks/{OWN_JOB}/logtail?x="
    data_dir = stage.directory / "a" / "b" / "c" / "d"
    (stage.directory / "a" / "api" / "v3" / "tasks" / OWN_JOB).mkdir(parents=True)
    async with stage.host(credentials, data_dir=data_dir):
        for key in (str(ref.key), f"{path}.1.1.1"):
            content = {"run_key": key, "task_id": OWN_JOB, "commands": stage.farm.commands[1]}
            stage.farm.log_tail = json.dumps(content)

            handle = await stage.send(replace(ref, job_id=path))

            with pytest.raises(WorkflowFailureError):
                await handle.result()

    assert not spoiled.exists()


async def test_commands_are_fetched_when_the_manager_is_back(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials):
        answer = stage.farm.fetch_status
        stage.farm.fetch_status = 503
        handle = await stage.send(stage.shell("true"))
        await eventually(lambda: stage.farm.fetches > 2)

        stage.farm.fetch_status = answer

        assert (await handle.result()).kind is OutcomeKind.COMPLETED


async def test_an_order_of_the_manager_stops_a_run_at_once(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials):
        handle = await stage.send(stage.long())
        pid = await stage.pid()

        await stage.farm.hosts.stop_run(credentials.worker_id, KEY, "its job was canceled")

        assert await handle.result() == Outcome(OutcomeKind.CANCELED, "its job was canceled")
        assert not psutil.pid_exists(pid)


async def test_a_cancellation_by_temporal_alone_stops_a_run(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials):
        handle = await stage.send(stage.long())
        pid = await stage.pid()

        await handle.cancel()

        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert not psutil.pid_exists(pid)


async def test_a_newer_request_for_the_same_run_reports_in_place_of_the_older(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials):
        ref = stage.long()
        older = await stage.send(ref)
        pid = await stage.pid()

        newer = await stage.send(ref)

        assert (await older.result()).kind is OutcomeKind.SUPERSEDED
        assert psutil.pid_exists(pid)
        stage.finish()
        assert (await newer.result()).kind is OutcomeKind.COMPLETED


async def test_a_run_lives_on_when_its_workflow_is_gone_without_a_clear_order(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials):
        ref = stage.long()
        gone = await stage.send(ref)
        pid = await stage.pid()
        await gone.terminate()

        again = await stage.send(ref)
        stage.finish()

        assert (await again.result()).kind is OutcomeKind.COMPLETED
        assert int((stage.directory / "pid").read_text()) == pid


async def test_a_run_that_nobody_asks_for_stops_after_its_grace(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials, unattached_grace_s=0.2):
        handle = await stage.send(stage.long())
        pid = await stage.pid()

        await handle.terminate()

        await eventually(lambda: not psutil.pid_exists(pid))


async def test_a_sleeping_host_refuses_and_an_awake_one_works_again(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials):
        await stage.farm.hosts.order_status(credentials.worker_id, WorkerStatus.ASLEEP)
        await eventually(lambda: stage.farm.records.status is WorkerStatus.ASLEEP)
        refused = await stage.send(stage.shell("true"))
        assert await refused.result() == Outcome(OutcomeKind.REFUSED, "the worker is asleep")

        await stage.farm.hosts.order_status(credentials.worker_id, WorkerStatus.AWAKE)
        await eventually(lambda: stage.farm.records.status is WorkerStatus.AWAKE)

        taken = await stage.send(stage.shell("true"))
        assert (await taken.result()).kind is OutcomeKind.COMPLETED


async def test_sleeping_after_the_task_lets_it_end(stage: Stage, credentials: Credentials) -> None:
    async with stage.host(credentials):
        handle = await stage.send(stage.long())
        await stage.pid()
        await stage.farm.hosts.order_status(
            credentials.worker_id, WorkerStatus.ASLEEP, is_lazy=True
        )
        refused = await stage.send(stage.shell("true", index=2))
        assert (await refused.result()).kind is OutcomeKind.REFUSED
        assert stage.farm.records.status == "awake"

        stage.finish()

        assert (await handle.result()).kind is OutcomeKind.COMPLETED
        await eventually(lambda: stage.farm.records.status is WorkerStatus.ASLEEP)


async def test_a_host_that_shuts_down_reports_what_it_stopped_and_signs_off(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials) as (host, running):
        handle = await stage.send(stage.long())
        pid = await stage.pid()

        host.shut_down()

        assert await running is Ended.SHUT_DOWN
        assert (await handle.result()).kind is OutcomeKind.CANCELED
        assert not psutil.pid_exists(pid)
        assert stage.farm.records.status is WorkerStatus.OFFLINE
        assert stage.farm.said == ["sign-off"]


async def test_a_host_that_restarts_says_so(stage: Stage, credentials: Credentials) -> None:
    async with stage.host(credentials) as (_, running):
        await stage.farm.hosts.order_status(credentials.worker_id, WorkerStatus.RESTART)

        assert await running is Ended.RESTART


async def test_the_host_of_a_deleted_worker_stops_its_runs_and_ends_without_a_word(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials) as (_, running):
        await stage.send(stage.long())
        pid = await stage.pid()
        stage.farm.records.deleted_workers.add(credentials.worker_id)
        stage.farm.hosts.look_for_deleted()

        assert await running is Ended.DISMISSED
        assert not psutil.pid_exists(pid)
        assert stage.farm.said == []


async def test_a_superseded_host_stops_its_runs_and_leaves_the_newer_one_signed_on(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials) as (_, running):
        await stage.send(stage.long())
        pid = await stage.pid()
        stage.farm.records.session += 1
        await stage.farm.stop()
        await stage.farm.start()

        assert await running is Ended.SUPERSEDED
        assert not psutil.pid_exists(pid)
        assert stage.farm.said == []


async def test_the_next_host_adopts_what_runs_and_reports_it(
    stage: Stage, credentials: Credentials
) -> None:
    ref = stage.long()
    async with stage.host(credentials):
        await stage.send(ref)
        pid = await stage.pid()

    async with stage.host(credentials):
        again = await stage.send(ref, session=2)
        assert stage.farm.records.hellos[-1].runs == (str(KEY),)
        assert psutil.pid_exists(pid)
        stage.finish()

        assert (await again.result()).kind is OutcomeKind.COMPLETED
    assert int((stage.directory / "pid").read_text()) == pid


async def test_runs_without_authority_are_stopped_at_the_welcome(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials):
        await stage.send(stage.long())
        pid = await stage.pid()
        stage.farm.records.wanted = HelloAnswer(WorkerStatus.AWAKE, stop=(str(KEY),))

        await stage.farm.stop()
        await stage.farm.start()

        await eventually(lambda: not psutil.pid_exists(pid))


async def test_a_new_session_is_served_on_its_own_queue_and_runs_go_on(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials):
        handle = await stage.send(stage.long())
        pid = await stage.pid()
        stage.farm.records.renews = True
        await stage.farm.stop()
        await stage.farm.start()

        # Of the same lease, so that it waits for the slot instead of taking it.
        same_lease = replace(stage.shell("true", index=2), generation=1)
        other = await stage.send(same_lease, session=2)

        stage.finish()
        assert (await other.result()).kind is OutcomeKind.COMPLETED
        assert (await handle.result()).kind is OutcomeKind.COMPLETED
        assert int((stage.directory / "pid").read_text()) == pid


async def test_a_frame_that_was_saved_is_sent_as_a_preview(
    stage: Stage, credentials: Credentials, tmp_path: Path
) -> None:
    Image.new("RGB", (8, 4)).save(tmp_path / "0001.png")
    ref = stage.long()
    script = stage.farm.commands[1][0]["parameters"]["args"][1]
    blender = tmp_path / "blender"
    blender.write_text(f"#!/bin/sh\n{script}\necho \"Saved: '{tmp_path}/0001.png'\"\n")
    blender.chmod(0o755)
    parameters = {"exe": str(blender), "blendfile": "", "args": []}
    stage.farm.commands[1] = [{"name": "blender-render", "parameters": parameters}]
    async with stage.host(credentials):
        await stage.send(ref)
        await stage.pid()

        stage.finish()

        await eventually(lambda: stage.farm.images)

    assert stage.farm.images[0].startswith(b"\xff\xd8")


async def test_a_host_without_farm_stops_its_runs_in_the_end(
    stage: Stage, credentials: Credentials
) -> None:
    async with stage.host(credentials, orphan_after_s=0.5):
        await stage.send(stage.long())
        pid = await stage.pid()

        await stage.farm.stop()

        await eventually(lambda: not psutil.pid_exists(pid))
        await stage.farm.start()


async def test_a_host_takes_a_new_secret_while_its_task_runs(
    stage: Stage, credentials: Credentials
) -> None:
    kept: list[tuple[Credentials, int]] = []
    hellos = stage.farm.records.hellos

    def keep(new: Credentials) -> None:
        kept.append((new, len(hellos)))

    async with stage.host(credentials, keep):
        handle = await stage.send(stage.long())
        pid = await stage.pid()
        stage.farm.secrets.append("a-new-secret")
        stage.farm.records.secret = "a-new-secret"

        await stage.farm.hosts.new_secret(credentials.worker_id)
        await eventually(lambda: len(hellos) == 2)
        stage.farm.secrets.remove(credentials.secret)
        stage.farm.hosts.look_for_deleted()
        stage.finish()

        assert (await handle.result()).kind is OutcomeKind.COMPLETED
        assert int((stage.directory / "pid").read_text()) == pid
    # It was stored before it was shown for the first time.
    assert kept == [(replace(credentials, secret="a-new-secret"), 1)]
    assert hellos[1].session == 1


async def test_a_host_that_cannot_store_a_new_secret_goes_on_with_the_old_one(
    stage: Stage, credentials: Credentials
) -> None:
    def keep(_: Credentials) -> None:
        raise OSError("no space left on device")

    async with stage.host(credentials, keep):
        stage.farm.secrets.append("a-new-secret")
        stage.farm.records.secret = "a-new-secret"
        await stage.farm.hosts.new_secret(credentials.worker_id)
        handle = await stage.send(stage.shell("true"))

        assert (await handle.result()).kind is OutcomeKind.COMPLETED
        assert len(stage.farm.records.hellos) == 1
