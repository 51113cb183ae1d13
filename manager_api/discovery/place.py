"""The addresses of this manager, as seen from each network that it serves."""

import ipaddress
import socket
from dataclasses import dataclass

import psutil

from manager_api.settings.reach import is_everywhere

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Place:
    """The address and port that the manager listens on.

    IPv4 only: stock workers search in an IPv4 multicast group, and know no IPv6 one.
    """

    host: str
    """An IPv4 address; empty for all addresses of this machine."""
    port: int
    scheme: str = "http"
    public_url: str = ""
    """Told instead of addresses, if a proxy stands before the manager. The proxy may serve networks
    that the manager does not listen to."""

    @classmethod
    def of(cls, host: str, port: int, scheme: str = "http", public_url: str = "") -> "Place":
        """
        Args:
            host: a name or an address; empty or a wildcard for all addresses.
            scheme: `http` or `https`.
            public_url: without a slash at its end; empty if there is none.

        Raises:
            OSError: the host has no IPv4 address.
        """
        everywhere = bool(public_url) or is_everywhere(host)
        address = "" if everywhere else socket.gethostbyname(host)
        return cls(address, port, scheme, public_url)

    @property
    def is_everywhere(self) -> bool:
        return not self.host

    @property
    def is_on_loopback(self) -> bool:
        """Whether only this machine can reach the manager."""
        return all(map(is_loopback, self.addresses()))

    def addresses(self) -> list[str]:
        """Return the addresses of this machine at which the manager answers now.

        The loopback address is named only if there is no other: on another machine it would mean
        that machine.
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
        """Return the address at which `asker` reaches the manager; None if there is none.

        Args:
            asker: an IPv4 address.
        """
        if not self.is_everywhere:
            return self.host
        # The system chooses the interface that it would send from; nothing is sent.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            try:
                way.connect((asker, 9))
            except OSError:
                return None
            return str(way.getsockname()[0])

    def url(self, address: str) -> str:
        return self.public_url or f"{self.scheme}://{address}:{self.port}"


def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback
