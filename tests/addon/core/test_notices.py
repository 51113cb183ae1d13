"""What the artist hears of a job that the manager has taken."""

import pytest

from addon.core.findings import Finding
from addon.core.manager import Manager
from addon.core.notices import notices_of
from tests.addon.core.stand_in_manager import StandInManager, told

PATH = "/api/tablao/v1/jobs/job-1/same-output"
OTHER = {"id": "2", "name": "shot, v1", "status": "active"}


def notices(stand_in: StandInManager, answer: object) -> tuple[Finding, ...]:
    stand_in.replies[PATH] = told(answer)
    return notices_of(Manager(stand_in.url), "job-1")


def test_workers_that_do_not_see_the_output_are_told(stand_in: StandInManager) -> None:
    [found] = notices(stand_in, {"jobs": [], "unseen": ["The path is on no storage."]})

    assert (found.sentence, found.is_blocking) == ("The path is on no storage", False)


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (1, "Another job writes to the same files"),
        (2, "2 other jobs write to the same files"),
    ],
)
def test_jobs_that_write_to_the_same_files_are_named(
    stand_in: StandInManager, count: int, sentence: str
) -> None:
    [found] = notices(stand_in, {"jobs": [OTHER] * count, "unseen": []})

    assert (found.sentence, found.is_blocking) == (sentence, False)
    assert found.show == ("shot, v1 (active)",) * count


@pytest.mark.parametrize("answer", [{"jobs": [], "unseen": []}, {}, {"jobs": [{}], "unseen": []}])
def test_nothing_to_tell_and_nonsense_tell_nothing(
    stand_in: StandInManager, answer: object
) -> None:
    assert notices(stand_in, answer) == ()


def test_lines_of_the_job_type_are_told_in_their_order(stand_in: StandInManager) -> None:
    texts = ["The job type says: second", "The job type says: first.", "Submitted"]
    history = {"happenings": [{"text": text} for text in texts]}
    stand_in.replies["/api/tablao/v1/jobs/job-1/history"] = told(history)

    found = notices_of(Manager(stand_in.url), "job-1")

    assert [each.sentence for each in found] == ["first", "second"]
    assert not any(each.is_blocking for each in found)


def test_a_manager_that_does_not_know_the_question_tells_nothing(stand_in: StandInManager) -> None:
    assert notices_of(Manager(stand_in.url), "job-1") == ()
