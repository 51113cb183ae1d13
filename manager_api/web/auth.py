"""Decides who calls, and what the caller may do. Each route names one of these checks.

docs/access.md has the table of all routes, which a test makes from them. Workers prove themselves
with the secret of their registration, and are no identities: they have routes of their own.
"""

import asyncio
import base64
import binascii
import contextlib
import ipaddress
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Security, WebSocket, WebSocketException
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from manager_api.access.join_tokens import looks_like_join_token
from manager_api.access.local_admin import local_admin
from manager_api.contract.errors import (
    FarmError,
    Forbidden,
    NotAuthenticated,
    NotAuthorized,
)
from manager_api.database import trail
from manager_api.database.busy import retry_while_busy
from manager_api.database.engine import DatabaseBusy, utc_now
from manager_api.database.tables import WorkerRow
from manager_api.jobs import owner_store
from manager_api.web.cookies import session_cookie
from manager_api.web.dependencies import ManagerParts, Parts
from manager_api.web.outer_checks import (
    HARMLESS,
    PATH_TOKEN,
    comes_from_foreign_page,
    says_it_is_of_own_page,
)
from manager_api.web.parameters import is_uuid
from manager_api.workers.service import HowToJoin
from workflows.domain.access import (
    NOBODY,
    PERMISSIONS,
    Identity,
    Kind,
    Permission,
    Role,
    Via,
)

_POLICY_VIOLATION = 1008
#: The close code for a caller whose login or token was revoked.
LOG_IN_AGAIN = 4401
#: How often it is looked whether the caller of an open WebSocket still may use it, in seconds.
_LOOK_AGAIN_S = 2.0
_MACHINE = Identity(
    kind=Kind.MACHINE,
    name="this machine",
    role=Role.WRANGLER,
    permissions=PERMISSIONS[Role.WRANGLER],
    via=Via.LOOPBACK,
)
_NETWORK = Identity(
    kind=Kind.NETWORK,
    name="legacy network",
    role=Role.ARTIST,
    permissions=PERMISSIONS[Role.ARTIST],
    via=Via.NETWORK,
)


class WorkerAuth(SecurityBase):
    """The contract's scheme `worker_auth`. FastAPI's own class answers 401, Flamenco 403."""

    def __init__(self) -> None:
        self.model = HTTPBase(scheme="basic")
        self.scheme_name = "worker_auth"

    async def __call__(self, connection: HTTPConnection, parts: Parts) -> WorkerRow:
        shown = connection.headers.get("authorization", "")
        return await retry_while_busy(
            lambda: parts.credentials.check(shown), parts.settings.sign_on_wait_s
        )


the_worker = WorkerAuth()
Worker = Annotated[WorkerRow, Security(the_worker)]


async def worker_of(websocket: WebSocket) -> str | None:
    """Return the id of the worker that opens this WebSocket; None if its credentials are wrong."""
    worker = await _worker_row(websocket)
    return None if worker is None else worker.id


async def admitted_worker_of(websocket: WebSocket) -> str | None:
    """Return the id of the worker that opens this WebSocket, if it need not wait to be let in."""
    worker = await _worker_row(websocket)
    return None if worker is None or worker.is_waiting else worker.id


async def _worker_row(websocket: WebSocket) -> WorkerRow | None:
    parts: ManagerParts = websocket.app.state.parts
    try:
        return await parts.credentials.check(websocket.headers.get("authorization", ""))
    except NotAuthorized:
        return None


async def _caller(connection: HTTPConnection, parts: Parts) -> Identity:
    try:
        return await identify(connection, parts)
    except NotAuthenticated as refusal:
        if connection.scope["type"] == "websocket":
            raise WebSocketException(_POLICY_VIOLATION, str(refusal)) from refusal
        raise


async def identify(connection: HTTPConnection, parts: ManagerParts) -> Identity:
    """Return who makes this request.

    Raises:
        NotAuthenticated: the request shows a token that does not count, or a page of another site
            makes it with a person's cookie.
    """
    token = shown_token(connection)
    if token:
        return await _of_token(token, connection, parts)
    if path_token := connection.scope.get(PATH_TOKEN):
        found = await parts.identities.of_token(path_token)
        if found is None:
            raise NotAuthenticated("the token in the address does not count")
        return _submitter(found)
    if cookie := session_cookie(connection):
        found = await parts.identities.of_session(cookie)
        if found is not None:
            _check_own_page(connection, parts)
            return found
    if parts.settings.lets_this_machine_in and acts_as_this_machine(connection):
        return _MACHINE
    if _is_in(connection, parts.settings.legacy_networks):
        return _NETWORK
    return NOBODY


