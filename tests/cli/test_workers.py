"""`tablao workers` and `worker-status`."""

import json

import pytest

from tests.cli.conftest import FakeManager, Run

WORKER = "55555555-5555-4555-8555-555555555555"


def test_workers_are_listed_with_what_they_were_asked_to_become(run: Run) -> None:
    outcome = run("workers")

    assert "north" in outcome.out
    assert "awake → asleep" in outcome.out


def test_workers_as_json(run: Run) -> None:
    assert [worker["id"] for worker in json.loads(run("workers", "--json").out)] == [WORKER]


@pytest.mark.parametrize("typed", [WORKER, "555", "north"])
def test_a_worker_is_asked_by_id_prefix_or_name(run: Run, fake: FakeManager, typed: str) -> None:
    outcome = run("worker-status", typed, "asleep")

    assert outcome.exit_code == 0
    assert fake.last == (
        f"/api/v3/worker-mgt/workers/{WORKER}/setstatus",
        {"status": "asleep", "is_lazy": True},
    )


@pytest.mark.parametrize("status", ["awake", "offline", "restart"])
def test_a_worker_can_be_asked_to_do_it_now(run: Run, fake: FakeManager, status: str) -> None:
    run("worker-status", "north", status, "--now")

    assert fake.last[1] == {"status": status, "is_lazy": False}


def test_a_status_that_is_none_is_a_usage_error(run: Run, fake: FakeManager) -> None:
    outcome = run("worker-status", "north", "dead")

    assert outcome.exit_code == 2
    assert fake.asked == []
