"""Announces the manager in the local networks by mDNS, for Tablao's own workers."""

import socket

from zeroconf import InterfaceChoice, IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from manager_api.discovery.place import Place
from manager_api.version import VERSION

SERVICE_TYPE = "_tablao._tcp.local."
#: The longest part of a DNS name, in bytes.
_LONGEST_LABEL = 63


class MdnsAdvertisement:
    def __init__(self, place: Place, name: str) -> None:
        """
        Args:
            name: the name of the farm, for people.
        """
        self._place = place
        self._name = name
        self._zeroconf: AsyncZeroconf | None = None

    async def start(self) -> None:
        """
        Raises:
            OSError: there is no network, or the port is taken.
        """
        addresses = self._place.addresses()
        # Announce on all interfaces only if the manager listens on all of them.
        everywhere = self._place.is_everywhere and not self._place.is_on_loopback
        self._zeroconf = AsyncZeroconf(
            interfaces=InterfaceChoice.All if everywhere else addresses,
            ip_version=IPVersion.V4Only,
        )
        service = AsyncServiceInfo(
            SERVICE_TYPE,
            f"{instance_name(self._name, socket.gethostname(), self._place.port)}.{SERVICE_TYPE}",
            addresses=[socket.inet_aton(address) for address in addresses],
            port=self._place.port,
            properties={"version": VERSION, "scheme": self._place.scheme}
            | ({"url": self._place.public_url} if self._place.public_url else {}),
            server=f"tablao-{self._place.port}-{_label(socket.gethostname(), 40)}.local.",
        )
        told = await self._zeroconf.async_register_service(service, allow_name_change=True)
        await told

    async def close(self) -> None:
        """Withdraw the announcement."""
        if self._zeroconf is not None:
            await self._zeroconf.async_close()


def instance_name(name: str, machine: str, port: int) -> str:
    """Return a name that people understand and that is unique in a network."""
    where = f" at {_label(machine, 30)} {port}"
    return _label(name, _LONGEST_LABEL - len(where)) + where


def _label(text: str, longest: int) -> str:
    """Return the text as part of a DNS name, cut to so many bytes."""
    plain = "".join(each if each.isprintable() and each != "." else "-" for each in text)
    return plain.encode()[:longest].decode(errors="ignore").strip() or "Tablao"
