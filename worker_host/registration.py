"""Joins the farm with Flamenco's operations, and remembers this host's credentials."""

import asyncio
import contextlib
import logging
import os
import platform
import secrets
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from activities.connections.failures import why_it_failed
from activities.connections.retrying import ChangeLog, Pauses
from activities.connections.trust import (
    NotTrusted,
    PinnedCertificate,
    fetch_pinned,
    why_not_trusted,
)
from activities.services.definition import ServiceError
from activities.services.files import private_text
from worker_host import processes
from worker_host.settings import HostSettings
from workflows.domain.statuses import WorkerStatus

logger = logging.getLogger(__name__)

_PLATFORMS = {"Linux": "linux", "Windows": "windows", "Darwin": "darwin"}
#: Part of the manager's answer to unknown credentials. A proxy's 403 does not have it.
_UNKNOWN = "unknown worker"


class CannotJoin(Exception):
    """This host cannot join a farm; the message says why."""


@dataclass(frozen=True, slots=True)
class Credentials:
    worker_id: str
    secret: str

    def __repr__(self) -> str:
        return f"Credentials({self.worker_id!r}, …)"

    @property
    def auth(self) -> httpx.BasicAuth:
        return httpx.BasicAuth(self.worker_id, self.secret)

    @property
    def headers(self) -> dict[str, str]:
        request = next(self.auth.auth_flow(httpx.Request("GET", "http://-")))
        return {"Authorization": request.headers["Authorization"]}


class _JoinAuth(httpx.Auth):
    """Shows a join token, if there is one."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class CredentialsFile:
    """The file of this host's credentials, by manager.

    A host that works for another manager for a day can so return to its first one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, manager: str) -> Credentials | None:
        """Return the credentials for a manager; None if there are none.

        A manager that now serves TLS knows the worker that joined it without.

        Raises:
            CannotJoin: the file exists, but cannot be read.
        """
        content = self._content()
        entry = content.get(manager) or content.get(manager.replace("https:", "http:", 1))
        try:
            return None if entry is None else Credentials(entry["worker_id"], entry["secret"])
        except (TypeError, KeyError) as error:
            raise CannotJoin(f"{self._path} does not hold credentials of workers") from error

    def pinned(self, manager: str) -> PinnedCertificate | None:
        """Return the certificate that was pinned when this manager was joined; None if none was.

        Raises:
            CannotJoin: the file exists, but cannot be read.
        """
        entry = self._content().get(manager)
        try:
            kept = None if entry is None else entry.get("pinned")
            return kept and PinnedCertificate(kept["certificate"], kept["is_managers"])
        except (AttributeError, TypeError, KeyError) as error:
            raise CannotJoin(f"{self._path} does not hold credentials of workers") from error

    def managers(self) -> list[str]:
        """Return the URLs of the managers that this host has worked for, the last one at the end.

        Raises:
            CannotJoin: the file exists, but cannot be read.
        """
        return [str(manager) for manager in self._content()]

    def write(
        self, manager: str, credentials: Credentials, pinned: PinnedCertificate | None = None
    ) -> None:
        content = self._content()
        entry: dict[str, Any] = {
            "worker_id": credentials.worker_id,
            "secret": credentials.secret,
        }
        if pinned is not None:
            entry["pinned"] = {"certificate": pinned.pem, "is_managers": pinned.is_managers}
        if list(content)[-1:] == [manager] and content[manager] == entry:
            return
        content.pop(manager, None)
        content[manager] = entry
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        # An old draft, left by a crash, may be readable by others.
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yaml.safe_dump(content, file, sort_keys=False)
            file.flush()
            os.fsync(file.fileno())
        processes.replace_file(draft, self._path)
        # Without this, a power cut could bring the old file back, after its secret has ended.
        processes.sync_folder(self._path.parent)

    def _content(self) -> dict[str, Any]:
        try:
            content = yaml.safe_load(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, yaml.YAMLError) as error:
            raise CannotJoin(f"{self._path} cannot be read: {error}") from error
        if not isinstance(content, dict):
            raise CannotJoin(f"{self._path} does not hold credentials of workers")
        return content


async def pinned_certificate(
    settings: HostSettings, file: CredentialsFile
) -> PinnedCertificate | None:
    """Return the certificate that the manager must show; None if there is no pin.

    The pin of the settings comes before the one that was kept when the manager was joined. A
    manager that is away is waited for.

    Raises:
        CannotJoin: the manager shows other certificates.
    """
    url, pin = settings.manager, settings.manager_pin
    kept = file.pinned(url)
    if not pin or (kept and kept.pin == pin):
        return kept
    if not url.startswith("https://"):
        raise CannotJoin(f"{url} has no certificate to pin: its address must begin with https://")
    pauses = Pauses(settings.retry_from_s, settings.retry_to_s)
    log = ChangeLog(logger)
    while True:
        try:
            return await asyncio.to_thread(fetch_pinned, url, pin)
        except NotTrusted as refusal:
            raise CannotJoin(str(refusal)) from refusal
        except OSError as problem:
            why = why_it_failed(problem)
            log.fails(f"The manager's certificate cannot be looked at: {why}")
        await pauses.pause()


