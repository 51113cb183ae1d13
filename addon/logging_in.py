"""Gets a token from the manager's page in the browser, and keeps it."""

import threading
from typing import Any

import bpy

from . import background, connecting, preferences
from .core.handover import Handover
from .core.manager import Manager, ManagerError
from .core.progress import Canceled
from .session import session, told

#: Set to end the waiting that is under way.
_canceled = threading.Event()


def begin(context: Any) -> str:
    """Wait in the background for the token. A waiting that is under way ends.

    Returns:
        The address of the page in which the artist gives access.

    Raises:
        ManagerError: the address is not valid, or there is no interface.
    """
    global _canceled
    if bpy.app.background:
        raise ManagerError("Logging in needs Blender's window: set a token in the preferences")
    stop()
    _canceled = threading.Event()
    address = preferences.preferences_of(context).manager_address
    # Without a token: an old one would only be refused.
    handover, is_canceled = Handover(Manager(address)), _canceled.is_set
    background.forget("log in")
    background.run(
        "log in",
        lambda: handover.wait(is_canceled),
        lambda token: _given(address, token),
        _not_given,
    )
    session.message = "Give Blender access in the browser"
    return handover.page


def stop() -> None:
    _canceled.set()


def keep(address: str, token: str) -> None:
    """Keep a token, and say so in the panel if that fails."""
    try:
        preferences.token_file().keep(preferences.key_of(address), token.strip())
    except OSError as problem:
        session.message = f"The API token cannot be kept: {problem}"


def _given(address: str, token: str) -> None:
    keep(address, token)
    connecting.refresh(bpy.context)


def _not_given(problem: Exception) -> None:
    if not isinstance(problem, Canceled):
        session.message = told(problem)
