"""What the embedded Temporal keeps for each queue, of which every host has one."""

import asyncio
import re

import httpx
import psutil
from temporalio.client import Client

from manager_api.temporal.server import TemporalServer

_QUEUE = re.compile(r'taskqueue="([^"]*)"')


async def test_no_metrics_are_kept_for_a_single_queue(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    await temporal_client.service_client.check_health()

    async with asyncio.timeout(60):
        # Its own queues are there a moment after its start.
        while not (metrics := await _metrics(temporal_server.pid)):  # noqa: ASYNC110 -- Temporal says nothing
            await asyncio.sleep(0.5)

    assert set(_QUEUE.findall(metrics)) == {"__omitted__"}


async def _metrics(pid: int) -> str:
    """What Temporal tells Prometheus of queues, at whichever of its ports; empty: nothing yet."""
    listening = {
        each.laddr.port
        for each in psutil.Process(pid).net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
    }
    async with httpx.AsyncClient(timeout=30) as http:
        for port in sorted(listening):
            try:
                answer = await http.get(f"http://127.0.0.1:{port}/metrics")
            except httpx.HTTPError:
                continue
            if answer.is_success and _QUEUE.search(answer.text):
                return answer.text
    return ""
