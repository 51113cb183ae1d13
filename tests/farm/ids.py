"""Ids for tests in which they only have to be ids."""

JOB = "11111111-1111-4111-8111-111111111111"
LEASE = "22222222-2222-4222-8222-222222222222"


def lease_of(generation: int) -> str:
    """A lease's id for each generation of a slot."""
    return f"22222222-2222-4222-8222-{generation:012}"
