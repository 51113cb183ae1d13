"""Which jobs can be deleted: what the table of actions says."""

import re
from pathlib import Path

import pytest

from workflows.domain.job.transitions import Refused, check_job_deletion
from workflows.domain.statuses import JobStatus

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "differences-from-flamenco.md"


def documented() -> set[JobStatus]:
    """With a mark in the column "delete", and the one exception below the table."""
    lines = _PAGE.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| job status |"))
    column = lines[start].split("|").index(" delete ")
    rows = [line.split("|") for line in lines[start + 2 : start + 8]]
    marked = "".join(row[1] for row in rows if "✓" in row[column])
    [exception] = [line for line in lines if line.startswith("Deleting a ")]
    return {JobStatus(word) for word in re.findall(r"`([\w-]+)`", marked + exception)}


def is_possible(status: JobStatus) -> bool:
    try:
        check_job_deletion(status)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("status", list(JobStatus))
def test_a_job_can_be_deleted_where_the_table_says_so(status: JobStatus) -> None:
    assert is_possible(status) is (status in documented())


def test_a_refusal_names_the_status() -> None:
    with pytest.raises(Refused, match='"requeueing" cannot be deleted'):
        check_job_deletion(JobStatus.REQUEUEING)
