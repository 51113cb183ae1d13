"""The embedded Temporal survives whatever happens to it, to its manager and to its record."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import psutil
import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    ListSearchAttributesRequest,
    RemoveSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from manager_api.temporal.namespace import SEARCH_ATTRIBUTES, settle_namespace
from manager_api.temporal.server import TemporalServer, TemporalUnavailableError

Embedded = Callable[[], TemporalServer]

MANAGER = """
import asyncio, sys
from pathlib import Path
from manager_api.temporal.server import TemporalServer

async def main():
    server = TemporalServer(Path(sys.argv[1]), ui_path="/temporal")
    await server.start()
    print(server.pid, server.address, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@workflow.defn(name="Waiting")
class WaitingWorkflow:
    """Waits until it is told a word, and answers with it."""

    def __init__(self) -> None:
        self._word = ""

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: bool(self._word))
        return self._word

    @workflow.signal
    def say(self, word: str) -> None:
        self._word = word


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[Embedded]:
    """Makes servers of one folder; whatever still runs at the test's end is killed."""
    made: list[TemporalServer] = []

    def make() -> TemporalServer:
        made.append(
            TemporalServer(tmp_path, ui_path="/temporal", watch_interval=0.05, backoff=(0.05, 0.5))
        )
        return made[-1]

    yield make
    for server in made:
        await server.stop(leave_running=True)
    for process in serving(tmp_path):
        process.kill()


@pytest.fixture
async def server(embedded: Embedded) -> TemporalServer:
    server = embedded()
    await server.start()
    return server


async def eventually(condition: Callable[[], bool], within: float = 30.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - another process's doing raises no event here
            await asyncio.sleep(0.02)


async def connected(address: str, within: float = 30.0) -> Client:
    async with asyncio.timeout(within):
        while True:
            try:
                return await Client.connect(address)
            except RuntimeError:
                await asyncio.sleep(0.05)


async def start_waiting(client: Client) -> None:
    await client.start_workflow("Waiting", id="waiting", task_queue="queue")


async def finish_waiting(client: Client) -> str:
    runner = UnsandboxedWorkflowRunner()
    workflows = [WaitingWorkflow]
    async with Worker(client, task_queue="queue", workflows=workflows, workflow_runner=runner):
        handle = client.get_workflow_handle("waiting", result_type=str)
        await handle.signal("say", "olé")
        return str(await handle.result())


async def test_a_killed_server_comes_back_on_its_address_with_its_workflows(
    server: TemporalServer,
) -> None:
    address, ui_url, killed = server.address, server.ui_url, server.pid
    await start_waiting(await Client.connect(address))

    os.kill(killed, signal.SIGKILL)
    await eventually(lambda: server.pid != killed)

    assert (server.address, server.ui_url) == (address, ui_url)
    assert await finish_waiting(await connected(address)) == "olé"


async def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    # Temporal makes a URI of its database's path.
    folder = tmp_path / "farm" / "a #b?c;d%41"
    folder.mkdir(parents=True)
    for _ in range(2):
        server = TemporalServer(folder)
        await server.start()
        await server.stop()

    assert [each.name for each in folder.parent.iterdir()] == [folder.name]
    assert (folder / "temporal.db").stat().st_size > 0


async def test_a_connected_client_goes_on_after_a_restart(server: TemporalServer) -> None:
    client = await Client.connect(server.address)
    await start_waiting(client)

    os.kill(server.pid, signal.SIGKILL)

    assert await asyncio.wait_for(finish_waiting(client), 60) == "olé"


async def test_the_child_leaves_no_zombie(server: TemporalServer) -> None:
    killed = server.pid

    os.kill(killed, signal.SIGKILL)

    await eventually(lambda: not psutil.pid_exists(killed))


async def test_a_server_outlives_its_killed_manager_and_is_adopted(
    embedded: Embedded, tmp_path: Path
) -> None:
    manager = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MANAGER, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert manager.stdout is not None
    pid, address = (await asyncio.wait_for(manager.stdout.readline(), 60)).decode().split()

    manager.kill()
    await manager.wait()
    successor = embedded()
    await successor.start()

    assert (successor.pid, successor.address) == (int(pid), address)
    await successor.stop()
    assert serving(tmp_path) == []


async def test_an_adopted_server_is_restarted_too(
    embedded: Embedded, server: TemporalServer
) -> None:
    await server.stop(leave_running=True)
    adopter = embedded()
    await adopter.start()
    adopted, address = adopter.pid, adopter.address

    os.kill(adopted, signal.SIGKILL)
    await eventually(lambda: adopter.pid != adopted)

    assert adopter.address == address
    await connected(address)


async def test_managers_on_one_folder_share_one_server(embedded: Embedded, tmp_path: Path) -> None:
    managers = [embedded() for _ in range(3)]

    await asyncio.gather(*(manager.start() for manager in managers))

    assert len({manager.pid for manager in managers}) == 1
    assert len(serving(tmp_path)) == 1


async def test_managers_sharing_a_killed_server_start_one_anew(
    embedded: Embedded, tmp_path: Path
) -> None:
    managers = [embedded() for _ in range(3)]
    await asyncio.gather(*(manager.start() for manager in managers))
    killed = managers[0].pid

    os.kill(killed, signal.SIGKILL)
    await eventually(lambda: killed not in {manager.pid for manager in managers})

    assert len({manager.pid for manager in managers}) == 1
    assert len(serving(tmp_path)) == 1


@pytest.mark.parametrize("record", ["", "{}", '{"port": 1', "without its process"])
async def test_a_running_server_is_found_without_its_record(
    embedded: Embedded, server: TemporalServer, tmp_path: Path, record: str
) -> None:
    path = tmp_path / "temporal.json"
    ports = {key: json.loads(path.read_text())[key] for key in ("port", "ui_port")}
    path.write_text(json.dumps(ports) if record == "without its process" else record)
    adopter = embedded()

    await adopter.start()

    assert (adopter.pid, adopter.address) == (server.pid, server.address)


async def test_a_new_server_gets_the_address_of_the_last_one(embedded: Embedded) -> None:
    first, second = embedded(), embedded()
    await first.start()
    await first.stop()

    await second.start()

    assert (second.address, second.ui_url) == (first.address, first.ui_url)


async def test_an_address_taken_meanwhile_is_given_up(embedded: Embedded) -> None:
    first, second = embedded(), embedded()
    await first.start()
    await first.stop()
    host, port = first.address.split(":")
    async with await asyncio.start_server(lambda _reader, writer: writer.close(), host, int(port)):
        await second.start()

        assert second.address != first.address
        await connected(second.address)


async def test_a_port_asked_for_that_is_taken_is_refused(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    async with taken:
        with pytest.raises(TemporalUnavailableError, match=f"port {port}, for Temporal, is taken"):
            await TemporalServer(tmp_path, port=port).start()

    assert serving(tmp_path) == []


async def test_stopping_ends_the_server(embedded: Embedded, tmp_path: Path) -> None:
    server = embedded()
    await server.start()

    await server.stop()

    assert serving(tmp_path) == []


async def test_stopping_can_leave_the_server_to_the_next_manager(
    server: TemporalServer, tmp_path: Path
) -> None:
    await server.stop(leave_running=True)

    assert [process.pid for process in serving(tmp_path)] == [server.pid]


async def test_a_server_that_cannot_start_says_where_to_look(
    embedded: Embedded, tmp_path: Path
) -> None:
    (tmp_path / "temporal.db").write_text("no database, but long enough to be read as one" * 100)

    with pytest.raises(TemporalUnavailableError, match=r"temporal\.log"):
        await embedded().start()

    assert serving(tmp_path) == []


def test_only_loopback_is_listened_on(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        TemporalServer(tmp_path, ip="0.0.0.0")


async def test_closed_workflows_are_kept_for_thirty_days(server: TemporalServer) -> None:
    client = await Client.connect(server.address)

    namespace = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace="default")
    )

    kept = namespace.config.workflow_execution_retention_ttl.ToTimedelta()
    assert kept == timedelta(days=30)


async def test_jobs_can_be_searched_for(server: TemporalServer) -> None:
    client = await Client.connect(server.address)

    assert await search_attributes(client) == SEARCH_ATTRIBUTES


async def test_a_namespace_that_lacks_a_search_attribute_gets_it(server: TemporalServer) -> None:
    client = await Client.connect(server.address)
    await client.operator_service.remove_search_attributes(
        RemoveSearchAttributesRequest(namespace="default", search_attributes=["Project"])
    )
    assert "Project" not in await search_attributes(client)

    await settle_namespace(client, timedelta(days=30))

    assert await search_attributes(client) == SEARCH_ATTRIBUTES


async def test_a_shared_session_server_answers(temporal_client: Client) -> None:
    assert await temporal_client.service_client.check_health()


def serving(folder: Path) -> list[psutil.Process]:
    """The servers on a folder's database."""
    processes = psutil.process_iter(["cmdline", "cwd", "status"])
    return [
        process
        for process in processes
        if "temporal.db" in (process.info["cmdline"] or ())
        and process.info["cwd"] == str(folder)
        and process.info["status"] != "zombie"
    ]


async def search_attributes(client: Client) -> dict[str, str]:
    """Our own, by name, with their types spelled as the command line spells them."""
    found = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace="default")
    )
    return {
        name: IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_").title()
        for name, kind in found.custom_attributes.items()
    }


