"""What people type as a manager's address, as one that requests can be sent to."""

import ipaddress
from urllib.parse import SplitResult, urlsplit, urlunsplit

#: Pages that somebody may have copied the address from.
_PAGES = ("/api/", "/app/", "/job-files/")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class BadAddress(ValueError):
    """Its text is a sentence for whoever typed the address."""


def normalized(address: str) -> str:
    """With a scheme, without a trailing slash, without the page that it may have been copied with.

    Raises:
        BadAddress: it is none.
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
        # Only asking for it finds out whether it is a number.
        if parts.port == 0:
            raise BadAddress(f"{text} is no address: no manager has port 0")
    except ValueError as error:
        if isinstance(error, BadAddress):
            raise
        raise BadAddress(f"{text} is no address: {error}") from error
    return parts


def _folder(path: str) -> str:
    """A manager may live in a folder of a larger site."""
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
