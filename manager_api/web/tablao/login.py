"""Logging in and out, and the caller's own account: sessions, tokens, password."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from manager_api.contract.access import (
    BrowserSessions,
    LinkLogin,
    LoggedOut,
    LoginLink,
    LoginRequest,
    LoginWays,
    Me,
    NewToken,
    PasswordChange,
    TokenRequest,
    Tokens,
)
from manager_api.contract.errors import Forbidden, NotAuthenticated, TooMany
from manager_api.web.auth import (
    Administering,
    Anybody,
    Caller,
    ChangingOwn,
    Reading,
    begin_entry,
)
from manager_api.web.cookies import remove_session_cookie, session_cookie, set_session_cookie
from manager_api.web.dependencies import AccountsOfFarm, Parts
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import Address, OurAddress, SessionId, TokenId
from manager_api.web.responses import ERROR, refusal
from workflows.domain.access import NOBODY, Identity, Permission, Via

router = APIRouter(route_class=JsonRoute, prefix="/api/tablao/v1", tags=["access"], responses=ERROR)

Agent = Annotated[str, Header(alias="user-agent", include_in_schema=False)]
_WRONG = refusal(401, "The credentials are wrong") | refusal(429)


@router.get("/me", operation_id="getMe", dependencies=[Anybody])
async def get_me(caller: Caller) -> Me:
    """Return who the caller is, and what it may do. Nobody has no permissions."""
    return _me(caller)


@router.post("/login", operation_id="logIn", dependencies=[Anybody], responses=_WRONG)
async def log_in(
    asked: LoginRequest,
    request: Request,
    response: Response,
    parts: Parts,
    address: Address,
    agent: Agent = "",
) -> Me:
    """Begin a session, which the answer's cookie carries."""
    entry = begin_entry(request, Identity(name=asked.name[:80], via=Via.NOTHING))
    try:
        cookie = await parts.logins.with_password(asked.name, asked.password, address, agent)
    except (NotAuthenticated, TooMany) as refused:
        parts.refusals.count(entry, str(refused))
        raise
    return await _begun(cookie, request, response, parts)


@router.post("/login/link", operation_id="logInWithLink", dependencies=[Anybody], responses=_WRONG)
async def log_in_with_link(
    asked: LinkLogin,
    request: Request,
    response: Response,
    parts: Parts,
    address: Address,
    agent: Agent = "",
) -> Me:
    """Begin a session of the manager's own user, with a link from its terminal."""
    entry = begin_entry(request, NOBODY)
    try:
        cookie = await parts.logins.with_link(asked.code, address, agent)
    except NotAuthenticated as refused:
        parts.refusals.count(entry, str(refused))
        raise
    return await _begun(cookie, request, response, parts)


@router.post("/login-links", operation_id="createLoginLink", dependencies=[Administering])
async def create_login_link(caller: Caller, parts: Parts) -> LoginLink:
    """Make a one-time link that logs in as the manager's own user; only that user may."""
    if caller.via is not Via.LOCAL_TOKEN:
        raise Forbidden("only the manager's own user makes links, with `tablao login-link`")
    code = parts.identities.local.new_link()
    return LoginLink(code=code, path=f"/app/login#link={code}")


@router.get("/login", operation_id="getLoginWays", dependencies=[Anybody])
async def get_login_ways(parts: Parts) -> LoginWays:
    return LoginWays(provider=parts.oidc.button)


@router.post("/logout", operation_id="logOut", dependencies=[Anybody])
async def log_out(
    caller: Caller, request: Request, response: Response, parts: Parts, ours: OurAddress
) -> LoggedOut:
    """End the session, and say where the browser logs out of the studio's own login, too."""
    remove_session_cookie(response, request)
    if caller.via is not Via.SESSION:
        return LoggedOut(continue_at="")
    begin_entry(request, caller)
    ended = await parts.logins.log_out(caller)
    cookie = session_cookie(request)
    there = await parts.oidc.logout_address(ended, cookie, f"{ours}/app/login")
    return LoggedOut(continue_at=there)


@router.put(
    "/me/password", operation_id="changePassword", dependencies=[ChangingOwn], status_code=204
)
async def change_password(
    asked: PasswordChange, caller: Caller, parts: Parts, address: Address
) -> None:
    """Change the caller's password. Its other sessions end."""
    await parts.logins.change_password(caller, asked.old, asked.new, address)


@router.get("/me/sessions", operation_id="getMySessions", dependencies=[Reading])
async def get_my_sessions(caller: Caller, parts: Parts) -> BrowserSessions:
    _check_account(caller)
    return await parts.logins.sessions(caller)


@router.delete(
    "/me/sessions/{session_id}",
    operation_id="endMySession",
    dependencies=[ChangingOwn],
    status_code=204,
)
async def end_my_session(session_id: SessionId, caller: Caller, parts: Parts) -> None:
    """End a session of the caller. A token ends none."""
    _check_account(caller)
    await parts.logins.end(session_id, caller)


@router.get("/me/tokens", operation_id="getMyTokens", dependencies=[Reading])
async def get_my_tokens(caller: Caller, accounts: AccountsOfFarm) -> Tokens:
    return await accounts.tokens(_own_account(caller))


@router.post(
    "/me/tokens", operation_id="createMyToken", dependencies=[ChangingOwn], status_code=201
)
async def create_my_token(
    asked: TokenRequest, caller: Caller, accounts: AccountsOfFarm
) -> NewToken:
    """Make a token that may do what the caller may, within the scopes. It is shown once.

    A token makes no other tokens: they could outlive it.
    """
    return await accounts.create_token(_own_account(caller), asked, caller)


@router.delete(
    "/me/tokens/{token_id}", operation_id="removeMyToken", dependencies=[Reading], status_code=204
)
async def remove_my_token(token_id: TokenId, caller: Caller, accounts: AccountsOfFarm) -> None:
    """Remove a token of the caller. A token removes none but itself."""
    await accounts.remove_token(_own_account(caller), token_id, caller)


async def _begun(cookie: str, request: Request, response: Response, parts: Parts) -> Me:
    set_session_cookie(response, request, cookie)
    caller = await parts.identities.of_session(cookie)
    if caller is None:
        raise NotAuthenticated("the account was disabled just now")
    return _me(caller)


def _check_account(caller: Identity) -> None:
    """Check that the caller is a person whose sessions are its own.

    Raises:
        Forbidden: it shows no credentials of a person.
    """
    if not caller.id and caller.via not in (Via.SESSION, Via.LOCAL_TOKEN):
        raise Forbidden(f"{caller.name} has no account")


def _own_account(caller: Identity) -> str:
    if not caller.id:
        raise Forbidden(f"{caller.name} has no account; make one under Users")
    return caller.id


def _me(caller: Identity) -> Me:
    return Me(
        kind=caller.kind,
        id=caller.id,
        name=caller.name,
        role=caller.role,
        permissions=[each for each in Permission if each in caller.permissions],
        via=caller.via,
        credential=caller.credential,
        can_log_in=caller.via in (Via.NOTHING, Via.LOOPBACK, Via.NETWORK),
        has_password=caller.has_password,
    )
