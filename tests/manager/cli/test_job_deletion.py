"""`tablao job delete` and `tablao jobs delete`: what is said before, and what is asked for."""

from datetime import datetime

import pytest

from tests.manager.cli.fake_manager import FakeManager, Run

# Shared with the fixtures; importlib mode has no packages to import it from.
JOB = "11111111-1111-4111-8111-111111111111"
OTHER_JOB = "22222222-2222-4222-8222-222222222222"


def test_a_job_is_deleted_after_saying_what_goes(run: Run, fake: FakeManager) -> None:
    outcome = run("job", "delete", "11", "--yes")

    assert outcome.exit_code == 0
    assert fake.last == (f"/api/v3/jobs/{JOB}", None)
    for words in ("[red]older", "Shaman", "canceled first", "What it rendered stays"):
        assert words in outcome.out


def test_without_a_checkout_none_is_spoken_of(run: Run) -> None:
    assert "Shaman" not in run("job", "delete", OTHER_JOB, "--yes").out


@pytest.mark.parametrize(
    "command", [("job", "delete", JOB), ("jobs", "delete", "--before=2027-01-01")]
)
def test_a_script_that_does_not_say_yes_deletes_nothing(
    run: Run, fake: FakeManager, command: tuple[str, ...]
) -> None:
    outcome = run(*command)

    assert outcome.exit_code == 1
    assert "would be deleted" in outcome.out
    assert outcome.err.startswith("Error: Nothing was deleted.")
    assert fake.asked == []


def test_old_jobs_are_deleted_up_to_the_second_before_a_date(run: Run, fake: FakeManager) -> None:
    outcome = run("jobs", "delete", "--before", "2026-01-01T12:00:00+00:00", "--yes")

    path, body = fake.last
    assert path == "/api/v3/jobs/mass-delete"
    asked = datetime.fromisoformat(body["last_updated_max"])
    assert asked == datetime.fromisoformat("2026-01-01T11:59:59+00:00")
    assert "1 jobs would be deleted" in outcome.out
    assert "newer" not in outcome.out


def test_of_very_many_jobs_a_few_are_named(run: Run, fake: FakeManager) -> None:
    job = fake.jobs[JOB]
    fake.jobs = {f"{n:08}{JOB[8:]}": {**job, "id": f"{n:08}{JOB[8:]}"} for n in range(30)}

    outcome = run("jobs", "delete", "--before", "2027-01-01", "--yes")

    assert "and 20 more" in outcome.out
    assert "30 of them have not ended" in outcome.out


def test_if_no_job_is_old_enough_nothing_is_asked(run: Run, fake: FakeManager) -> None:
    outcome = run("jobs", "delete", "--before", "2020-01-01", "--yes")

    assert (outcome.exit_code, outcome.err, fake.asked) == (0, "No job is that old.\n", [])


def test_a_date_that_is_none_is_a_sentence(run: Run) -> None:
    outcome = run("jobs", "delete", "--before", "yesterday")

    assert outcome.err == "Error: 'yesterday' is no date. Say it like 2026-05-01.\n"


def test_a_manager_that_would_be_overheard_is_refused(run: Run, fake: FakeManager) -> None:
    outcome = run("jobs", "--manager", "elsewhere:8080", "delete", "--before=2027-01-01", "--yes")

    assert outcome.err == "Error: Give --manager behind 'delete'.\n"
    assert fake.asked == []
