"""Finds the farm's manager by mDNS, if no address is set and this host has joined none yet."""

import asyncio
import logging

import httpx

from worker_host.registration import CannotJoin

logger = logging.getLogger(__name__)


class ManagerNotFound(CannotJoin):
    """No manager has answered; later one may."""


async def find_manager(http: httpx.AsyncClient, *, search_s: float, pin: str = "") -> str:
    """Return the URL of the first Tablao manager that answers.

    Args:
        search_s: for how long to search, in seconds.
        pin: only a manager that shows the certificate with this pin counts; empty: any does.

    Raises:
        ManagerNotFound: no manager was found in that time.
    """
    from worker_host.mdns import Search  # slow, and only a host without an address needs it

    search = Search(http, pin)
    logger.info("no manager is set: searching for one in the local networks by mDNS")
    try:
        async with asyncio.timeout(search_s):
            url = await search.first()
    except TimeoutError:
        raise ManagerNotFound(
            f"No manager was found in the local networks within {search_s:g} s. "
            "Say where it is: --manager http://HOST:8080"
        ) from None
    finally:
        await search.close()
    logger.info("found the manager at %s", url)
    return url
