"""The doctor asks a real Temporal, whose namespace a test puts out of order."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio import activity
from temporalio.api.operatorservice.v1 import RemoveSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client

from activities.heartbeats import heartbeats
from manager_api.cli.supervise import free_port
from manager_api.doctor import temporal
from manager_api.doctor.temporal import TemporalFacts, judged
from manager_api.temporal.access import TemporalAccess
from manager_api.temporal.examination import TemporalExamination
from manager_api.temporal.manager_worker import ManagerWorker
from manager_api.temporal.namespace import SEARCH_ATTRIBUTES, register_search_attributes
from manager_api.temporal.server import TemporalServer
from tests.manager.api_calls import eventually
from workflows.domain.doctor import Finding, State
from workflows.domain.messages import Outcome, RunRef


async def facts_of(client: Client) -> TemporalFacts:
    return await TemporalExamination(client, "127.0.0.1", is_embedded=False).read()


def by_id(facts: TemporalFacts) -> dict[str, Finding]:
    return {each.check: each for each in judged(facts)}


@pytest.fixture
async def client(temporal_server: TemporalServer) -> Client:
    """Of a namespace of the test's own, in which nothing runs yet."""
    somewhere = await TemporalAccess(temporal_server.address).connect()
    name = f"doctor-{uuid4().hex[:8]}"
    await somewhere.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name, workflow_execution_retention_period=Duration(seconds=86_400)
        )
    )
    client = await TemporalAccess(temporal_server.address, name).connect()

    async def is_there() -> bool:
        # The server looks for new namespaces every ten seconds.
        facts = await facts_of(client)
        return facts.has_namespace and not facts.problem

    await eventually(is_there, 60)
    await register_search_attributes(client)
    return client


@activity.defn(name="keep_farm")
async def keep_farm() -> None:
    async with heartbeats(lambda: None, 0.2):
        await asyncio.Event().wait()


@activity.defn
async def run_task(run: RunRef) -> Outcome:
    """Is never asked for: a Temporal worker needs an activity."""
    raise AssertionError


@pytest.fixture
async def working(client: Client) -> AsyncIterator[Client]:
    """The same with a manager's Temporal worker, and a keeper that has given a sign of life."""
    access = TemporalAccess(client.service_client.config.target_host, client.namespace)
    worker = ManagerWorker(access, [keep_farm], 1.0, http_activities=[run_task])
    running = asyncio.create_task(worker.run())

    async def keeps() -> bool:
        facts = await facts_of(client)
        return facts.keeper_beat is not None and facts.activity_pollers > 0

    await eventually(keeps, 60)
    yield client
    running.cancel()
    await asyncio.wait({running})


async def test_a_temporal_that_is_well_and_one_that_lacks_a_search_attribute(
    working: Client,
) -> None:
    well = by_id(await facts_of(working))

    await working.operator_service.remove_search_attributes(
        RemoveSearchAttributesRequest(
            namespace=working.namespace, search_attributes=["JobPriority"]
        )
    )
    ill = by_id(await facts_of(working))

    assert {name: each.sentence for name, each in well.items() if each.advice} == {}
    assert tuple(well) == temporal.IDS
    found = ill["temporal.search-attributes"]
    assert found.state is State.BROKEN
    assert "JobPriority" in found.sentence
    assert "temporal operator search-attribute create" in found.advice
    assert all(f"--name {name} " in found.advice for name in SEARCH_ATTRIBUTES)


async def test_a_temporal_that_no_manager_works_for(client: Client) -> None:
    found = by_id(await facts_of(client))

    assert found["temporal"].state is State.FINE
    for name in ("temporal.pollers", "temporal.keeper"):
        assert found[name].state is State.BROKEN
        assert "restart the manager" in found[name].advice.lower()


async def test_a_temporal_without_the_namespace(temporal_server: TemporalServer) -> None:
    client = await TemporalAccess(temporal_server.address, "missing").connect()

    found = by_id(await facts_of(client))

    assert found["temporal"].state is State.BROKEN
    assert "namespace create --namespace missing" in found["temporal"].advice
    assert found["temporal.keeper"].state is State.LOOK


async def test_a_temporal_that_does_not_answer() -> None:
    access = TemporalAccess(f"127.0.0.1:{free_port('127.0.0.1')}")
    client = await access.connect(lazy=True)

    found = by_id(await facts_of(client))["temporal"]

    assert found.state is State.BROKEN
    assert "Start Temporal" in found.advice


@pytest.mark.parametrize(
    ("ahead_s", "state"),
    [
        (-300, State.BROKEN),
        (-20, State.FINE),
        (0, State.FINE),
        (20, State.LOOK),
        (90, State.BROKEN),
    ],
)
def test_the_clock_of_a_temporal_elsewhere(ahead_s: int, state: State) -> None:
    now = datetime(2026, 11, 30, 8, tzinfo=UTC)
    facts = TemporalFacts(
        "temporal:7233", False, "default", keeper_beat=now + timedelta(seconds=ahead_s), read_at=now
    )

    assert by_id(facts)["temporal.clock"].state is state
    # The manager's own has the manager's clock, however late its keeper is.
    assert by_id(replace(facts, is_embedded=True))["temporal.clock"].state is State.FINE


def test_a_keeper_that_has_fallen_silent() -> None:
    now = datetime(2026, 11, 30, 8, tzinfo=UTC)
    facts = TemporalFacts(
        "temporal:7233", True, "default", keeper_beat=now - timedelta(minutes=2), read_at=now
    )

    found = by_id(facts)["temporal.keeper"]

    assert found.state is State.LOOK
    assert "120 s ago" in found.sentence
    assert "overloaded" in found.advice
