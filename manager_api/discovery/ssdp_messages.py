"""The messages by which stock workers find their manager: SSDP, which is HTTP in datagrams.

Source of the names and numbers: Flamenco.
"""

from collections.abc import Mapping
from typing import Literal

from manager_api.version import NAME, VERSION

GROUP = "239.255.255.250"
PORT = 1900
SERVICE_TYPE = "urn:flamenco:manager:0"
DEVICE = "aa80bc5f-d0af-46b8-8630-23bd7e80ec4d"
#: By this type stock workers recognize a manager.
SERVICE_NAME = f"uuid:{DEVICE}::{SERVICE_TYPE}"
DESCRIPTION_PATH = "/upnp/description.xml"
MAX_AGE_S = 3600
_LONGEST_QUESTION = 2048

#: Search targets that are answered.
_ASKS_FOR_US = frozenset({SERVICE_TYPE, "ssdp:all"})


def is_for_us(datagram: bytes) -> bool:
    """Return whether a datagram searches for managers. Nothing else is answered."""
    if len(datagram) > _LONGEST_QUESTION:
        return False
    first, *lines = datagram.decode("latin-1").split("\r\n")
    headers = {
        name.strip().upper(): value.strip()
        for name, colon, value in (line.partition(":") for line in lines)
        if colon
    }
    return (
        first.strip() == "M-SEARCH * HTTP/1.1"
        and headers.get("MAN") == '"ssdp:discover"'
        and headers.get("ST") in _ASKS_FOR_US
    )


def answer(url: str) -> bytes:
    """Return the answer to a search.

    Args:
        url: the manager's address, as the asker reaches it.
    """
    return _message("HTTP/1.1 200 OK", {"EXT": "", "ST": SERVICE_TYPE, **_facts(url)})


def notification(url: str, what: Literal["alive", "byebye"]) -> bytes:
    """Return the announcement to all listeners."""
    facts = _facts(url) if what == "alive" else {"USN": SERVICE_NAME}
    head = {"HOST": f"{GROUP}:{PORT}", "NT": SERVICE_TYPE, "NTS": f"ssdp:{what}"}
    return _message("NOTIFY * HTTP/1.1", head | facts)


def _facts(url: str) -> dict[str, str]:
    return {
        "CACHE-CONTROL": f"max-age={MAX_AGE_S}",
        "LOCATION": f"{url}{DESCRIPTION_PATH}",
        "SERVER": f"{NAME}/{VERSION} UPnP/1.1",
        "USN": SERVICE_NAME,
    }


def _message(first: str, headers: Mapping[str, str]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()
