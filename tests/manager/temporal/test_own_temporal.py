"""A Temporal that the studio runs itself: it may be away, and nobody has set it up for the farm."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
    ListSearchAttributesResponse,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.keeping import TemporalAway
from manager_api.cli.supervise import free_port
from manager_api.contract.errors import OrchestratorUnavailable
from manager_api.database.engine import Database
from manager_api.http_workers.keeping import Answer
from manager_api.jobs.control import RunIsOver
from manager_api.runs.http_store import Activity
from manager_api.temporal.access import TemporalAccess
from manager_api.temporal.activities import TemporalActivities
from manager_api.temporal.namespace import (
    NotSetUp,
    register_search_attributes,
    registration_command,
)
from manager_api.temporal.orchestrator import TemporalJobs
from manager_api.temporal.server import TemporalServer
from workflows.domain.keeping import Message, StoredRun
from workflows.domain.messages import Change, Outcome, OutcomeKind, RunKey

ROOT = Path(__file__).parents[3]


# --- search attributes ----------------------------------------------------------------------------


class Operator:
    """Temporal's operator service with these attributes, which may refuse to add others."""

    def __init__(
        self,
        refusal: RPCStatusCode | None = None,
        attributes: Mapping[str, IndexedValueType.ValueType] | None = None,
    ) -> None:
        self._refusal = refusal
        self._attributes = attributes or {}

    async def list_search_attributes(
        self, request: ListSearchAttributesRequest
    ) -> ListSearchAttributesResponse:
        return ListSearchAttributesResponse(custom_attributes=self._attributes)

    async def add_search_attributes(self, request: AddSearchAttributesRequest) -> None:
        if self._refusal is not None:
            raise RPCError("no", self._refusal, b"")


async def register_at(operator: Operator) -> None:
    client = SimpleNamespace(namespace="studio", operator_service=operator)
    await register_search_attributes(client)  # type: ignore[arg-type] # all that is used of one


@pytest.mark.parametrize(
    ("operator", "advice"),
    [
        (Operator(RPCStatusCode.PERMISSION_DENIED), f"Run: {registration_command('studio')}"),
        (Operator(RPCStatusCode.UNIMPLEMENTED), f"Run: {registration_command('studio')}"),
        (
            Operator(RPCStatusCode.NOT_FOUND),
            "Run: temporal operator namespace create --namespace studio",
        ),
        (
            Operator(attributes={"User": IndexedValueType.INDEXED_VALUE_TYPE_TEXT}),
            "Give the farm a namespace of its own",
        ),
    ],
    ids=["denied", "not offered", "no namespace", "another type"],
)
async def test_a_person_is_told_what_to_do(operator: Operator, advice: str) -> None:
    with pytest.raises(NotSetUp) as told:
        await register_at(operator)

    assert advice in str(told.value)


async def test_a_temporal_that_is_not_ready_needs_no_advice() -> None:
    with pytest.raises(RPCError):
        await register_at(Operator(RPCStatusCode.UNAVAILABLE))


async def test_two_managers_may_register_at_the_same_time() -> None:
    await register_at(Operator(RPCStatusCode.ALREADY_EXISTS))


def test_the_settings_page_shows_the_command() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()

    assert registration_command("default") in " ".join(page.replace("\\\n", " ").split())


# --- away at the start ----------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_temporal_that_comes_later_is_away_until_then(db: Database, tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    client = await TemporalAccess(f"127.0.0.1:{port}").connect(lazy=True)
    jobs, change = TemporalJobs(client, db), Change(priority=70)
    activity = Activity(RunKey("job", 1, 1, 1), str(uuid4()), "activity")

    with pytest.raises(OrchestratorUnavailable):
        await jobs.change("job", change)
    with pytest.raises(TemporalAway):
        await jobs.tell(Message("job", "tell_again"))
    with pytest.raises(TemporalAway):
        await jobs.open_run(StoredRun("job", 1, 0))
    completed = await TemporalActivities(client).complete(activity, Outcome(OutcomeKind.COMPLETED))
    assert completed is Answer.AWAY
    assert await TemporalActivities(client).heartbeat(activity) is Answer.AWAY

    server = TemporalServer(tmp_path / "temporal", port=port, stop_timeout=2.0)
    await server.start()
    async with asyncio.timeout(60):
        with pytest.raises(RunIsOver):
            await jobs.change("job", change)
    assert await TemporalActivities(client).heartbeat(activity) is Answer.GONE
    await server.stop()
