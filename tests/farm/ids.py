"""Ids for tests in which they only have to be ids."""

import os
from uuid import uuid4

JOB = "11111111-1111-4111-8111-111111111111"
#: The job of one test process, and of what it starts. A host kills what is left of a run by the
#: run's key, so tests of real runs that go on at the same time must not have the same job.
OWN_JOB = os.environ.setdefault(
    f"TABLAO_TEST_JOB_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}", str(uuid4())
)
LEASE = "22222222-2222-4222-8222-222222222222"


def lease_of(generation: int) -> str:
    """A lease's id for each generation of a slot."""
    return f"22222222-2222-4222-8222-{generation:012}"
