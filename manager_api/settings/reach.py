"""Who can reach the manager, and under which names: the rules for the settings about it."""

import ipaddress
import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from activities.process.layered_settings import SettingsError

#: First parts of the manager's own paths. A prefix that begins so would hide them.
_OWN_PATHS = frozenset(
    {"addon", "api", "app", "flamenco-addon.zip", "flamenco3-addon.zip", "job-files"}
    | {"socket.io", "t", "tablao-addon.zip", "upnp"}
)
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_HOST_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*", re.ASCII)
_LONGEST_NAME = 253
_MOST_NAMES = 100


def _at_commas(value: Any) -> Any:
    """Split a text at its commas, as the environment has lists; leave other values."""
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return value


#: The metadata of a setting that is a list of names: in the environment, commas part them.
LIST_OF_NAMES = (NoDecode, BeforeValidator(_at_commas), Field(max_length=_MOST_NAMES))


def network_of(text: str) -> str:
    """Return an address or a network that is trusted, as a network.

    Raises:
        ValueError: the text is neither, or means every address; the message is a sentence.
    """
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f'"{text[:100]}" is neither an IP address nor a network') from None
    if network.prefixlen == 0:
        raise ValueError(f"{network} is every address, so every caller would be trusted")
    return str(network)


def host_name(text: str) -> str:
    """Return a name or an address as `AllowedHosts` compares it: in lower case, without a port.

    Raises:
        ValueError: the text is no name; the message is a sentence.
    """
    name = text.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    if len(name) > _LONGEST_NAME or not _HOST_NAME.fullmatch(name):
        raise ValueError(
            f'"{text[:100]}" is neither the name of a host nor an IP address. Each name has to be '
            "named: a page in a browser could make up any other"
        )
    return name


def public_address(url: str) -> str:
    """Return the address under which clients know the manager, without a slash at its end.

    Raises:
        ValueError: it cannot be one; the message is a sentence.
    """
    if not url.strip():
        return ""
    try:
        parts = urlsplit(url.strip())
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f'"{url[:100]}" is no address such as https://farm.studio/tablao/')
    host_name(parts.hostname or "")
    path = parts.path.rstrip("/")
    if not _PREFIX.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ValueError("its path may have letters, digits and . _ ~ - only")
    if path.split("/")[1:2] and path.split("/")[1] in _OWN_PATHS:
        raise ValueError(
            f"the manager has an own path /{path.split('/')[1]}: choose another prefix"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def check_listen(host: str, *, has_tls: bool, has_proxies: bool, insecure: bool) -> None:
    """Refuse to serve a network in plain HTTP, unless that was asked for.

    Raises:
        SettingsError: other machines can reach `host`, and could read what it is told.
    """
    if has_tls or has_proxies or insecure or is_loopback(host):
        return
    raise SettingsError(
        f"Listening on {host or 'every address'} without TLS would send passwords and jobs "
        "readable through the network. Make a certificate with `tablao tls init`, or name the "
        "proxy that stands before the manager in trusted_proxies, or listen on 127.0.0.1. "
        "--insecure serves plain HTTP in a network that you trust."
    )


def check_tls_files(cert: Path, key: Path) -> None:
    """Check that a certificate and its key can be served.

    Raises:
        SettingsError: one of them is missing, or they do not belong together.
    """
    for setting, path in (("tls.cert", cert), ("tls.key", key)):
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            raise SettingsError(
                f"Setting {setting}: {path} cannot be read: {error.strerror}."
            ) from error
    try:
        tls_context(cert, key)
    except ssl.SSLError as error:
        raise SettingsError(
            f"Setting tls: {cert} and {key} are not a certificate and its key "
            f"in PEM, or do not belong together ({error.reason})."
        ) from error


def tls_context(cert: Path, key: Path) -> ssl.SSLContext:
    """Return what serves a certificate. Blocks.

    Raises:
        OSError: one of them cannot be read, or they do not belong together (`ssl.SSLError`).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # An empty password instead of a question at the terminal, for a key that has one.
    context.load_cert_chain(cert, key, password="")
    return context


def is_everywhere(host: str) -> bool:
    """Return whether to listen on this host is to listen on every address of the machine."""
    return host in ("", "0.0.0.0", "::")


def own_loopback_addresses(host: str) -> tuple[str, ...]:
    """Return the loopback addresses that a manager has which listens on this host.

    Other users of its machine may listen on the other ones, at the same port.
    """
    match host:
        case "":
            return ("127.0.0.1", "::1")
        case "::":
            return ("::1",)
        case "0.0.0.0" | "localhost":
            return ("127.0.0.1",)
    return (host,) if is_loopback(host) else ()


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A name that resolves to this machine today may resolve to another address tomorrow.
        return False
