"""`tablao login`, `logout`, `login-link` and `whoami`: who this user is to a manager."""

import getpass
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from manager_api.access.local_admin import read_token
from manager_api.cli.client import DEFAULT_URL, Manager, ManagerUrl, in_full
from manager_api.cli.console import CommandError, note, say, show_fields
from manager_api.cli.credentials import is_safe, store_token, stored_token
from manager_api.settings.model import ManagerSettings
from workflows.domain.access import Permission

_DAYS = 90


def login(
    manager: ManagerUrl = DEFAULT_URL,
    with_token: Annotated[
        bool, typer.Option("--with-token", help="Ask for a token in place of name and password.")
    ] = False,
) -> None:
    """Log in to a manager, and keep a token for later commands in a file of this user."""
    url = in_full(manager)
    if not is_safe(url):
        raise CommandError(
            f"{url} is plain HTTP to another machine, where others can read a password; "
            "use an address that begins with https://."
        )
    token = _asked("Token: ") if with_token else _token_by_password(url)
    with Manager(url, token=token) as farm:
        me = farm.get("/api/tablao/v1/me")
    store_token(url, token)
    say(f"You are {me['name']} ({me['role']}) at {url}.")


def logout(manager: ManagerUrl = DEFAULT_URL) -> None:
    """Forget the token of `tablao login`, and remove it at the manager."""
    url = in_full(manager)
    token = stored_token(url)
    if not token:
        raise CommandError(f"You are not logged in to {url}.")
    with Manager(url, token=token) as farm:
        me = farm.get("/api/tablao/v1/me")
        farm.delete(f"/api/tablao/v1/me/tokens/{me['credential']}")
    store_token(url, None)
    note(f"You are logged out of {url}.")


def whoami(manager: ManagerUrl = DEFAULT_URL) -> None:
    """Show who you are to a manager, and what you may do."""
    with Manager(manager) as farm:
        me = farm.get("/api/tablao/v1/me")
    show_fields(
        [
            ("Name", me["name"] or "nobody"),
            ("Role", me.get("role")),
            ("By", me["via"]),
            ("May", ", ".join(me["permissions"])),
        ]
    )


def login_link(
    data_dir: Annotated[Path | None, typer.Option(help="The folder of the farm's data.")] = None,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Print a link that logs a browser in as administrator, once, within ten minutes."""
    url = in_full(manager)
    say(new_link(url, (data_dir or ManagerSettings.default_data_dir()).expanduser()))


def new_link(url: str, data_dir: Path, pin: str = "") -> str:
    """Return a one-time link to the dashboard of a manager on this machine.

    Raises:
        CommandError: its token cannot be read, or it refuses.
    """
    with Manager(url, pin=pin, token=own_token(url, data_dir)) as farm:
        link = farm.post("/api/tablao/v1/login-links", None)
    return f"{url}{link['path']}"


def own_token(url: str, data_dir: Path) -> str:
    """Return the token of the own user of a manager on this machine.

    Raises:
        CommandError: it cannot be read.
    """
    token = read_token(data_dir, url)
    if token is None:
        raise CommandError(
            f"{data_dir} has no token of a manager at {url} that you can read. Run this as the "
            "manager's own user, on its machine, and say its folder with --data-dir."
        )
    return token


def _token_by_password(url: str) -> str:
    name = _asked("Name: ", is_secret=False)
    with Manager(url, token="", is_browser=True) as farm:
        farm.post("/api/tablao/v1/login", {"name": name, "password": _asked("Password: ")})
        asked = {
            "name": f"tablao on {socket.gethostname()}",
            "scopes": list(Permission),
            "days": _DAYS,
        }
        made = farm.post("/api/tablao/v1/me/tokens", asked)
        farm.post("/api/tablao/v1/logout", None)
    return str(made["secret"])


def _asked(prompt: str, *, is_secret: bool = True) -> str:
    """Ask at the terminal; from a pipe, read a line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return (getpass.getpass(prompt) if is_secret else input(prompt)).strip()
