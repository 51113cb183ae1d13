"""The way of a browser to the OpenID provider and back, and the provider's word that it is over.

What is refused leads to the login page with a word of ours, for which the page has a sentence.
"""

import logging
from typing import Annotated
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from manager_api.database import trail
from manager_api.database.engine import DatabaseBusy
from manager_api.oidc.back_channel import BackChannel
from manager_api.oidc.refusals import NotLoggedIn, WhyNot
from manager_api.oidc.service import Answered
from manager_api.web.auth import Anybody, NoForeignPage, begin_entry
from manager_api.web.cookies import (
    login_cookie,
    set_login_cookie,
    set_session_cookie,
)
from manager_api.web.dependencies import ManagerParts, Parts
from manager_api.web.parameters import Address, OurAddress
from workflows.domain.access import NOBODY, Identity, Kind, Via

router = APIRouter(
    prefix="/api/tablao/v1/login/oidc", dependencies=[Anybody], include_in_schema=False
)

logger = logging.getLogger(__name__)

Agent = Annotated[str, Header(alias="user-agent", include_in_schema=False)]
_LARGEST_LOGOUT = 128 * 1024
_NOT_KEPT = {"cache-control": "no-store"}


@router.get("", operation_id="beginOidcLogin", dependencies=[NoForeignPage])
async def begin_oidc_login(
    request: Request, parts: Parts, address: Address, ours: OurAddress, to: str = "/"
) -> RedirectResponse:
    """Send the browser to the provider; `to` is the page of the dashboard that it wanted."""
    entry = begin_entry(request, NOBODY)
    back = f"{ours}{router.prefix}/callback"
    try:
        begun = await parts.oidc.begin(to, back, address, login_cookie(request))
    except (NotLoggedIn, DatabaseBusy) as refused:
        return _to_login_page(parts, refused, entry, to)
    response = RedirectResponse(begun.address, 303, _NOT_KEPT)
    set_login_cookie(response, request, begun.cookie)
    return response


@router.get("/callback", operation_id="finishOidcLogin")
async def finish_oidc_login(
    request: Request,
    parts: Parts,
    state: str = "",
    code: str = "",
    error: str = "",
    iss: Annotated[str, Query(alias="iss")] = "",
    agent: Agent = "",
) -> RedirectResponse:
    """Begin a session, if the provider says who the person is."""
    entry = begin_entry(request, NOBODY)
    answer = Answered(state, code, error, iss)
    try:
        done = await parts.oidc.finish(answer, login_cookie(request), agent, entry)
    except (NotLoggedIn, DatabaseBusy) as refused:
        return _to_login_page(parts, refused, entry, "/")
    page = f"{parts.settings.public_path}/app{done.wanted}"
    response = RedirectResponse(page, 303, _NOT_KEPT)
    set_session_cookie(response, request, done.cookie)
    return response


@router.post("/back-channel-logout", operation_id="logOutByProvider")
async def log_out_by_provider(request: Request, parts: Parts) -> Response:
    """End the sessions that a logout token of the provider names."""
    entry = begin_entry(request, Identity(via=Via.OIDC))
    try:
        token = _logout_token(await request.body())
        channel = BackChannel(parts.database, parts.identities, parts.oidc.provider)
        await channel.log_out(token)
    except NotLoggedIn as refused:
        parts.refusals.count(entry, _short(refused))
        status = 503 if refused.why is WhyNot.AWAY else 400
        return JSONResponse({"error": "invalid_request"}, status, _NOT_KEPT)
    return Response(headers=_NOT_KEPT)


def _logout_token(body: bytes) -> str:
    if len(body) > _LARGEST_LOGOUT:
        raise NotLoggedIn(WhyNot.WRONG, "the logout token is too long")
    try:
        found = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=10)
    except ValueError:
        found = {}
    if len(tokens := found.get("logout_token", [])) != 1:
        raise NotLoggedIn(WhyNot.WRONG, "the request has no logout token")
    return tokens[0]


def _to_login_page(
    parts: ManagerParts, problem: NotLoggedIn | DatabaseBusy, entry: trail.Entry, to: str
) -> RedirectResponse:
    if isinstance(problem, NotLoggedIn):
        refused = problem
    else:
        refused = NotLoggedIn(WhyNot.BUSY, f"the database is busy: {problem}")
    entry.caller = Identity(kind=Kind.NOBODY, name=refused.name, via=Via.OIDC)
    parts.refusals.count(entry, _short(refused))
    if refused.why in (WhyNot.AWAY, WhyNot.WRONG):
        logger.warning("a login by the OpenID provider failed", extra={"reason": str(refused)})
    asked = {"refused": refused.why} | ({} if to == "/" else {"to": to})
    page = f"{parts.settings.public_path}/app/login?{urlencode(asked)}"
    return RedirectResponse(page, 303, _NOT_KEPT)


def _short(refused: NotLoggedIn) -> str:
    return str(refused)[:255]
