"""Asks the local networks for managers by mDNS, and each one that answers whether it is ours."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from typing import Any

import httpx
from zeroconf import Error as ZeroconfError
from zeroconf import InterfaceChoice, IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from activities.connections.trust import NotTrusted, fetch_pinned

#: The mDNS service type that managers announce.
SERVICE_TYPE = "_tablao._tcp.local."
#: Only our managers have this in their answer to Flamenco's operation `getVersion`.
_PRODUCT = "Tablao"
_ASK_AGAIN_S = 2.0
_ANSWER_WITHIN_S = 5.0
_DETAILS_WITHIN_MS = 3000
#: The most managers in one network; a longer list would be an attack or a mistake.
_MOST_MANAGERS = 64

logger = logging.getLogger(__name__)


class Search:
    """One search, for the first manager that answers."""

    def __init__(self, http: httpx.AsyncClient, pin: str) -> None:
        self._http = http
        self._pin = pin
        self._candidates: dict[str, None] = {}
        """An ordered set of URLs."""
        self._asking: set[asyncio.Task[None]] = set()
        self._found: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None

    async def first(self) -> str:
        self._listen()
        while True:
            for url in self._candidates:
                self._begin(self._ask(url))
            try:
                async with asyncio.timeout(_ASK_AGAIN_S):
                    return await asyncio.shield(self._found)
            except TimeoutError:
                continue  # a manager that has just started may not answer at first

    async def close(self) -> None:
        if self._browser is not None:
            await self._browser.async_cancel()
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        if self._zeroconf is not None:
            await self._zeroconf.async_close()

    def _listen(self) -> None:
        try:
            self._zeroconf = AsyncZeroconf(InterfaceChoice.All, ip_version=IPVersion.V4Only)
        except (OSError, ZeroconfError) as error:
            logger.warning("mDNS is not possible here: %s", error)
            return
        self._browser = AsyncServiceBrowser(
            self._zeroconf.zeroconf, SERVICE_TYPE, handlers=[self._heard_of]
        )

    def _heard_of(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        # zeroconf passes these arguments by name.
        if state_change is not ServiceStateChange.Removed:
            self._begin(self._look_at(zeroconf, service_type, name))

    async def _look_at(self, zeroconf: Zeroconf, service_type: str, name: str) -> None:
        service = AsyncServiceInfo(service_type, name)
        if not await service.async_request(zeroconf, _DETAILS_WITHIN_MS):
            return
        for url in _urls(service):
            if url not in self._candidates and len(self._candidates) < _MOST_MANAGERS:
                self._candidates[url] = None
                self._begin(self._ask(url))

    async def _ask(self, url: str) -> None:
        try:
            if self._pin:
                await asyncio.to_thread(fetch_pinned, url, self._pin)
            answer = await self._http.get(f"{url}/api/v3/version", timeout=_ANSWER_WITHIN_S)
            is_ours = str(answer.json()["git"]).startswith(_PRODUCT)
        except (NotTrusted, OSError, httpx.HTTPError, httpx.InvalidURL):
            return
        except (ValueError, KeyError, TypeError):
            return
        if is_ours and not self._found.done():
            self._found.set_result(url)

    def _begin(self, step: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(step)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)


def _urls(service: AsyncServiceInfo) -> Iterator[str]:
    """Yield the addresses that a manager announces: the public one alone, if it has one."""
    told = {name: value or b"" for name, value in service.properties.items()}
    public = told.get(b"url", b"").decode(errors="replace")
    if public.startswith(("http://", "https://")):
        yield public.rstrip("/")
        return
    scheme = "https" if told.get(b"scheme") == b"https" else "http"
    for address in service.parsed_addresses(IPVersion.V4Only):
        yield f"{scheme}://{address}:{service.port}"
