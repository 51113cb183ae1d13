"""The address to listen on, as Flamenco writes it: `127.0.0.1:8080`, `:8080`, `[::1]:8080`."""

import errno
import socket
from typing import Any

_HIGHEST_PORT = 65_535


def host_and_port(listen: str) -> tuple[str, int]:
    """Return host and port of an address to listen on.

    Raises:
        ValueError: the text is not such an address.
    """
    host, colon, port = listen.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not port.isascii() or not port.isdigit() or int(port) > _HIGHEST_PORT:
        raise ValueError(f'"{listen[:100]}" is not HOST:PORT, as in 127.0.0.1:8080 or [::1]:8080')
    return host, int(port)


def address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class CannotListen(Exception):
    """The manager cannot listen at its address. The message is a sentence for the user."""


def check_can_listen(host: str, port: int) -> None:
    """Check that a server could listen at an address now; another program may take it afterwards.

    Args:
        host: a name or an address of this machine; empty: all of them.
        port: 0: any free one.

    Raises:
        CannotListen: the port is in use, or the address is not this machine's.
    """
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        problems = [problem for each in found if (problem := _missing(*each))]
        if len(problems) == len(found):
            raise problems[0]
    except (OSError, UnicodeError) as error:
        raise CannotListen(_why_not(host, port, error)) from error


def _missing(family: int, kind: int, protocol: int, _: str, place: Any) -> OSError | None:
    """Return the error if this machine lacks an address, as `localhost` may have one of IPv6.

    Raises:
        OSError: the machine has it, and a server cannot listen there.
    """
    try:
        with socket.socket(family, kind, protocol) as probe:
            # As the server does: connections in their final wait do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(place)
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return error
        raise
    return None


def _why_not(host: str, port: int, error: OSError | UnicodeError) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return (
                f"Port {port} of {host} is in use. Choose another with --port, or stop what is "
                "using it."
            )
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine, so the manager cannot listen on it."
        case errno.EACCES:
            return f"This user may not listen at port {port}. Choose one from 1024 on with --port."
    return f"The manager cannot listen at {address(host, port)}: {error}."
