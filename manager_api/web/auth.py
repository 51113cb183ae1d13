"""Decides what a caller may do. Each route names one of these checks.

docs/access.md has the table of all routes, which a test makes from them. Workers prove themselves
with the secret of their registration, and are no identities: they have routes of their own.
"""

import asyncio
import contextlib
from typing import Annotated, NoReturn

from fastapi import Depends, Security, WebSocket, WebSocketException
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.types import Scope

from manager_api.access.join_tokens import looks_like_join_token
from manager_api.access.target_names import name_of_target
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
from manager_api.web.callers import identify, shown_token
from manager_api.web.dependencies import ManagerParts, Parts
from manager_api.web.outer_checks import comes_from_foreign_page
from manager_api.web.parameters import is_uuid
from manager_api.workers.service import HowToJoin
from workflows.domain.access import NOBODY, Identity, Kind, Permission, Via, why_not

_POLICY_VIOLATION = 1008
#: The close code for a caller whose login or token was revoked.
LOG_IN_AGAIN = 4401
#: How often it is looked whether the caller of an open WebSocket still may use it, in seconds.
_LOOK_AGAIN_S = 2.0
#: Who registers a worker with a join token, for the audit.
_JOINING = Identity(name="a join token")


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


async def is_known(scope: Scope) -> bool:
    """Return whether a request is from a caller with rights, or from a worker.

    While the database does not answer, every sender counts: the check of the route refuses it.
    """
    connection = HTTPConnection(scope)
    parts: ManagerParts = connection.app.state.parts
    try:
        with contextlib.suppress(NotAuthenticated):
            if (await identify(connection, parts)).permissions:
                return True
        await the_worker(connection, parts)
    except NotAuthorized:
        return False
    except DatabaseBusy:
        pass
    return True


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
        _refuse(connection, parts, begin_entry(connection, NOBODY), refusal)


Caller = Annotated[Identity, Depends(_caller)]


class Needs:
    """A check of a route: the caller needs one of these permissions."""

    def __init__(self, *any_of: Permission) -> None:
        self.any_of = any_of

    async def __call__(self, connection: HTTPConnection, caller: Caller, parts: Parts) -> None:
        entry = begin_entry(connection, caller)
        if not caller.may(*self.any_of):
            _refuse(connection, parts, entry, _why_not(caller, self.any_of))
        await _name_target(connection, parts, entry)


class NeedsPerson(Needs):
    """A check of a route that changes what is the caller's own: its account, its views.

    A token is in scripts, files and other programs, which the person does not watch. So it changes
    none of these, whatever its scopes are.
    """

    async def __call__(self, connection: HTTPConnection, caller: Caller, parts: Parts) -> None:
        await super().__call__(connection, caller, parts)
        if caller.via is Via.TOKEN:
            entry = begin_entry(connection, caller)
            _refuse(
                connection, parts, entry, Forbidden("a token does not do this: log in for that")
            )


class NeedsJob:
    """A check of a route that changes a job or a task: the caller's own, or any.

    The path has a `job_id` or a `task_id`. A job that does not exist is the route's to refuse.
    """

    any_of = (Permission.OWN_JOBS, Permission.ALL_JOBS)

    async def __call__(self, connection: HTTPConnection, caller: Caller, parts: Parts) -> None:
        entry = begin_entry(connection, caller)
        if caller.may(*self.any_of):
            await _name_target(connection, parts, entry)
        if caller.may(Permission.ALL_JOBS):
            return
        if not caller.may(Permission.OWN_JOBS):
            _refuse(connection, parts, entry, _why_not(caller, self.any_of))
        async with parts.database.reading() as session:
            owner = await owner_store.owner(session, **_job_or_task(connection))
        if not caller.may_change_job(owner):
            needed = why_not(caller, (Permission.ALL_JOBS,))
            _refuse(connection, parts, entry, Forbidden(f"this job is not yours: {needed}"))


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
            begin_entry(connection, _JOINING)
            return HowToJoin(is_waiting=False, join_token=token)
        caller = await _caller(connection, parts)
        begin_entry(connection, caller)
        return HowToJoin(is_waiting=not caller.may(Permission.REGISTER))


joining = Join()
Joining = Annotated[HowToJoin, Depends(joining)]
public = Public()
needs_job = NeedsJob()
Anybody = Depends(public)
Reading = Depends(Needs(Permission.READ))
#: For what each person decides for itself, viewers included.
ChangingOwn = Depends(NeedsPerson(Permission.READ))
Submitting = Depends(Needs(Permission.SUBMIT))
#: What a submission reads; a token that may only submit needs it, too.
ForSubmission = Depends(Needs(Permission.READ, Permission.SUBMIT))
ChangingJob = Depends(needs_job)
ChangingJobs = Depends(Needs(Permission.ALL_JOBS))
#: A comment is for all who work with the farm, on each job and worker.
Commenting = Depends(Needs(Permission.OWN_JOBS, Permission.ALL_JOBS))
ChangingWorkers = Depends(Needs(Permission.WORKERS))
UsingTemporal = Depends(Needs(Permission.TEMPORAL))
Administering = Depends(Needs(Permission.ADMIN))


def _why_not(caller: Identity, any_of: tuple[Permission, ...]) -> FarmError:
    if caller.kind is Kind.NOBODY:
        return NotAuthenticated("log in, or send a token")
    return Forbidden(f"{caller.name} may not do this: {why_not(caller, any_of)}")


def _refuse(
    connection: HTTPConnection, parts: ManagerParts, entry: trail.Entry, refusal: FarmError
) -> NoReturn:
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


async def _name_target(connection: HTTPConnection, parts: ManagerParts, entry: trail.Entry) -> None:
    """Note what the target of a change is called, before it is deleted or gets another name."""
    if entry is not trail.current() or not connection.path_params:
        return
    with contextlib.suppress(DatabaseBusy):  # the route itself refuses then
        async with parts.database.reading() as session:
            entry.target_name = await name_of_target(session, connection.path_params)


def _job_or_task(connection: HTTPConnection) -> dict[str, str]:
    return {
        name: value.lower()
        for name in ("job_id", "task_id")
        if is_uuid(value := str(connection.path_params.get(name, "")))
    }


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
    """Close an open WebSocket when its caller may not use it any more, and return.

    Also when the caller becomes another one: without its session, a page on the manager's machine
    is that machine's. The page then asks who it is, and connects again.
    """
    first = now = await _caller_now(websocket, parts, NOBODY)
    while now == first and now.may(*any_of):
        await asyncio.sleep(_LOOK_AGAIN_S)
        now = await _caller_now(websocket, parts, now)
    await websocket.close(LOG_IN_AGAIN, "log in again")


async def close_tunnel_when_revoked(websocket: WebSocket) -> None:
    """Close a person's tunnel to Temporal when the person may not use it any more, and return."""
    await close_when_revoked(websocket, websocket.app.state.parts, Permission.TEMPORAL)


async def _caller_now(websocket: WebSocket, parts: ManagerParts, before: Identity) -> Identity:
    """Return who uses an open WebSocket; `before` while the database is away."""
    try:
        return await identify(websocket, parts)
    except NotAuthenticated:
        return NOBODY
    except DatabaseBusy:
        return before


async def no_foreign_page(connection: HTTPConnection, parts: Parts) -> None:
    """Refuse a GET that a page of another site makes, because it does more than answer.

    Raises:
        Forbidden: the browser says so.
    """
    if comes_from_foreign_page(connection.headers, parts.settings.public_origin):
        raise Forbidden("requests from pages of other sites are refused")


NoForeignPage = Depends(no_foreign_page)
