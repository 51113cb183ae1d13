"""What is carried over a continue-as-new."""

from tests.domain.jobs import ends, job_of, lend
from workflows.domain.job.carrying import carry, restore


def test_a_run_that_has_taken_its_final_write_is_still_finished_when_carried() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    ends(job, start)
    final = job.next_write()

    restored = restore(carry(job))

    assert final.is_final
    assert restored.is_finished
