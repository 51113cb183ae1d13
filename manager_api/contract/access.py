"""Our interface: logins, accounts, tokens, join tokens, and the audit."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from manager_api.contract.base import Answer, Integer, Line, Request
from workflows.domain.access import Kind, Permission, Role, Via

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9])?")


def _name(text: str) -> str:
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise ValueError(
            "an account's name has 1 to 64 letters a to z, digits and . _ @ + -, "
            "and begins and ends with a letter or digit"
        )
    return name


def _title(text: str) -> str:
    if not text.strip() or len(text.splitlines()) > 1:
        raise ValueError("a name of one line is needed")
    return text.strip()


AccountName = Annotated[str, Field(max_length=80), AfterValidator(_name)]
Title = Annotated[str, Field(max_length=255), AfterValidator(_title)]
NewPassword = Annotated[str, Field(min_length=10, max_length=256)]
TriedPassword = Annotated[str, Field(max_length=256)]
ARole = Annotated[Role, Field(strict=False)]
AScope = Annotated[Permission, Field(strict=False)]
Scopes = Annotated[list[AScope], Field(min_length=1, max_length=len(Permission))]


class Me(Answer):
    """Who the caller is, and what it may do."""

    kind: Kind
    id: str
    name: str
    role: Role | None = None
    permissions: list[Permission]
    via: Via
    credential: str
    """The id of the session or the token that the request shows; empty without one."""
    can_log_in: bool
    """Whether a password or a link makes more of this caller."""
    has_password: bool


class LoginWays(Answer):
    """How people can log in, besides with a password."""

    provider: str
    """The words of the button for the studio's own login; empty: there is none."""


class LoggedOut(Answer):
    continue_at: str
    """Where the browser goes to log out of the studio's own login, too; empty: nowhere."""


class LoginRequest(Request):
    name: Annotated[str, Field(max_length=80)]
    password: TriedPassword


class LinkLogin(Request):
    code: Annotated[str, Field(max_length=128)]
    """The code of a one-time link."""


class LoginLink(Answer):
    code: str
    path: str
    """The page, below the manager's address, that logs in with this code."""


class PasswordChange(Request):
    old: TriedPassword
    new: NewPassword


class BrowserSession(Answer):
    id: str
    address: str
    agent: str
    created: datetime
    last_used: datetime
    expires: datetime
    is_this: bool
    """Whether the request came with this session."""


class BrowserSessions(Answer):
    sessions: list[BrowserSession]


class Token(Answer):
    id: str
    name: str
    scopes: list[Permission]
    created: datetime
    expires: datetime | None = None
    last_used: datetime | None = None


class Tokens(Answer):
    tokens: list[Token]


class TokenRequest(Request):
    name: Title
    scopes: Scopes
    days: Annotated[Integer, Field(ge=1, le=3650)] | None = None
    """For how many days it counts; null: until it is removed."""


class NewToken(Answer):
    token: Token
    secret: str
    """Shown once; the manager keeps only a digest of it."""


class Account(Answer):
    id: str
    name: str
    kind: Kind
    role: Role
    is_disabled: bool
    has_password: bool
    issuer: str | None = None
    """The OpenID provider that decides about this person; unset: it is decided here."""
    has_lost_role: bool
    """Whether that provider's groups gave the person no role, so that it is locked out."""
    created: datetime
    last_login: datetime | None = None


class Accounts(Answer):
    accounts: list[Account]


class AccountRequest(Request):
    name: AccountName
    role: ARole
    is_service: bool = False
    """A service has no password, only tokens."""
    password: NewPassword | None = None


class AccountChange(Request):
    role: ARole | None = None
    is_disabled: bool | None = None
    password: NewPassword | None = None


class JoinToken(Answer):
    id: str
    name: str
    tag_ids: list[str]
    uses_left: int
    created: datetime
    expires: datetime


class JoinTokens(Answer):
    join_tokens: list[JoinToken]


class JoinTokenRequest(Request):
    name: Title
    tag_ids: Annotated[list[Line], Field(max_length=100)] = Field(default_factory=list)
    uses: Annotated[Integer, Field(ge=1, le=10_000)] = 1
    hours: Annotated[Integer, Field(ge=1, le=8_760)] = 24


class NewJoinToken(Answer):
    join_token: JoinToken
    secret: str
    """Shown once; the manager keeps only a digest of it."""
    pin: str
    """The pin by which hosts know the manager; empty if its certificate is of another authority
    than the farm's own, or if it has none."""


class AuditEntry(Answer):
    id: int
    happened: datetime
    kind: Kind
    account_id: str
    name: str
    via: Via
    address: str
    action: str
    target: str
    """The ids in the request's path."""
    target_name: str
    """What the target was called when it happened; empty if it has no name."""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    outcome: str
    times: int


class Audit(Answer):
    entries: list[AuditEntry]
    """The newest first."""
    has_more: bool
