"""Finds Flamenco's and our managers in the local networks. A search takes a few seconds."""

import select
import socket
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import ModuleType

from . import mdns, ssdp
from .manager import Manager, ManagerError
from .manager_info import product_of, version_problem
from .progress import IsCanceled, never

#: The default port of both kinds of manager. It is always tried on this machine, because a manager
#: that serves only this machine may not answer the search.
_PORT = 8080
#: Further answers are ignored. No network has so many managers.
_MOST_CANDIDATES = 64
_ASK_EVERY_S = 1.0
_LOOK_EVERY_S = 0.1
_PROBE_S = 2.0
_LONGEST_DATAGRAM = 9001
#: In hops: a farm's network may contain a router.
_TIME_TO_LIVE = 2

_WAYS: tuple[ModuleType, ...] = (ssdp, mdns)


@dataclass(frozen=True)
class Found:
    """A manager that answered, and whose version we support."""

    address: str
    name: str
    """The farm's name, for people."""
    product: str
    """Name and version of the program, for people."""


def find_managers(
    search_s: float = 2.5, is_canceled: IsCanceled = never, authority: str = ""
) -> tuple[Found, ...]:
    """Search for managers, and return them in alphabetical order of their names. Blocks.

    Args:
        search_s: for how long to listen; to ask the managers then takes up to two more seconds.
        authority: as for `Manager`; a manager whose certificate does not count is not found.
    """
    own = _own_addresses()
    urls = _candidates(own, search_s, is_canceled)
    if not any(f"http://{address}:{_PORT}" in urls for address in own):
        urls.append(f"http://localhost:{_PORT}")
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="tablao-probe") as pool:
        probed = list(pool.map(lambda url: _probe(url, authority), urls))
    found = {each.address: each for each in probed if each is not None}
    return tuple(sorted(found.values(), key=lambda each: (each.name.lower(), each.address)))


def _candidates(own: Iterable[str], search_s: float, is_canceled: IsCanceled) -> list[str]:
    urls: dict[str, None] = {}
    with ExitStack() as stack:
        listening = _sockets(own, stack)
        end, ask_at = time.monotonic() + search_s, 0.0
        while listening and not is_canceled() and time.monotonic() < end:
            # Ask again: datagrams get lost, and a manager may have started after the first one.
            if time.monotonic() >= ask_at:
                _ask(listening)
                ask_at = time.monotonic() + _ASK_EVERY_S
            for url in _heard(listening):
                if len(urls) < _MOST_CANDIDATES:
                    urls[url] = None
    return list(urls)


def _sockets(own: Iterable[str], stack: ExitStack) -> Mapping[socket.socket, ModuleType]:
    """Open a socket for each way and each of this machine's networks; return it with its way."""
    return {
        found: way
        for address in own
        for way in _WAYS
        if (found := _socket_on(address, stack)) is not None
    }


def _socket_on(address: str, stack: ExitStack) -> "socket.socket | None":
    made = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    try:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, _TIME_TO_LIVE)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        made.bind((address, 0))
        made.setblocking(False)
    except OSError:
        return None
    return made


def _own_addresses() -> list[str]:
    """Return this machine's IPv4 addresses, which stand for its networks.

    The standard library has no better way to list the networks.
    """
    addresses = {"127.0.0.1": None}
    with suppress(OSError):
        for *_, place in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET):
            addresses[str(place[0])] = None
    for group, port in (way.GROUP for way in _WAYS):
        # The system chooses its own address for the group; this sends nothing.
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to_group:
            to_group.connect((group, port))
            addresses[str(to_group.getsockname()[0])] = None
    return list(addresses)


def _ask(listening: Mapping[socket.socket, ModuleType]) -> None:
    for each, way in listening.items():
        # A network that blocks the question counts as one without managers.
        with suppress(OSError):
            each.sendto(way.question(), way.GROUP)


def _heard(listening: Mapping[socket.socket, ModuleType]) -> Iterable[str]:
    readable, _, _ = select.select(list(listening), [], [], _LOOK_EVERY_S)
    for each in readable:
        with suppress(OSError):
            datagram, sender = each.recvfrom(_LONGEST_DATAGRAM)
            yield from listening[each].urls_in(datagram, str(sender[0]))


def _probe(url: str, authority: str) -> "Found | None":
    try:
        manager = Manager(url, timeout_s=_PROBE_S, authority=authority)
        version = manager.get("/api/v3/version")
    except ManagerError:
        return None
    if version_problem(version, url):
        return None
    return Found(manager.address, str(version.get("name") or "Flamenco"), product_of(version))
