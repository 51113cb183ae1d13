"""A manager that may not register search attributes says what to do, and it is done."""

import asyncio
import shlex
import time
from pathlib import Path

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest

from manager_api.temporal.namespace import SEARCH_ATTRIBUTES, registration_command
from tests.cluster.farm import Farm
from tests.cluster.temporal import NAMESPACE, Cluster, ClusterFailed

_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.5


async def register_as_advised(temporal: Cluster, farm: Farm) -> None:
    """Wait for the managers' advice, follow it, and see that the attributes are there.

    Raises:
        ClusterFailed: a manager gave no advice, or following it was of no use.
    """
    advice = registration_command(NAMESPACE)
    for log in farm.logs:
        await _until_said(advice, log)
    temporal.command(*shlex.split(advice)[1:])
    await _until_registered(temporal)


async def _until_said(advice: str, log: Path) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while advice not in await asyncio.to_thread(log.read_text):
        if time.monotonic() > deadline:
            raise ClusterFailed(f"{log} does not say how to register search attributes.")
        await asyncio.sleep(_LOOK_EVERY_S)


async def _until_registered(temporal: Cluster) -> None:
    """Ask as the embedded Temporal is asked."""
    client = await temporal.client(temporal.admin)
    deadline = time.monotonic() + _WITHIN_S
    while True:
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=NAMESPACE)
        )
        if missing := SEARCH_ATTRIBUTES.keys() - answer.custom_attributes.keys():
            if time.monotonic() > deadline:
                raise ClusterFailed(f"Registered, but not there: {', '.join(sorted(missing))}.")
            await asyncio.sleep(_LOOK_EVERY_S)
        else:
            return