Caller = Annotated[Identity, Depends(_caller)]


class Needs:
    """A check of a route: the caller needs one of these permissions."""

    def __init__(self, *any_of: Permission) -> None:
        self.any_of = any_of

    async def __call__(self, connection: HTTPConnection, caller: Caller, parts: Parts) -> None:
        entry = begin_entry(connection, caller)
        if not caller.may(*self.any_of):
            _refuse(connection, parts, entry, _why_not(caller, self.any_of))


class NeedsJob:
    """A check of a route that changes a job or a task: the caller's own, or any.

    The path has a `job_id` or a `task_id`. A job that does not exist is the route's to refuse.
    """

    any_of = (Permission.OWN_JOBS, Permission.ALL_JOBS)

    async def __call__(self, connection: HTTPConnection, caller: Caller, parts: Parts) -> None:
        entry = begin_entry(connection, caller)
        if caller.may(Permission.ALL_JOBS):
            return
        if not caller.may(Permission.OWN_JOBS):
            _refuse(connection, parts, entry, _why_not(caller, self.any_of))
        async with parts.database.reading() as session:
            owner = await owner_store.owner(session, **_job_or_task(connection))
        if not caller.owns(owner):
            _refuse(connection, parts, entry, Forbidden("this job is not yours"))


class Public:
    """The decision that everybody may call a route."""

    any_of: tuple[Permission, ...] = ()

    async def __call__(self) -> None: ...


class Join:
    """The decision how a worker may register: at once, with a join token, or to wait."""

    any_of = (Permission.REGISTER,)

    async def __call__(self, connection: HTTPConnection, parts: Parts) -> HowToJoin:
        token = shown_token(connection)
        if looks_like_join_token(token):
            return HowToJoin(is_waiting=False, join_token=token)
        caller = await identify(connection, parts)
        begin_entry(connection, caller)
        return HowToJoin(is_waiting=not caller.may(Permission.REGISTER))


joining = Join()
Joining = Annotated[HowToJoin, Depends(joining)]
public = Public()
needs_job = NeedsJob()
Anybody = Depends(public)
Reading = Depends(Needs(Permission.READ))
Submitting = Depends(Needs(Permission.SUBMIT))
#: What a submission reads; a token that may only submit needs it, too.
ForSubmission = Depends(Needs(Permission.READ, Permission.SUBMIT))
ChangingJob = Depends(needs_job)
ChangingJobs = Depends(Needs(Permission.ALL_JOBS))
ChangingWorkers = Depends(Needs(Permission.WORKERS))
Administering = Depends(Needs(Permission.ADMIN))


def _why_not(caller: Identity, any_of: tuple[Permission, ...]) -> FarmError:
    if caller.kind is Kind.NOBODY:
        return NotAuthenticated("log in, or send a token")
    words = " or ".join(f'"{each}"' for each in any_of)
    return Forbidden(f"{caller.name} may not do this; it needs the permission {words}")


def _refuse(
    connection: HTTPConnection, parts: ManagerParts, entry: trail.Entry, refusal: FarmError
) -> None:
    parts.refusals.count(entry, str(refusal)[:255])
    if connection.scope["type"] == "websocket":
        raise WebSocketException(_POLICY_VIOLATION, str(refusal))
    raise refusal


def begin_entry(connection: HTTPConnection, caller: Identity) -> trail.Entry:
    """Fill in the audit's entry of this request; return one that is not stored for a reading."""
    scope = connection.scope
    entry = trail.current() or trail.Entry()
    entry.caller = caller
    entry.address = connection.client.host if connection.client else ""
    entry.target = " ".join(str(each) for each in connection.path_params.values())[:1000]
    route = scope["route"]
    entry.action = getattr(route, "operation_id", None) or route.name
    return entry


def _job_or_task(connection: HTTPConnection) -> dict[str, str]:
    return {
        name: value.lower()
        for name in ("job_id", "task_id")
        if is_uuid(value := str(connection.path_params.get(name, "")))
    }


async def _of_token(token: str, connection: HTTPConnection, parts: ManagerParts) -> Identity:
    if calls_from_this_machine(connection) and parts.identities.local.is_token(token):
        return local_admin(Via.LOCAL_TOKEN)
    found = await parts.identities.of_token(token)
    if found is None:
        raise NotAuthenticated("this token does not count: it is unknown, expired or removed")
    return found