class Registration:
    """Joins the farm, and tries for as long as necessary.

    After a power cut, hosts may start before the manager.
    """

    def __init__(
        self,
        settings: HostSettings,
        http: httpx.AsyncClient,
        *,
        software: str = "Tablao",
        pinned: PinnedCertificate | None = None,
    ) -> None:
        self._settings = settings
        self._pinned = pinned
        self._http = http
        self._software = software
        self._file = CredentialsFile(settings.credentials_file)

    async def join(self) -> tuple[Credentials, WorkerStatus]:
        """Sign on, and register before if needed.

        Returns:
            The credentials, and the status that the host shall take.

        Raises:
            CannotJoin: another attempt would not help.
        """
        credentials = self._file.read(self._settings.manager) or await self._register()
        answer = await self._ask("sign-on", self._sign_on_facts(), credentials)
        if answer.status_code == httpx.codes.FORBIDDEN and _UNKNOWN in _message(answer):
            logger.warning("The manager does not know this worker any more; it registers again")
            credentials = await self._register()
            answer = await self._ask("sign-on", self._sign_on_facts(), credentials)
        if answer.status_code != httpx.codes.OK:
            raise CannotJoin(f"The manager refuses the sign-on: {_message(answer)}")
        self._file.write(self._settings.manager, credentials, self._pinned)
        return credentials, WorkerStatus(answer.json()["status_requested"])

    async def _register(self) -> Credentials:
        secret = secrets.token_hex(32)
        facts = {
            "name": self._settings.name,
            "secret": secret,
            "platform": _PLATFORMS.get(platform.system(), platform.system().lower()),
            "supported_task_types": list(self._settings.task_types),
        }
        answer = await self._ask("register-worker", facts, None)
        if answer.status_code != httpx.codes.OK:
            raise CannotJoin(f"The manager refuses the registration: {_message(answer)}")
        credentials = Credentials(answer.json()["uuid"], secret)
        self._file.write(self._settings.manager, credentials, self._pinned)
        return credentials

    def _sign_on_facts(self) -> Mapping[str, Any]:
        return {
            "name": self._settings.name,
            "supported_task_types": list(self._settings.task_types),
            "software_version": self._software,
            "can_restart": self._settings.restart_exit_code != 0,
        }

    async def _ask(
        self, operation: str, facts: Mapping[str, Any], credentials: Credentials | None
    ) -> httpx.Response:
        """Return the manager's answer; ask again as long as the manager is away or in trouble."""
        url = f"{self._settings.manager}/api/v3/worker/{operation}"
        # Without explicit auth, httpx would take credentials from a .netrc file.
        auth = credentials.auth if credentials else _JoinAuth(_join_token(self._settings))
        pauses = Pauses(self._settings.retry_from_s, self._settings.retry_to_s)
        log = ChangeLog(logger)
        while True:
            try:
                answer = await self._http.post(url, json=facts, auth=auth)
                if not _is_their_trouble(answer):
                    return answer
                problem = f"it answered HTTP {answer.status_code}"
            except httpx.TransportError as error:
                sentence = why_not_trusted(error, self._settings.manager)
                # A manager that was joined may have let its certificate expire, and renews it.
                if sentence and self._settings.manager not in self._file.managers():
                    raise CannotJoin(sentence) from error
                problem = why_it_failed(error)
            log.fails(f"The manager cannot be reached for {operation}: {problem}")
            await pauses.pause()


def _join_token(settings: HostSettings) -> str:
    """Return the token to show at the registration; empty: none.

    Raises:
        CannotJoin: the token's file is missing, not readable, or not for its owner only.
    """
    if settings.join_token or settings.join_token_file is None:
        return settings.join_token
    try:
        return private_text(settings.join_token_file.expanduser())
    except ServiceError as refusal:
        raise CannotJoin(f"The join token is missing: {refusal}") from refusal


def _is_their_trouble(answer: httpx.Response) -> bool:
    return answer.status_code >= 500 or answer.status_code in (
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.TOO_MANY_REQUESTS,
    )


def _message(answer: httpx.Response) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(answer.json()["message"])
    return f"HTTP {answer.status_code}"
