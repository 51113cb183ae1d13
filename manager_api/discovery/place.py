"""Where this manager can be found, as seen from each network that it serves."""

import ipaddress
import socket
from dataclasses import dataclass

import psutil

LOOPBACK = "127.0.0.1"
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})


@dataclass(frozen=True, slots=True)
class Place:
    """What the manager listens on.

    Only IPv4: the group in which stock workers search has no counterpart that they know.
    """

    host: str
    """An IPv4 address, or empty for all of this machine's."""
    port: int

    @classmethod
    def of(cls, host: str, port: int) -> "Place":
        """
        Args:
            host: a name or an address; empty or a wildcard for all.

        Raises:
            OSError: it has no IPv4 address.
        """
        return cls("" if host in _EVERYWHERE else socket.gethostbyname(host), port)

    @property
    def is_everywhere(self) -> bool:
        return not self.host

    @property
    def is_on_loopback(self) -> bool:
        """Only this machine reaches it."""
        return all(map(is_loopback, self.addresses()))

    def addresses(self) -> list[str]:
        """This machine's addresses at which the manager answers, as they are now.

        Its own loopback address only if there is no other: elsewhere it means somebody else.
        """
        if not self.is_everywhere:
            return [self.host]
        found = [
            each.address
            for addresses in psutil.net_if_addrs().values()
            for each in addresses
            if each.family == socket.AF_INET
        ]
        return [each for each in found if not is_loopback(each)] or [LOOPBACK]

    def address_for(self, asker: str) -> str | None:
        """At which of them somebody may reach the manager; None if at none.

        Args:
            asker: an IPv4 address.
        """
        if not self.is_everywhere:
            return self.host
        # The system knows by which of its interfaces it would send; nothing is sent.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            try:
                way.connect((asker, 9))
            except OSError:
                return None
            return str(way.getsockname()[0])

    def url(self, address: str) -> str:
        return f"http://{address}:{self.port}"


def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback
