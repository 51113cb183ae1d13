"""`tablao jobs`, `job` and `task`: what is asked of the manager, and what is said."""

import json

import pytest

from manager_api.cli.times_left import range_text
from tests.manager.cli.fake_manager import FakeManager, Run

# Shared with the fixtures; importlib mode has no packages to import it from.
JOB = "11111111-1111-4111-8111-111111111111"
TASK = "33333333-3333-4333-8333-333333333333"
WORKER = "55555555-5555-4555-8555-555555555555"
OTHER_TASK = "44444444-4444-4444-8444-444444444444"
SINCE = "2026-01-02T03:04:05Z"


def test_jobs_are_listed_newest_first_by_their_plain_names(run: Run) -> None:
    outcome = run("jobs")

    assert outcome.exit_code == 0
    assert outcome.out.index("newer") < outcome.out.index("[red]older")
    assert "1/3" in outcome.out


def test_an_empty_farm_says_so_on_standard_error(run: Run, fake: FakeManager) -> None:
    fake.jobs.clear()

    outcome = run("jobs")

    assert (outcome.exit_code, outcome.out) == (0, "")
    assert "no jobs" in outcome.err


def test_jobs_as_json_is_what_the_manager_knows(run: Run, fake: FakeManager) -> None:
    outcome = run("jobs", "--json")

    assert {job["id"] for job in json.loads(outcome.out)} == set(fake.jobs)


def test_a_job_is_shown_with_its_tasks_in_their_order(run: Run) -> None:
    outcome = run("job", "show", "11")

    assert "all is well" in outcome.out
    assert outcome.out.index("echo") < outcome.out.rindex("sleep")
    assert outcome.out.count("stuck since") == 1
    assert f"active, stuck since {SINCE}" in outcome.out


def test_jobs_say_how_many_of_their_tasks_are_stuck(run: Run, fake: FakeManager) -> None:
    fake.jobs[JOB]["tasks_stuck"] = 2

    assert run("jobs").out.count(", 2 tasks stuck") == 1
    assert ", 2 tasks stuck" in run("job", "show", JOB).out


def test_an_active_job_says_how_long_it_still_takes(run: Run, fake: FakeManager) -> None:
    fake.ending = fake.jobs[JOB]["status"] = "active"
    fake.looks = 3

    assert "4-6 min" in run("jobs").out
    assert "4-6 min" in run("job", "show", JOB).out


@pytest.mark.parametrize(
    ("earliest_s", "latest_s", "text"),
    [
        (0.2, 3.1, "up to 4 s"),
        (12, 12, "12 s"),
        (80, 130, "1-3 min"),
        (3_700, 7_300, "1-3 h"),
        (90_000, 200_000, "1-3 days"),
    ],
)
def test_the_range_never_looks_more_certain_than_it_is(
    earliest_s: float, latest_s: float, text: str
) -> None:
    assert range_text(earliest_s, latest_s) == text


def test_a_job_as_json_has_its_tasks(run: Run) -> None:
    outcome = run("job", "show", JOB, "--json")

    assert [task["id"] for task in json.loads(outcome.out)["tasks"]] == [TASK, OTHER_TASK]


@pytest.mark.parametrize(
    ("verb", "status"),
    [
        ("cancel", "cancel-requested"),
        ("pause", "pause-requested"),
        ("resume", "queued"),
    ],
)
def test_changing_a_job_asks_for_the_status_and_gives_the_reason(
    run: Run, fake: FakeManager, verb: str, status: str
) -> None:
    outcome = run("job", verb, "1111", "--reason", "wrong shot")

    assert outcome.exit_code == 0
    assert fake.last == (
        f"/api/v3/jobs/{JOB}/setstatus",
        {"status": status, "reason": "wrong shot"},
    )
    assert f"Job {JOB} is now" in outcome.out


def test_a_reason_is_given_even_if_none_was_typed(run: Run, fake: FakeManager) -> None:
    run("job", "cancel", JOB)

    assert fake.last[1]["reason"].startswith("Canceled by ")


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ((), {"action": "requeue"}),
        (("--failed",), {"action": "requeue-failed"}),
        (("--frames", "keep"), {"action": "requeue", "frames": "keep"}),
        (
            ("--failed", "--frames", "render-again"),
            {"action": "requeue-failed", "frames": "render-again"},
        ),
    ],
)
def test_requeueing_is_an_action_of_ours(
    run: Run, fake: FakeManager, options: tuple[str, ...], asked: dict[str, str]
) -> None:
    outcome = run("job", "requeue", "1111", *options, "--reason", "disk was full")

    assert fake.last == (
        f"/api/tablao/v1/jobs/{JOB}/actions",
        {**asked, "reason": "disk was full"},
    )
    assert f"Job {JOB} is now" in outcome.out


@pytest.mark.parametrize(
    ("options", "said"),
    [((), "4 canceled and 1 failed tasks"), (("--failed",), "1 failed task.")],
)
def test_requeueing_says_how_many_tasks_run_again(
    run: Run, options: tuple[str, ...], said: str
) -> None:
    assert f"To run again: {said}" in run("job", "requeue", "1111", *options).out


def test_a_priority_is_set(run: Run, fake: FakeManager) -> None:
    run("job", "priority", JOB, "80")

    assert fake.last == (f"/api/v3/jobs/{JOB}/setpriority", {"priority": 80})


def test_a_priority_outside_its_range_is_a_usage_error(run: Run, fake: FakeManager) -> None:
    outcome = run("job", "priority", JOB, "101")

    assert outcome.exit_code == 2
    assert fake.asked == []


