"""What the embedded Temporal keeps for each queue, of which every host has one."""

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

    metrics = await _metrics(temporal_server.pid)

    assert set(_QUEUE.findall(metrics)) == {"__omitted__"}


async def _metrics(pid: int) -> str:
    """What Temporal tells Prometheus, at whichever of its ports that is."""
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
    raise AssertionError("Temporal tells nothing of queues")
