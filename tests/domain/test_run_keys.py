"""Run keys and references that come from outside, and that no manager can have made."""

from dataclasses import replace

import pytest

from tests.farm.ids import JOB, LEASE
from workflows.domain.messages import RunKey, RunRef

KEY = RunKey(JOB, 1, 2, 3)
REF = RunRef(JOB, 1, 2, 3, LEASE, 0, 4)

#: What an attacker puts where an id is due: it leads elsewhere as a path or as an address.
NO_IDS = (
    "",
    "job",
    "..",
    f"{JOB}/../../api/v3/tasks/{JOB}/logtail?x=",
    f"../{JOB}",
    f"{JOB}\n",
    f"{JOB}?",
    f"{JOB}#",
    JOB.replace("-", ""),
    JOB.replace("1", "A"),
    "\uff11" * 8 + JOB[8:],
    JOB * 1000,
)
NO_NUMBERS = (0, -1, 2**31, 10**30)


def test_a_key_is_read_as_it_was_written() -> None:
    assert RunKey.parse(str(KEY)) == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        JOB,
        f"{JOB}.1.2",
        f"{JOB}.1.2.3.4",
        f"{JOB}.a.2.3",
        f"{JOB}. 1.2.3",
        f"{JOB}.+1.2.3",
        f"{JOB}.01.2.3",
        f"{JOB}.1_0.2.3",
        f"{JOB}.\uff11.2.3",
        *(f"{job_id}.1.2.3" for job_id in NO_IDS),
        *(f"{JOB}.{number}.2.3" for number in NO_NUMBERS),
        *(f"{JOB}.1.{number}.3" for number in NO_NUMBERS),
        *(f"{JOB}.1.2.{number}" for number in NO_NUMBERS),
    ],
)
def test_other_texts_are_no_keys(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the sentence differs
        RunKey.parse(text)


def test_a_reference_of_a_workflow_passes() -> None:
    REF.check()


@pytest.mark.parametrize(
    "ref",
    [
        *(replace(REF, job_id=job_id) for job_id in NO_IDS),
        *(replace(REF, lease_id=lease_id) for lease_id in NO_IDS),
        *(replace(REF, index=number) for number in NO_NUMBERS),
        *(replace(REF, run=number) for number in NO_NUMBERS),
        *(replace(REF, attempt=number) for number in NO_NUMBERS),
        *(replace(REF, slot=number) for number in (-1, 2**31)),
        *(replace(REF, generation=number) for number in (-1, 2**31)),
    ],
    ids=lambda ref: repr(ref)[:80],
)
def test_a_reference_that_no_workflow_sent_is_refused(ref: RunRef) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the sentence differs
        ref.check()
