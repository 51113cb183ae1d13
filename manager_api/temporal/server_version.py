"""Asks Temporal's server for its version."""

from datetime import timedelta

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError

#: A person waits for the answer.
_PATIENCE = timedelta(seconds=3)


class ServerVersion:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def read(self) -> str:
        """Return the version; empty if Temporal does not answer, or does not say it."""
        try:
            answer = await self._client.workflow_service.get_system_info(
                GetSystemInfoRequest(), timeout=_PATIENCE
            )
        except (RPCError, RuntimeError):  # RuntimeError: the first connection fails
            return ""
        return answer.server_version
