"""The user whose rights a service of the system has. It is said, and never root by itself."""

import sys
from collections.abc import Mapping

from activities.services.definition import Account, ServiceError

#: Taken if no user is named.
USUAL = "tablao"


def account_of(name: str, environment: Mapping[str, str]) -> Account:
    """Return the account that a service of the system shall have.

    Args:
        name: as given; empty: the user who called `sudo`, else the user `tablao` if there is one.

    Raises:
        ServiceError: there is no such user, or none was named.
    """
    if name:
        found = _account(name)
        if found is None:
            raise ServiceError(f"There is no user {name} on this machine. {_how_to_make(name)}")
        return found
    caller = environment.get("SUDO_USER", "")
    found = _account(caller) if caller not in ("", "root") else _account(USUAL)
    if found is None:
        raise ServiceError(
            "Say with --run-as which user the service shall run as; it is not started as root by "
            f"itself. {_how_to_make(USUAL)}"
        )
    return found


def _account(name: str) -> Account | None:
    if sys.platform == "win32":
        return Account(name, 0, 0)  # Task Scheduler looks the name up
    import pwd

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _how_to_make(name: str) -> str:
    return (
        "A user for it can be made with: "
        f"useradd --system --create-home --home-dir /var/lib/{name} {name}"
    )