def shown_token(connection: HTTPConnection) -> str:
    """Return the token of the header `Authorization`; empty if it has none.

    It may also be the user or the password of HTTP Basic authentication: that is what programs send
    for `http://TOKEN@manager`.
    """
    scheme, _, rest = connection.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            try:
                user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
            except (binascii.Error, ValueError):
                return ""
            return next((each for each in (user, password) if each.startswith("tablao_")), "")
    return ""


def _submitter(identity: Identity) -> Identity:
    """Limit a token in the address to submissions, since addresses are in logs and histories."""
    return Identity(
        kind=identity.kind,
        id=identity.id,
        name=identity.name,
        role=identity.role,
        permissions=identity.permissions & {Permission.SUBMIT},
        via=Via.PATH,
        credential=identity.credential,
    )


def _check_own_page(connection: HTTPConnection, parts: ManagerParts) -> None:
    """Check that a page of ours sends the cookie, where the request may change something."""
    scope = connection.scope
    changes = scope["type"] == "websocket" or scope["method"] not in HARMLESS
    origin = parts.settings.public_origin
    if changes and not says_it_is_of_own_page(connection.headers, origin):
        raise NotAuthenticated("only pages of this manager may use a login")


async def may_reach_temporal(websocket: WebSocket) -> bool:
    """Return whether a client that is no worker may do everything in Temporal.

    Callers with the permission `temporal` may: a client that signals workflows commands the farm.
    """
    parts: ManagerParts = websocket.app.state.parts
    # A worker that was not let in, or whose secret is void, is not this machine's user.
    if "authorization" in websocket.headers and not shown_token(websocket):
        return False
    try:
        caller = await identify(websocket, parts)
    except NotAuthenticated:
        return False
    entry = begin_entry(websocket, caller)
    if not caller.may(Permission.TEMPORAL):
        parts.refusals.count(entry, str(_why_not(caller, (Permission.TEMPORAL,)))[:255])
        return False
    async with parts.database.writing() as session:
        session.add(entry.row(utc_now()))
    return True


async def close_when_revoked(
    websocket: WebSocket, parts: ManagerParts, *any_of: Permission
) -> None:
    """Close an open WebSocket when its caller may not use it any more, and return."""
    may = True
    while may:
        await asyncio.sleep(_LOOK_AGAIN_S)
        # A database that is away is not the caller's fault.
        with contextlib.suppress(DatabaseBusy):
            may = await _still_may(websocket, parts, *any_of)
    await websocket.close(LOG_IN_AGAIN, "log in again")


async def close_tunnel_when_revoked(websocket: WebSocket) -> None:
    """Close a person's tunnel to Temporal when the person may not use it any more, and return."""
    await close_when_revoked(websocket, websocket.app.state.parts, Permission.TEMPORAL)


async def _still_may(websocket: WebSocket, parts: ManagerParts, *any_of: Permission) -> bool:
    try:
        return (await identify(websocket, parts)).may(*any_of)
    except NotAuthenticated:
        return False


def calls_from_this_machine(connection: HTTPConnection) -> bool:
    """Return whether the client runs on this machine."""
    try:
        return connection.client is not None and _loopback(connection.client.host)
    except ValueError:
        return False


def acts_as_this_machine(connection: HTTPConnection) -> bool:
    """Return whether a client on this machine asks for itself, by a name of this machine.

    Refuse proxies, which name the client that they ask for, and pages of other sites that reach
    this machine through a foreign name.
    """
    headers = connection.headers
    is_for_another = any(name in headers for name in ("forwarded", "x-forwarded-for"))
    is_by_name = _is_this_machine(headers.get("host", ""))
    return calls_from_this_machine(connection) and is_by_name and not is_for_another


def _is_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        # A name with a dot at its end is complete: the machine's domain is not added to it.
        return name.removesuffix(".") == "localhost" or _loopback(name)
    except ValueError:
        return False


def _loopback(address: str) -> bool:
    return _plain(address).is_loopback


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    ip = ipaddress.ip_address(address)
    # A socket for both kinds of address shows IPv4 callers as ::ffff:127.0.0.1.
    return getattr(ip, "ipv4_mapped", None) or ip


def _is_in(connection: HTTPConnection, networks: tuple[Any, ...]) -> bool:
    if not networks or connection.client is None:
        return False
    try:
        address = _plain(connection.client.host)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(each) for each in networks)


async def no_foreign_page(connection: HTTPConnection, parts: Parts) -> None:
    """Refuse a GET that a page of another site makes, because it does more than answer.

    Raises:
        Forbidden: the browser says so.
    """
    if comes_from_foreign_page(connection.headers, parts.settings.public_origin):
        raise Forbidden("requests from pages of other sites are refused")


NoForeignPage = Depends(no_foreign_page)
