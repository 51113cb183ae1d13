"""Temporal is away for a while just as a worker calls it."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import RespondActivityTaskCompletedRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from manager_api.temporal import worker_proxy
from manager_api.temporal.worker_proxy import TemporalForWorkers
from workflows.domain.messages import Outcome

_OUTCOMES = ("Completed", "Failed", "Canceled")
#: Measured with a real Temporal that was away for 22 s: an outcome that was held so long was
#: delivered; one that was held for 5 s was lost, and its task waited until its heartbeats were
#: missed.
_MEASURED_S = 22.0


class Away:
    """A Temporal that does not answer the first calls."""

    def __init__(self, calls: int, answers: Callable[[], Any]) -> None:
        self.calls = 0
        self.workflow_service = SimpleNamespace(respond_activity_task_completed=self._respond)
        self._away = calls
        self._answers = answers

    async def _respond(self, _request: Any, **_settings: timedelta) -> Any:
        self.calls += 1
        if self.calls <= self._away:
            raise RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b"")
        return self._answers()


async def _completed(temporal: Away, *, patience_s: float) -> Any:
    async def connect() -> Client:
        return temporal  # type: ignore[return-value]

    return await TemporalForWorkers(connect).ask(
        "respond_activity_task_completed",
        RespondActivityTaskCompletedRequest(),
        timedelta(seconds=30),
        patience_s,
    )


async def test_a_call_is_tried_until_temporal_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_proxy, "_RESTART_PAUSE_S", 0.0)

    assert await _completed(Away(40, lambda: "taken"), patience_s=600.0) == "taken"


async def test_a_call_is_refused_when_its_time_is_over() -> None:
    temporal = Away(40, lambda: "taken")

    with pytest.raises(RPCError):
        await _completed(temporal, patience_s=-1.0)
    assert temporal.calls == 1


async def test_what_temporal_refuses_is_not_tried_again() -> None:
    def refuses() -> Outcome:
        raise RPCError("no such activity", RPCStatusCode.NOT_FOUND, b"")

    temporal = Away(0, refuses)

    with pytest.raises(RPCError, match="no such activity"):
        await _completed(temporal, patience_s=600.0)
    assert temporal.calls == 1


@pytest.mark.parametrize("outcome", _OUTCOMES)
def test_an_outcome_is_held_for_as_long_as_was_measured(outcome: str) -> None:
    methods = worker_proxy._METHODS
    (name,) = [each for each in methods if each.endswith(f"/RespondActivityTask{outcome}")]

    assert methods[name].patience_s > _MEASURED_S
