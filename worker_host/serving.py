"""Builds the render machine's process: reads settings, joins the farm, serves it."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from activities.connections.trust import PinnedCertificate, context_of, unverified_context
from activities.process.layered_settings import SettingsError
from activities.process.process_end import end_with
from activities.process.sdk_logs import log_only_errors_of_sdk
from activities.services.exit_codes import final_code
from activities.services.readiness import tell_ready, tell_status, tell_stopping
from worker_host.disks import cause_of
from worker_host.host import Ended, Host
from worker_host.manager_client import http_client
from worker_host.manager_search import ManagerNotFound, find_manager
from worker_host.processes.supervision import on_order_to_end
from worker_host.registration import (
    CannotJoin,
    Credentials,
    CredentialsFile,
    Registration,
    pinned_certificate,
)
from worker_host.run_table import RunTable
from worker_host.runs_folder import HostAlreadyRuns, RunsFolder
from worker_host.settings import HostSettings, read_settings
from worker_host.software import software_version
from worker_host.trial import WELCOMED
from worker_host.versions_folder import VersionsFolder, host_command, is_installed

FAILED = 1
#: No exit code: the process begins again in its place.
_BEGINS_AGAIN = -1

logger = logging.getLogger(__name__)


def run_host(options: Mapping[str, Any], *, on_trial: bool = False) -> None:
    """Serve until ordered to end; after an order to restart, exit with the code in the settings.

    Args:
        options: command line options by setting; None for an option that was not given.
        on_trial: whether to end when the farm has welcomed this host.
    """
    try:
        settings = read_settings(**options)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        # Otherwise httpx logs each request of each task.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        log_only_errors_of_sdk()
    except SettingsError as refusal:
        sys.exit(_refused(refusal, final_code()))
    end_with(lambda: _served(settings, on_trial=on_trial))


def _served(settings: HostSettings, *, on_trial: bool) -> int:
    try:
        code = asyncio.run(serve(settings, on_trial=on_trial))
        if code == _BEGINS_AGAIN:
            logging.shutdown()
            # The start finds the new version on trial. A service sees the same process.
            os.execv(sys.executable, host_command(sys.executable, sys.argv[1:]))
        return code
    except (HostAlreadyRuns, ManagerNotFound) as refusal:
        return _refused(refusal, FAILED)
    except CannotJoin as refusal:
        return _refused(refusal, final_code())
    except OSError as problem:
        if (cause := cause_of(problem, str(settings.data_dir))) is None:
            raise
        sys.exit(cause.reason())


def _refused(reason: Exception, code: int) -> int:
    sys.stderr.write(f"{reason}\n")
    return code


async def serve(settings: HostSettings, *, on_trial: bool = False) -> int:
    """Join the farm and serve it; return the exit code.

    Returns:
        The exit code; `_BEGINS_AGAIN` if another version is installed and is to begin.

    Raises:
        CannotJoin: this host cannot join the farm.
        HostAlreadyRuns: another process works in this data directory.
    """
    software = software_version()
    settings.data_dir.mkdir(0o700, parents=True, exist_ok=True)
    # Check before signing on, which would disturb the other process's worker.
    await check_nobody_runs(settings.runs_dir)
    # From now on the host tries by itself, also while its manager is away.
    tell_ready(f"joining {settings.manager or 'a manager'}")
    signals = _Signals()
    joining = asyncio.create_task(_join(settings, software))
    signals.on_first(joining.cancel)
    try:
        settings, credentials, trust = await joining
    except asyncio.CancelledError:
        return 0  # the host has not joined yet, so there is no sign-off
    host = Host(
        settings,
        credentials,
        lambda hooks: RunTable(settings.runs_dir, hooks, settings.run_settings),
        context=context_of(trust),
        software=software,
        examine=lambda: _examined(settings, software),
        keep=lambda new: CredentialsFile(settings.credentials_file).write(
            settings.manager, new, trust
        ),
        versions=VersionsFolder(settings.data_dir) if is_installed() else None,
        on_trial=on_trial,
    )
    signals.on_first(host.shut_down)
    logger.info("serving %s", settings.manager, extra={"worker": credentials.worker_id})
    tell_status(f"serving {settings.manager}")
    match await host.run():
        case Ended.RESTART:
            return settings.restart_exit_code
        case Ended.SUPERSEDED:
            logger.error(
                "Another process signed on with the credentials in %s, so this one ends. "
                "Each host needs a data directory of its own.",
                settings.credentials_file,
            )
            # Started again, each of the two would end the other.
            return final_code()
        case Ended.DISMISSED:
            logger.error(
                "The farm has deleted this worker, or revoked its secret, so its host ends. "
                "Started again, it joins as a new worker."
            )
            return 0
        case Ended.UPGRADED:
            logger.info("another version is installed, and goes on with the runs")
            return _BEGINS_AGAIN
        case Ended.WELCOMED:
            return WELCOMED
        case Ended.SHUT_DOWN:
            return 0


async def _examined(settings: HostSettings, software: str) -> Mapping[str, Any]:
    # The doctor loads what a host needs only when it is asked for.
    from worker_host.doctor.service import report_with

    return await report_with(settings, software)


async def _join(
    settings: HostSettings, software: str
) -> tuple[HostSettings, Credentials, PinnedCertificate | None]:
    """Join the farm.

    Returns:
        The settings with the manager's address, the credentials, and the certificate that is
        pinned, if one is.
    """
    file = CredentialsFile(settings.credentials_file)
    if not settings.manager:
        manager = await _known_or_found(settings, file)
        settings = settings.model_copy(update={"manager": manager})
    pinned = await pinned_certificate(settings, file)
    async with http_client(context=context_of(pinned)) as http:
        registration = Registration(settings, http, software=software, pinned=pinned)
        credentials, _ = await registration.join()
    return settings, credentials, pinned


async def _known_or_found(settings: HostSettings, file: CredentialsFile) -> str:
    """Return the manager that was joined last. Only a host that has joined none searches.

    Every machine in a network can answer a search. So a host does not follow an answer away from
    the manager that it works for, and shows no join token to one that was only found.

    Raises:
        CannotJoin: none was found, or the search could give a token to a stranger.
    """
    if known := file.managers():
        return known[-1]
    if settings.has_join_token and not settings.manager_pin:
        raise CannotJoin(
            "Any machine in the network could answer a search and take the join token: say the "
            "manager's address with --manager, or its certificate with --pin"
        )
    # What is asked is not secret, and joining checks the certificate.
    async with http_client(context=unverified_context()) as http:
        return await find_manager(http, search_s=settings.search_s, pin=settings.manager_pin)


async def check_nobody_runs(runs_dir: Path) -> None:
    """Check that no other host works in this folder.

    Raises:
        HostAlreadyRuns: another process works there.
    """
    folder = RunsFolder(runs_dir)
    await folder.lock()
    folder.unlock()


class _Signals:
    """The first SIGTERM or SIGINT ends the host properly, the second one at once.

    A second signal leaves the runs alive, and the next host adopts them.
    """

    def __init__(self) -> None:
        self._end: Callable[[], object] | None = None
        self._was_told = False
        on_order_to_end(self._received)

    def on_first(self, end: Callable[[], object]) -> None:
        self._end = end
        if self._was_told:
            end()

    def _received(self) -> None:
        if self._was_told:
            os._exit(FAILED)
        self._was_told = True
        tell_stopping()
        if self._end is not None:
            self._end()
