"""Searches as our hosts do: `python -m tests.manager.discovery.find SECONDS [PIN]`."""

import asyncio
import sys

from activities.connections.trust import unverified_context
from worker_host.manager_client import http_client
from worker_host.manager_search import find_manager
from worker_host.registration import CannotJoin


async def find(seconds: float, pin: str = "") -> str:
    async with http_client(context=unverified_context()) as http:
        try:
            return await find_manager(http, search_s=seconds, pin=pin)
        except CannotJoin as refusal:
            return str(refusal)


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(find(float(sys.argv[1]), *sys.argv[2:])))
