"""`tablao workers`, `tablao worker …`, `tablao tags …`, and which workers a job may have."""

import json
from typing import Any

import pytest

from tests.manager.cli.fake_manager import (
    JOB,
    OTHER_JOB,
    OTHER_WORKER,
    TAG,
    WORKER,
    FakeManager,
    Run,
)

WORKERS, OURS = "/api/v3/worker-mgt/workers", "/api/tablao/v1/workers"
TAGS, TAG_URL = "/api/v3/worker-mgt/tags", f"/api/v3/worker-mgt/tag/{TAG}"


def test_workers_are_listed_with_what_they_were_asked_to_become(run: Run) -> None:
    outcome = run("workers")

    assert "north" in outcome.out
    assert "awake, paused, set aside → asleep" in outcome.out
    assert "north is set aside: " in outcome.out


def test_workers_as_json(run: Run) -> None:
    assert [worker["id"] for worker in json.loads(run("workers", "--json").out)] == [WORKER]


@pytest.mark.parametrize("typed", [WORKER, "555", "north"])
def test_a_worker_is_asked_by_id_prefix_or_name(run: Run, fake: FakeManager, typed: str) -> None:
    outcome = run("worker", "sleep", typed)

    assert outcome.exit_code == 0
    assert fake.last == (f"{WORKERS}/{WORKER}/setstatus", {"status": "asleep", "is_lazy": True})


@pytest.mark.parametrize(
    ("arguments", "status", "is_lazy"),
    [
        (["wake"], "awake", False),
        (["sleep", "--now"], "asleep", False),
        (["shutdown"], "offline", True),
        (["shutdown", "--now"], "offline", False),
        (["restart", "--lazy"], "restart", True),
    ],
)
def test_verbs_ask_for_a_status(
    run: Run, fake: FakeManager, arguments: list[str], status: str, is_lazy: bool
) -> None:
    run("worker", *arguments, "north")

    assert fake.last[1] == {"status": status, "is_lazy": is_lazy}


@pytest.mark.parametrize("verb", ["pause", "resume", "forgive"])
def test_a_worker_is_paused_resumed_and_forgiven(run: Run, fake: FakeManager, verb: str) -> None:
    outcome = run("worker", verb, "north")

    assert (outcome.exit_code, fake.last) == (0, (f"{OURS}/{WORKER}/{verb}", None))


def test_a_worker_is_upgraded(run: Run, fake: FakeManager) -> None:
    outcome = run("worker", "upgrade", "north")

    assert (outcome.exit_code, fake.last) == (0, (f"{OURS}/{WORKER}/upgrade", None))
    assert "north: it installs the manager's version." in outcome.out


def test_all_older_workers_are_upgraded_and_each_says_what_was_answered(
    run: Run, fake: FakeManager
) -> None:
    outcome = run("worker", "upgrade", "--all")

    asked = [path for path, _ in fake.asked if path.endswith("/upgrade")]
    assert asked == [f"{OURS}/{each}/upgrade" for each in (WORKER, OTHER_WORKER)]
    assert "north: it installs the manager's version." in outcome.out
    assert "south: its host is away" in outcome.out
    assert "1 of 2 workers cannot be upgraded." in outcome.err
    assert outcome.exit_code == 1


@pytest.mark.parametrize("arguments", [[], ["north", "--all"]])
def test_an_upgrade_is_of_named_workers_or_of_all(run: Run, arguments: list[str]) -> None:
    outcome = run("worker", "upgrade", *arguments)

    assert outcome.exit_code == 1
    assert "Say which workers to upgrade, or --all." in outcome.err


def test_an_upgrade_that_is_refused_for_all_is_not_tried_again(run: Run, fake: FakeManager) -> None:
    fake.refuse = (403, {"code": 403, "message": "not for you"})

    outcome = run("worker", "upgrade", WORKER, OTHER_WORKER)

    assert (outcome.exit_code, len(fake.asked)) == (1, 1)


def test_a_worker_is_deleted(run: Run, fake: FakeManager) -> None:
    outcome = run("worker", "delete", "north")

    assert (outcome.exit_code, fake.last) == (0, (f"{WORKERS}/{WORKER}", None))


def test_a_worker_is_shown_with_its_task(run: Run) -> None:
    shown = run("worker", "show", "north").out

    for text in (
        "awake, paused, set aside → asleep",
        "gpu",
        "blender, misc",
        "render-1-3",
        "10.0.0.7",
    ):
        assert text in shown
    assert "No Blender is here. (since 2026-01-01T10:00:00Z, for tasks of type blender)" in shown


