"""Fetches information about the manager in the background, and keeps it for offline use."""

from contextlib import suppress
from typing import Any

import bpy

from . import background, preferences, setting_properties, values
from .core import manager_info
from .core.discovery import Found, find_managers
from .core.manager import Manager, ManagerError
from .core.manager_info import ManagerInfo
from .session import session, told

#: The status of HTTP answers to callers without a valid token.
_NOT_LOGGED_IN = 401


def use_kept_info() -> None:
    """Use what the preferred manager said in an earlier session, and forget any other manager."""
    for question in ("refresh", "jobs", "check"):
        # A request may be on its way to another manager; its answer must not be used.
        background.forget(question)
    session.is_reached, session.message, session.wants_login = None, "", False
    session.jobs, session.farm = (), None
    session.submitted.clear()
    address = address_now()
    use(manager_info.load(preferences.kept_info_file(), address) if address else None)


def address_now() -> str:
    """Return the manager's address from the preferences; empty if it is not valid."""
    return preferences.key_of(preferences.preferences_of(bpy.context).manager_address)


def use(info: "ManagerInfo | None") -> None:
    session.info = info
    setting_properties.register(info.job_types if info else (), values.live)


def refresh(context: Any) -> bool:
    """Ask the manager in the background.

    Returns:
        True if a request was started.
    """
    try:
        manager = preferences.manager_of(context)
    except ManagerError as problem:
        _not_reached(problem)
        return False
    session.message = f"Asking {manager.address}"
    return background.run("refresh", lambda: _fetch(manager), _reached, _not_reached)


def find(context: Any) -> bool:
    """Look for managers on the network, in the background. If only one is found, choose it.

    Returns:
        True if a search was started.
    """
    session.message = "Looking for managers on the network"
    authority = preferences.authority_of(context)
    return background.run("find", lambda: find_managers(authority=authority), _found, _not_reached)


def _fetch(manager: Manager) -> ManagerInfo:
    return manager_info.fetch(manager)


def _reached(info: ManagerInfo) -> None:
    if info.address != address_now():
        return  # the artist chose another manager meanwhile
    session.is_reached, session.wants_login = True, False
    session.message = f"{info.product} at {info.address}"
    use(info)
    # The file only serves a later session that is offline, so this session can go on without it.
    with suppress(OSError):
        manager_info.save(info, preferences.kept_info_file())
    # Scenes that are linked from another file cannot be changed here.
    for scene in (each for each in bpy.data.scenes if each.library is None):
        if job_type := session.job_type(scene.tablao.job_type):
            values.fill_in(bpy.context, scene, job_type)


def _not_reached(problem: Exception) -> None:
    session.is_reached = False
    session.wants_login = isinstance(problem, ManagerError) and problem.status == _NOT_LOGGED_IN
    session.message = told(problem)


def _found(managers: "tuple[Found, ...]") -> None:
    session.found = managers
    if not managers:
        session.message = "No manager answers on this network: type its address"
        return
    session.message = f"Found {', '.join(each.address for each in managers)}"
    if len(managers) == 1:
        # Setting the address asks that manager.
        preferences.preferences_of(bpy.context).manager_address = managers[0].address
