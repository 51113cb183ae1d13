"""Notifies a run's host or HTTP worker of the decisions of the job's workflow."""

from manager_api.hosts.farm_hosts import FarmHosts
from manager_api.http_workers.registry import HttpRuns
from workflows.domain.messages import RunKey


class RunNotifier:
    def __init__(self, hosts: FarmHosts, http_runs: HttpRuns) -> None:
        self._hosts = hosts
        self._http_runs = http_runs

    async def stop_run(self, worker_id: str, key: RunKey, reason: str) -> bool:
        is_connected = worker_id in self._hosts.connected
        if not is_connected and await self._http_runs.stop_run(worker_id, key, reason):
            return True
        return await self._hosts.stop_run(worker_id, key, reason)

    async def settled(self, worker_id: str, key: RunKey) -> None:
        """Notify a host. For an HTTP worker, the database itself keeps the outcome."""
        await self._hosts.settled(worker_id, key)