def test_the_log_of_a_job_is_the_end_of_each_tasks_log(run: Run) -> None:
    outcome = run("job", "log", JOB)

    assert "== echo" in outcome.out
    assert "last line" in outcome.out
    assert "first line" not in outcome.out


def test_the_log_of_a_jobs_failed_tasks_leaves_out_the_others(run: Run, fake: FakeManager) -> None:
    fake.logs[OTHER_TASK] = "it broke\n"

    outcome = run("job", "log", JOB, "--failed")

    assert "it broke" in outcome.out
    assert "== echo" not in outcome.out


def test_a_task_is_shown(run: Run) -> None:
    outcome = run("task", "show", "333")

    assert TASK in outcome.out
    assert "north" in outcome.out
    assert SINCE in outcome.out


def test_the_log_of_a_task_is_all_of_it_or_its_end(run: Run) -> None:
    assert run("task", "log", TASK).out == "first line\nlast line\n"
    assert run("task", "log", TASK, "--tail").out == "last line\n"


def test_a_task_without_a_log_says_so(run: Run) -> None:
    outcome = run("task", "log", OTHER_TASK)

    assert (outcome.exit_code, outcome.out) == (0, "")
    assert "not written a log" in outcome.err


def test_canceling_a_task_asks_for_the_status(run: Run, fake: FakeManager) -> None:
    run("task", "cancel", "3333", "--reason", "why not")

    assert fake.last == (
        f"/api/v3/tasks/{TASK}/setstatus",
        {"status": "canceled", "reason": "why not"},
    )


@pytest.mark.parametrize("frames", [None, "keep", "render-again"])
def test_requeueing_a_task_can_say_what_becomes_of_its_frames(
    run: Run, fake: FakeManager, frames: str | None
) -> None:
    run("task", "requeue", "3333", "--reason", "why not", *(["--frames", frames] if frames else []))

    asked = {"action": "requeue", "reason": "why not"}
    assert fake.last == (
        f"/api/tablao/v1/tasks/{TASK}/actions",
        asked | ({"frames": frames} if frames else {}),
    )


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("9", "There is no job whose id begins with '9'."),
        ("", "There is no job whose id begins with ''."),
    ],
)
def test_an_id_that_fits_no_job_is_refused(
    run: Run, fake: FakeManager, typed: str, sentence: str
) -> None:
    outcome = run("job", "cancel", typed)

    assert outcome.exit_code == 1
    assert sentence in outcome.err
    assert fake.asked == []


def test_an_id_that_fits_two_jobs_is_refused(run: Run, fake: FakeManager) -> None:
    twin = JOB[:-1] + "2"
    fake.jobs[twin] = {**fake.jobs[JOB], "id": twin}

    outcome = run("job", "cancel", "1111")

    assert outcome.exit_code == 1
    assert "2 jobs have an id that begins with '1111'" in outcome.err


def test_a_refusal_of_the_manager_is_shown_in_its_words(run: Run, fake: FakeManager) -> None:
    sentence = 'a job that is "completed" cannot take the action "cancel"'
    fake.refuse = (422, {"code": 422, "message": sentence})

    outcome = run("job", "cancel", JOB)

    assert outcome.exit_code == 1
    assert outcome.err == f"Error: {sentence}\n"


def test_an_unreadable_refusal_is_a_sentence_too(run: Run, fake: FakeManager) -> None:
    fake.refuse = (502, ["nothing", "useful"])

    outcome = run("job", "cancel", JOB)

    assert outcome.err == "Error: The manager answered HTTP 502 Bad Gateway.\n"


def test_a_manager_that_is_not_there_is_a_sentence(run: Run) -> None:
    outcome = run("jobs", manager="127.0.0.1:1")

    assert outcome.exit_code == 1
    assert outcome.err.startswith("Error: No manager answers at http://127.0.0.1:1.")


def test_an_address_that_is_none_is_a_sentence(run: Run) -> None:
    outcome = run("jobs", manager="ftp://farm")

    assert outcome.err == "Error: ftp://farm is not the address of a manager.\n"


def test_a_job_that_waits_says_why(run: Run, fake: FakeManager) -> None:
    fake.jobs[JOB]["waiting"] = "No worker has the tag."

    assert f"{JOB[:8]} waits: No worker has the tag." in run("jobs").out


def test_each_job_has_one_line_without_control_characters(run: Run, fake: FakeManager) -> None:
    fake.jobs[JOB]["name"] = "first\nsecond\x1b[2J"

    outcome = run("jobs")

    assert len(outcome.out.splitlines()) == 1 + len(fake.jobs)
    assert "first�second�[2J" in outcome.out


def test_who_submitted_a_job_and_for_what_is_shown(run: Run, fake: FakeManager) -> None:
    fake.jobs[JOB]["metadata"] = {"user.name": "dora", "project": "Pilot", "comment": "again"}

    [line] = [line for line in run("jobs").out.splitlines() if JOB[:8] in line]
    assert "dora" in line
    assert "Pilot" in line
    assert "again" in run("job", "show", JOB).out


def test_comments_are_printed_with_author_and_age(run: Run) -> None:
    printed = run("job", "comment", "11").out

    assert printed.startswith("== ana, ")
    assert "edited\nwaits for *v2*" in printed


@pytest.mark.parametrize(
    ("command", "address"),
    [
        (("job", "comment", "11"), f"/api/tablao/v1/jobs/{JOB}/comments"),
        (("worker", "comment", "north"), f"/api/tablao/v1/workers/{WORKER}/comments"),
    ],
)
def test_a_comment_is_written(
    run: Run, fake: FakeManager, command: tuple[str, ...], address: str
) -> None:
    outcome = run(*command, "fan is *loud*")

    assert (outcome.exit_code, fake.last) == (0, (address, {"text": "fan is *loud*"}))
