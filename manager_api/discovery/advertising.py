"""Makes the manager discoverable in its networks, if the settings allow it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from zeroconf import Error as ZeroconfError

from activities.connections.failures import why_it_failed
from manager_api.discovery.mdns import MdnsAdvertisement
from manager_api.discovery.place import Place
from manager_api.discovery.ssdp import SsdpResponder
from manager_api.settings.model import ManagerSettings

logger = logging.getLogger(__name__)


class Way(Protocol):
    async def start(self) -> None: ...

    async def close(self) -> None: ...


@asynccontextmanager
async def discoverable(settings: ManagerSettings) -> AsyncIterator[None]:
    """Let workers find the manager while the block runs. Failing to do so is only logged."""
    async with AsyncExitStack() as stack:
        for name, way in _ways(settings).items():
            # mDNS takes a second to check that its name is free. The start does not wait for it.
            starting = asyncio.create_task(_start(name, way), name=name)
            stack.push_async_callback(_end, starting, way)
        yield


def _ways(settings: ManagerSettings) -> dict[str, Way]:
    # The system has not chosen the port yet, so it cannot be told.
    if not settings.autodiscoverable or not settings.port:
        return {}
    try:
        scheme = "https" if settings.tls_files else "http"
        place = Place.of(settings.host, settings.port, scheme, settings.public_url)
    except OSError as error:
        logger.warning(
            "workers cannot find this manager", extra={"host": settings.host, "reason": str(error)}
        )
        return {}
    return {"mDNS": MdnsAdvertisement(place, settings.manager_name), "SSDP": SsdpResponder(place)}


async def _start(name: str, way: Way) -> None:
    try:
        await way.start()
    except (OSError, ZeroconfError) as error:
        reason = str(error) or why_it_failed(error)
        logger.warning("workers cannot find this manager", extra={"by": name, "reason": reason})


async def _end(starting: "asyncio.Task[None]", way: Way) -> None:
    starting.cancel()
    await asyncio.wait({starting})
    with contextlib.suppress(OSError, ZeroconfError):
        await way.close()