async def answer_of(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        return await http.get(url)


@pytest.mark.parametrize("before", ["/temporal", "/farm/temporal", None])
@pytest.mark.parametrize("wanted", ["/temporal", None])
async def test_an_adopted_server_has_the_web_ui_that_is_asked_for(
    tmp_path: Path, embedded: Embedded, before: str | None, wanted: str | None
) -> None:
    first = TemporalServer(tmp_path, ui_path=before)
    await first.start()
    pid, address = first.pid, first.address
    await first.stop(leave_running=True)
    second = TemporalServer(tmp_path, ui_path=wanted)

    await second.start()

    try:
        assert second.address == address
        assert (second.pid == pid) == (before == wanted)
        assert bool(second.ui_url) == (wanted is not None)
        if wanted:
            assert (await answer_of(f"{second.ui_url}{wanted}/")).status_code == 200
        await connected(second.address)
    finally:
        await second.stop()


async def test_without_a_web_ui_no_port_answers_as_one(tmp_path: Path) -> None:
    server = TemporalServer(tmp_path)
    await server.start()
    try:
        listening = psutil.Process(server.pid).net_connections("tcp")
        ports = {each.laddr.port for each in listening if each.status == psutil.CONN_LISTEN}
        pages = []
        for port in ports:
            with contextlib.suppress(httpx.HTTPError):
                page = await answer_of(f"http://127.0.0.1:{port}/")
                pages.append(page.headers.get("content-type"))
    finally:
        await server.stop()

    assert not [each for each in pages if each and each.startswith("text/html")]
