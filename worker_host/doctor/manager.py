"""Looks at the way to the manager: its address, its certificate, its clock, what it knows of us."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from packaging.version import InvalidVersion, Version

from activities.connections.failures import why_it_failed
from activities.connections.trust import (
    NotTrusted,
    PinnedCertificate,
    context_of,
    fetch_pinned,
    unverified_context,
    why_not_trusted,
)
from worker_host.manager_client import http_client
from worker_host.manager_search import find_manager
from worker_host.registration import CannotJoin, CredentialsFile
from worker_host.settings import HostSettings
from workflows.domain import doctor_rules as rules
from workflows.domain.doctor import Finding, broken, fine, to_look_at
from workflows.domain.storage_marker import SharedStorage

MANAGER, CREDENTIALS, CLOCK, VERSION = "manager", "credentials", "clock", "version"
IDS = (MANAGER, CREDENTIALS, CLOCK, VERSION)

_PRODUCT = "Tablao "
#: How long a search for a manager takes at most, in seconds. A host that starts searches longer.
_SEARCH_S = 8.0
#: What reading an answer that is none of a manager raises.
_NO_ANSWER = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_SEE_MANAGER = f"See {MANAGER}."


@dataclass(frozen=True, slots=True)
class Needs:
    """What the farm needs of this machine. The defaults are Flamenco's, for a farm not joined."""

    is_known: bool = False
    """Whether the manager has told it."""
    programs: Mapping[str, list[str]] = field(
        default_factory=lambda: {"blender": ["blender"], "ffmpeg": ["ffmpeg"]}
    )
    blender_arguments: str = "-b -y"
    environment: Mapping[str, str] = field(default_factory=dict)
    storage: SharedStorage = field(default_factory=SharedStorage)


@dataclass(frozen=True, slots=True)
class SeenManager:
    findings: list[Finding]
    """One for each of `IDS`."""
    needs: Needs = field(default_factory=Needs)


class _Stopped(Exception):
    """The manager cannot be used; the finding says why."""

    def __init__(self, sentence: str, advice: str) -> None:
        super().__init__(sentence)
        self.finding = broken(MANAGER, sentence, advice)


async def see_manager(settings: HostSettings, software: str) -> SeenManager:
    """Look at the manager that a host with these settings would work for.

    Args:
        software: name and version of this host, such as `Tablao 0.1.0`.
    """
    file = CredentialsFile(settings.credentials_file)
    try:
        url = settings.manager or await _known_or_found(settings, file)
        pinned = await _pinned(url, settings.manager_pin, file)
        async with http_client(context=context_of(pinned)) as http:
            return await _seen(url, http, file, settings, software)
    except _Stopped as stopped:
        unknown = "It is not known, because the manager cannot be used."
        others = (to_look_at(each, unknown, _SEE_MANAGER) for each in IDS[1:])
        return SeenManager([stopped.finding, *others])


async def _known_or_found(settings: HostSettings, file: CredentialsFile) -> str:
    try:
        if known := file.managers():
            return known[-1]
        async with http_client(context=unverified_context()) as http:
            search_s = min(_SEARCH_S, settings.search_s)
            return await find_manager(http, search_s=search_s, pin=settings.manager_pin)
    except CannotJoin as reason:
        raise _Stopped(
            f"{reason}.".replace("..", "."),
            "Say where the manager is: `tablao-worker doctor --manager http://HOST:8080`, or "
            "`manager` in tablao-worker.yaml.",
        ) from reason


async def _pinned(url: str, pin: str, file: CredentialsFile) -> PinnedCertificate | None:
    """Return the certificate that the manager must show; None if the system decides."""
    try:
        kept = file.pinned(url)
        if not pin or (kept is not None and kept.pin == pin):
            return kept
        return await asyncio.to_thread(fetch_pinned, url, pin)
    except CannotJoin as reason:
        raise _Stopped(f"{reason}.", "Mend the file, or delete it: the host joins again.") from None
    except NotTrusted as refusal:
        advice = "Say the right pin with --pin; `tablao tls show` on its machine prints it."
        raise _Stopped(str(refusal), advice) from refusal
    except OSError as problem:
        raise _not_reached(url, problem) from problem


def _not_reached(url: str, problem: Exception) -> _Stopped:
    if sentence := why_not_trusted(problem, url):
        return _Stopped(
            sentence, "Say the manager's pin with --pin, or renew its certificate if it expired."
        )
    return _Stopped(
        f"The manager at {url} is not reached: {why_it_failed(problem)}.",
        "Look whether it runs and listens on the network (`tablao doctor` there), at the address, "
        "and at the firewalls on the way.",
    )


