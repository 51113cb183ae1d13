"""Turns a typed address of a manager into one that requests can be sent to."""

import ipaddress
from urllib.parse import SplitResult, urlsplit, urlunsplit

#: Paths of a manager's pages, from which people may copy its address.
_PAGES = ("/api/", "/app/", "/job-files/")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class BadAddress(ValueError):
    """The address is not valid. The text is a sentence for the user who typed it."""


def normalized(address: str) -> str:
    """Return the address with a scheme, and without a trailing slash or the path of a page.

    Raises:
        BadAddress: it is not a valid address.
    """
    text = address.strip()
    if not text:
        raise BadAddress("No manager's address is set: type one, such as http://farm:8080")
    parts = _split(text if "://" in text else f"http://{text}")
    if parts.scheme not in _DEFAULT_PORTS:
        raise BadAddress(f"A manager's address begins with http:// or https://, not {parts.scheme}")
    if not parts.hostname or any(each.isspace() for each in parts.netloc):
        raise BadAddress(f"{text} is no address: type one such as http://farm:8080")
    if "@" in parts.netloc:
        raise BadAddress("Leave name and password out of the address: there is a field for a token")
    return urlunsplit((parts.scheme, parts.netloc.lower(), _folder(parts.path), "", ""))


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        # Reading the port raises ValueError if it is not a number.
        if parts.port == 0:
            raise BadAddress(f"{text} is no address: no manager has port 0")
    except ValueError as error:
        if isinstance(error, BadAddress):
            raise
        raise BadAddress(f"{text} is no address: {error}") from error
    return parts


def _folder(path: str) -> str:
    """Return the folder of a larger site in which the manager lives; empty if there is none."""
    for page in _PAGES:
        path = f"{path}/".partition(page)[0]
    return path.rstrip("/")


def port_of(parts: SplitResult) -> int:
    return parts.port or _DEFAULT_PORTS[parts.scheme]


def is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
