"""What a person asks of `tablao service` and `tablao-worker service`, carried out."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from activities.services.accounts import account_of
from activities.services.control import ServiceControl
from activities.services.definition import Program, Service, ServiceError
from activities.services.exit_codes import RESTART_ORDERED
from activities.services.files import Kept, private_text
from activities.services.launcher import check_reachable, own_launcher
from activities.services.places import data_dir_of, log_folder, system_here, token_file_of

_LAUNCHERS = {Program.MANAGER: "tablao", Program.WORKER: "tablao-worker"}
_FIRST_ARGUMENTS = {
    Program.MANAGER: ("manager",),
    Program.WORKER: ("--restart-exit-code", str(RESTART_ORDERED)),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, as given."""

    program: Program
    for_user: bool
    """Whether the service is the calling user's own."""
    run_as: str = ""
    """The user of a service of the system; empty: see `account_of`."""
    data_dir: Path | None = None
    join_token_file: Path | None = None
    arguments: tuple[str, ...] = ()
    """Further arguments of the program."""


def is_for_user(*, user: bool, system: bool) -> bool:
    """Return whether a service is the calling user's own: as said, else unless that is root.

    Raises:
        ServiceError: both were said.
    """
    if user and system:
        raise ServiceError("A service is one user's or the system's: say --user or --system.")
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return user or not (system or is_root)


def install(wish: Wish, say: Callable[[str], None], *, dry_run: bool) -> None:
    """Install the service that was asked for, or only print it.

    Raises:
        ServiceError: it cannot be installed.
    """
    service, kept = _made(wish)
    control = ServiceControl(system_here(for_user=wish.for_user), say)
    if dry_run:
        control.show_installation(service, kept)
    else:
        control.install(service, kept)


def uninstall(
    program: Program, say: Callable[[str], None], *, for_user: bool, dry_run: bool
) -> None:
    """
    Raises:
        ServiceError: it cannot be removed.
    """
    control = ServiceControl(system_here(for_user=for_user), say)
    beside = (token_file_of(program, for_user=for_user),)
    if dry_run:
        control.show_removal(program, beside)
    else:
        control.uninstall(program, beside)


def control_here(say: Callable[[str], None], *, for_user: bool) -> ServiceControl:
    """Return what starts, stops and shows services on this machine.

    Raises:
        ServiceError: this platform has no services that are known.
    """
    return ServiceControl(system_here(for_user=for_user), say)


def _made(wish: Wish) -> tuple[Service, list[Kept]]:
    """Return the service, and what is kept for it.

    Raises:
        ServiceError: the wish cannot be granted.
    """
    if wish.run_as and wish.for_user:
        raise ServiceError("A user's own service runs as that user; --run-as is for --system.")
    if wish.join_token_file is not None and wish.program is not Program.WORKER:
        raise ServiceError("A join token is for a worker.")
    account = None if wish.for_user else account_of(wish.run_as, os.environ)
    launcher = own_launcher(_LAUNCHERS[wish.program])
    if account is not None and sys.platform != "win32":
        check_reachable(launcher, account)
    kept: list[Kept] = []
    command = [str(launcher), *_FIRST_ARGUMENTS[wish.program]]
    given = wish.data_dir.expanduser().absolute() if wish.data_dir is not None else None
    data_dir = given if given is not None or wish.for_user else data_dir_of(wish.program)
    by_systemd = sys.platform == "linux" and not wish.for_user and given is None
    if data_dir is not None:
        command += ["--data-dir", str(data_dir)]
        kept += [] if by_systemd else [Kept(data_dir, None, account)]
    if (logs := log_folder(for_user=wish.for_user)) is not None:
        kept.append(Kept(logs, None, account))
    if wish.join_token_file is not None:
        token = private_text(wish.join_token_file)
        file = token_file_of(wish.program, for_user=wish.for_user)
        command += ["--join-token-file", str(file)]
        kept.append(Kept(file, f"{token}\n".encode(), account))
    service = Service(
        wish.program,
        (*command, *wish.arguments),
        account,
        data_dir,
        state_directory=data_dir.name if by_systemd and data_dir is not None else "",
    )
    _check_words(service)
    return service, kept


def _check_words(service: Service) -> None:
    """
    Raises:
        ServiceError: no service file can hold one of the words.
    """
    if any(not word.isprintable() for word in service.command):
        raise ServiceError(
            "An argument has a control character, which no service file can hold; write it without."
        )
