"""Tells systemd that this process is ready, and what it does (sd_notify). Standard library only.

Without the variable that systemd sets, nothing happens: there is no service to tell.
"""

import contextlib
import os
import socket

#: Where systemd listens. Programs of tasks do not get it.
SOCKET_VARIABLE = "NOTIFY_SOCKET"
_LONGEST_STATUS = 500


def tell_ready(status: str) -> None:
    """Tell the service that its start is done.

    Args:
        status: what the process does now, in a few words.
    """
    _tell("READY=1", status)


def tell_status(status: str) -> None:
    """Tell the service what the process does now, in a few words."""
    _tell("", status)


def tell_stopping() -> None:
    """Tell the service that the process ends."""
    _tell("STOPPING=1", "ending")


def _tell(state: str, status: str) -> None:
    address = os.environ.get(SOCKET_VARIABLE, "")
    if not address.startswith(("/", "@")):
        return
    # A newline would begin another word of the protocol.
    words = " ".join(status.split())[:_LONGEST_STATUS]
    message = "\n".join(each for each in (state, f"STATUS={words}") if each)
    # What works must not fail because its service does not listen.
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
    ):
        # "@" stands for the zero byte of an abstract address.
        sender.connect(f"\0{address[1:]}" if address[0] == "@" else address)
        sender.sendall(message.encode())