async def _seen(
    url: str,
    http: httpx.AsyncClient,
    file: CredentialsFile,
    settings: HostSettings,
    software: str,
) -> SeenManager:
    try:
        answer = await http.get(f"{url}/api/v3/version")
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        raise _not_reached(url, problem) from problem
    theirs = _said_version(answer, url)
    credentials, needs = await _credentials(url, http, file, settings)
    return SeenManager(
        [
            fine(MANAGER, f"The manager at {url} answers: {theirs}."),
            credentials,
            _clock(answer),
            _version(theirs.removeprefix(_PRODUCT), software.removeprefix(_PRODUCT)),
        ],
        needs,
    )


def _said_version(answer: httpx.Response, url: str) -> str:
    """Return name and version of a manager."""
    try:
        said = str(answer.json()["git"]) if answer.is_success else ""
    except _NO_ANSWER:
        said = ""
    if not said.startswith(_PRODUCT):
        raise _Stopped(
            f"What answers at {url} is no manager of Tablao (HTTP {answer.status_code}).",
            "Look at the address and its port, and at a proxy on the way.",
        )
    return said[:100]


def _clock(answer: httpx.Response) -> Finding:
    try:
        # Whole seconds, cut off: half a second is added.
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp() + 0.5
    except (KeyError, ValueError, TypeError):
        return fine(CLOCK, "The manager's answer does not say its time.")
    return rules.clock(CLOCK, "the manager", theirs - time.time())


def _version(theirs: str, own: str) -> Finding:
    try:
        ours, managers = Version(own), Version(theirs)
    except InvalidVersion:
        return fine(VERSION, f"The version of this host is not known; the manager has {theirs}.")
    if ours < managers:
        return to_look_at(
            VERSION,
            f"This host has version {own}, which is older than the manager's, {theirs}.",
            "`tablao worker upgrade NAME` upgrades it while it renders.",
        )
    if ours > managers:
        return to_look_at(
            VERSION,
            f"This host has version {own}, which is newer than the manager's, {theirs}.",
            "Upgrade the manager, or install its version here.",
        )
    return fine(VERSION, f"This host has the manager's version, {own}.")


async def _credentials(
    url: str, http: httpx.AsyncClient, file: CredentialsFile, settings: HostSettings
) -> tuple[Finding, Needs]:
    try:
        known = file.read(url)
    except CannotJoin as reason:
        advice = "Mend the file, or delete it: the host then joins as a new worker."
        return broken(CREDENTIALS, f"{reason}.", advice), Needs()
    if known is None:
        how = "with its join token" if settings.join_token else "and waits to be let in"
        return (
            to_look_at(
                CREDENTIALS,
                "This machine has not joined the manager yet.",
                f"Start `tablao-worker --manager {url}`: it joins {how}.",
            ),
            Needs(),
        )
    try:
        answer = await http.get(f"{url}/api/tablao/v1/host-needs", auth=known.auth)
        if answer.is_success:
            return _let_in(answer.json())
    except (httpx.HTTPError, *_NO_ANSWER) as problem:
        said = f"The manager does not tell what it needs of this host: {why_it_failed(problem)}."
        return broken(CREDENTIALS, said, _SEE_MANAGER), Needs()
    if answer.status_code == httpx.codes.NOT_FOUND:
        return to_look_at(
            CREDENTIALS,
            "The manager is too old to tell what it needs of this host.",
            "Upgrade the manager.",
        ), Needs()
    return (
        broken(
            CREDENTIALS,
            f"The manager refuses the secret of this worker (HTTP {answer.status_code}): it was "
            "deleted, or its secret was revoked.",
            f"Start `tablao-worker --manager {url}`: it joins again, and a wrangler lets it in. "
            f"If it does not, delete {settings.credentials_file} first.",
        ),
        Needs(),
    )


def _let_in(content: Any) -> tuple[Finding, Needs]:
    """
    Raises:
        AttributeError, KeyError, TypeError, ValueError: it is no answer of a manager.
    """
    storage = content.get("storage")
    needs = Needs(
        True,
        {
            str(kind): [str(name) for name in names]
            for kind, names in dict(content["programs"]).items()
        },
        str(content["blender_arguments"]),
        {str(name): str(value) for name, value in dict(content.get("environment", {})).items()},
        SharedStorage(str(storage["path"]), str(storage["id"])) if storage else SharedStorage(),
    )
    name = content["name"]
    if content["is_waiting"]:
        return (
            to_look_at(
                CREDENTIALS,
                f"The worker {name} waits to be let in.",
                "A wrangler lets it in on the dashboard's page Workers.",
            ),
            needs,
        )
    return fine(CREDENTIALS, f"The manager knows this machine as the worker {name}."), needs
