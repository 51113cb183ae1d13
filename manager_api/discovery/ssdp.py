"""Answers stock workers that search for a manager by SSDP, and announces the manager."""

import asyncio
import contextlib
import logging
import socket
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from manager_api.discovery.place import Place, is_loopback
from manager_api.discovery.ssdp_messages import (
    GROUP,
    MAX_AGE_S,
    PORT,
    answer,
    is_for_us,
    notification,
)

#: Between two announcements, and until a new network is noticed.
_ANNOUNCE_EVERY_S = MAX_AGE_S / 12
#: A worker asks once a second. More is a flood, or an attack on another host with our answers.
_ANSWERS_TO_ONE = 5
_ANSWERS_TO_ALL = 200
#: Hops. Source: UPnP.
_TIME_TO_LIVE = 2
#: Python has no name for this socket option.
_LINUX_IP_MULTICAST_ALL = 49

logger = logging.getLogger(__name__)


class AnswerLimit:
    """Limits the number of answers per second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """
        Args:
            clock: in seconds.
        """
        self._clock = clock
        self._second = 0
        self._answers: Counter[str] = Counter()

    def allows(self, asker: str) -> bool:
        """Return whether one more answer is allowed, and count it."""
        if (second := int(self._clock())) != self._second:
            self._second = second
            self._answers.clear()
        if self._answers[asker] >= _ANSWERS_TO_ONE or self._answers.total() >= _ANSWERS_TO_ALL:
            return False
        self._answers[asker] += 1
        return True


class SsdpResponder(asyncio.DatagramProtocol):
    def __init__(self, place: Place) -> None:
        self._place = place
        self._listening: socket.socket | None = None
        self._sending: socket.socket | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._joined: set[str] = set()
        self._announcing: asyncio.Task[None] | None = None
        self._limit = AnswerLimit(asyncio.get_running_loop().time)

    async def start(self) -> None:
        """
        Raises:
            OSError: the port is taken by a program that does not share it.
        """
        self._sending = _udp_socket()
        self._listening = _listening_socket()
        self._join()
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=self._listening)
        self._announcing = asyncio.create_task(self._announce(), name="ssdp")

    async def close(self) -> None:
        if self._announcing is not None:
            self._announcing.cancel()
            await asyncio.wait({self._announcing})
            for address in self._joined:
                self._send_to_group(address, notification(self._place.url(address), "byebye"))
        if self._transport is not None:
            self._transport.close()
        elif self._listening is not None:
            self._listening.close()
        if self._sending is not None:
            self._sending.close()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        asker, port = str(addr[0]), int(addr[1])
        if not is_for_us(data) or not port or not self._limit.allows(asker):
            return
        if self._place.is_on_loopback and not is_loopback(asker):
            return
        if address := self._place.address_for(asker):
            self._send(answer(self._place.url(address)), (asker, port))

    async def _announce(self) -> None:
        while True:
            self._join()
            for address in self._joined:
                self._send_to_group(address, notification(self._place.url(address), "alive"))
            await asyncio.sleep(_ANNOUNCE_EVERY_S)

    def _join(self) -> None:
        assert self._listening is not None
        for address in set(self._place.addresses()) - self._joined:
            group = socket.inet_aton(GROUP) + socket.inet_aton(address)
            try:
                self._listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
            except OSError as error:
                logger.info("no SSDP there", extra={"address": address, "reason": str(error)})
            else:
                self._joined.add(address)

    def _send_to_group(self, address: str, message: bytes) -> None:
        """Send through the interface that has this address, and no other."""
        assert self._sending is not None
        with contextlib.suppress(OSError):  # the network is down
            interface = socket.inet_aton(address)
            self._sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
            self._sending.sendto(message, (GROUP, PORT))

    def _send(self, message: bytes, to: tuple[str, int]) -> None:
        assert self._sending is not None
        # A worker that did not receive the answer asks again.
        with contextlib.suppress(OSError):
            self._sending.sendto(message, to)


def _udp_socket() -> socket.socket:
    sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sending.setblocking(False)
    sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, _TIME_TO_LIVE)
    return sending


def _listening_socket() -> socket.socket:
    listening = _udp_socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform == "linux":
            # Otherwise it receives from each network in which any program here joined the group.
            listening.setsockopt(socket.IPPROTO_IP, _LINUX_IP_MULTICAST_ALL, 0)
        # Bound to the group, it receives no unicast, so a distant host cannot make the manager
        # answer a forged sender. Windows cannot bind to a group.
        listening.bind(("" if sys.platform == "win32" else GROUP, PORT))
    except OSError:
        listening.close()
        raise
    return listening
