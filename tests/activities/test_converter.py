"""Values travel in Temporal's messages as Pydantic's JSON."""

from activities.connections.converter import DATA_CONVERTER, SharedValidators
from workflows.domain.messages import RunRef

RUN = RunRef(job_id="job", index=3, run=1, attempt=2, lease_id="lease", slot=0, generation=4)


async def test_a_message_arrives_as_it_was_sent() -> None:
    payloads = await DATA_CONVERTER.encode([RUN])

    assert await DATA_CONVERTER.decode(payloads, [RunRef]) == [RUN]


def test_all_workflows_share_their_validators() -> None:
    # Temporal's library makes a converter for each workflow that it takes into memory.
    first, second = (SharedValidators() for _ in range(2))

    assert list(first.converters.values()) == list(second.converters.values())