def test_a_worker_as_json(run: Run) -> None:
    shown = json.loads(run("worker", "show", "north", "--json").out)

    assert (shown["id"], shown["task"]["job_id"]) == (WORKER, JOB)


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], []),
        (["gpu"], [(f"{WORKERS}/{WORKER}/settags", {"tag_ids": [TAG]})]),
        (["--none"], [(f"{WORKERS}/{WORKER}/settags", {"tag_ids": []})]),
    ],
)
def test_a_workers_tags_are_shown_and_set(
    run: Run, fake: FakeManager, arguments: list[str], asked: list[Any]
) -> None:
    outcome = run("worker", "tags", "north", *arguments)

    assert (outcome.exit_code, outcome.out, fake.asked) == (0, "gpu\n", asked)


def test_a_sleep_schedule_is_set_piece_by_piece(run: Run, fake: FakeManager) -> None:
    before = run("worker", "schedule", "north")
    first = run("worker", "schedule", "north", "--start", "22:00", "--end", "06:00")
    second = run("worker", "schedule", "north", "--days", "fr sa", "--off")

    assert before.out == "It has no sleep schedule.\n"
    assert first.out == "every day, 22:00 to 06:00\n"
    assert second.out == "fr sa, 22:00 to 06:00 (off)\n"
    expected = {"days_of_week": "fr sa", "start_time": "22:00", "end_time": "06:00"}
    assert fake.last[1] == expected | {"is_active": False}


def test_options_of_the_host_are_no_options_of_a_verb(run: Run, fake: FakeManager) -> None:
    outcome = run("worker", "--name", "south", "sleep", "north")

    assert (outcome.exit_code, fake.asked) == (1, [])
    assert "go behind `sleep`" in outcome.err


def test_a_verb_that_is_none_is_a_usage_error(run: Run, fake: FakeManager) -> None:
    outcome = run("worker", "dance", "north")

    assert (outcome.exit_code, fake.asked) == (2, [])


# --- tags ----------------------------------------------------------------------------------------


def test_tags_are_listed(run: Run) -> None:
    assert "those with a card" in run("tags", "list").out
    assert [tag["id"] for tag in json.loads(run("tags", "list", "--json").out)] == [TAG]


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["create", "cpu"], (TAGS, {"name": "cpu", "description": ""})),
        (
            ["create", "cpu", "--description", "no card"],
            (TAGS, {"name": "cpu", "description": "no card"}),
        ),
        (["rename", "gpu", "cards"], (TAG_URL, {"name": "cards"})),
        (["delete", "gpu"], (TAG_URL, None)),
        (["delete", TAG, "--force"], (f"{TAG_URL}?force=true", None)),
    ],
)
def test_tags_are_made_renamed_and_deleted(
    run: Run, fake: FakeManager, arguments: list[str], asked: Any
) -> None:
    outcome = run("tags", *arguments)

    assert (outcome.exit_code, fake.last) == (0, asked)


def test_a_refusal_is_the_managers_sentence(run: Run, fake: FakeManager) -> None:
    fake.refuse = (409, {"code": 409, "message": "2 unfinished jobs have this worker tag"})

    outcome = run("tags", "delete", "gpu")

    assert outcome.exit_code == 1
    assert "2 unfinished jobs have this worker tag" in outcome.err


# --- whom a job may have -------------------------------------------------------------------------


@pytest.mark.parametrize(("argument", "body"), [("gpu", {"id": TAG}), ("--none", {})])
def test_a_job_gets_a_tag_or_loses_it(
    run: Run, fake: FakeManager, argument: str, body: dict[str, str]
) -> None:
    outcome = run("job", "tag", JOB, argument)

    assert (outcome.exit_code, fake.last) == (0, (f"/api/v3/jobs/{JOB}/settag", body))


def test_a_tag_for_a_job_must_be_named(run: Run, fake: FakeManager) -> None:
    assert (run("job", "tag", JOB).exit_code, fake.asked) == (1, [])


def test_a_blocklist_is_shown_and_shortened(run: Run, fake: FakeManager) -> None:
    shown = run("job", "blocklist", JOB).out
    empty = run("job", "blocklist", OTHER_JOB)
    removed = run("job", "blocklist", JOB, "--remove", "north:blender")

    assert "north" in shown
    assert (empty.out, empty.exit_code) == ("", 0)
    assert removed.exit_code == 0
    entry = {"worker_id": WORKER, "task_type": "blender"}
    assert fake.last == (f"/api/v3/jobs/{JOB}/blocklist", [entry])


def test_an_entry_that_is_none_is_refused(run: Run, fake: FakeManager) -> None:
    assert (run("job", "blocklist", JOB, "--remove", "north").exit_code, fake.asked) == (1, [])
