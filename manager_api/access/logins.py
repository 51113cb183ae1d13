"""Logs people in and out: passwords, one-time links, sessions of browsers."""

import secrets
from dataclasses import dataclass
from uuid import uuid4

from manager_api.access import store
from manager_api.access.identities import LONGEST_SESSION, Identities, of_session
from manager_api.access.passwords import Passwords, TryLimit
from manager_api.access.secrets import digest
from manager_api.contract.access import BrowserSession, BrowserSessions
from manager_api.contract.errors import BadRequest, NotAuthenticated, NotFound
from manager_api.database import trail
from manager_api.database.engine import Database, Session, utc_now
from manager_api.database.tables import AccountRow, SessionRow
from workflows.domain.access import Identity, Via

_BYTES = 32
_LONGEST_AGENT = 500


@dataclass(frozen=True, slots=True)
class Ended:
    """A session that has ended."""

    issuer: str | None
    """The OpenID provider by which it began; None: it began here."""
    sealed_id_token: str | None


class Logins:
    """Args: database; identities, which forget what ends here; passwords."""

    def __init__(self, database: Database, identities: Identities, passwords: Passwords) -> None:
        self._database = database
        self._identities = identities
        self._passwords = passwords
        self._tries = TryLimit()

    async def with_password(self, name: str, password: str, address: str, agent: str) -> str:
        """Return the cookie of a new session.

        Raises:
            NotAuthenticated: the name or the password is wrong, or the account is disabled.
            TooManyTries: see `TryLimit`.
        """
        name = name.strip().lower()
        async with self._database.reading() as session:
            row = await store.account_named(session, name)
        self._tries.begin(name, address)
        fits = await self._passwords.fits(password, row.password_hash if row else None)
        if row is None or not fits or row.is_disabled:
            raise _wrong()
        self._tries.right(name, address)
        return await self._begin(row, address, agent)

    async def with_link(self, code: str, address: str, agent: str) -> str:
        """Return the cookie of a new session of the manager's own user.

        Raises:
            NotAuthenticated: the link was used, is too old, or never was.
        """
        if not self._identities.local.take_link(code):
            raise NotAuthenticated(
                "this link was used already, or is too old; `tablao login-link` makes a new one"
            )
        return await self._begin(None, address, agent)

    async def _begin(self, account: AccountRow | None, address: str, agent: str) -> str:
        cookie = new_cookie()
        row = new_session(account.id if account else None, cookie, address, agent)
        if entry := trail.current():
            entry.caller = of_session(account, row.id)
        async with self._database.writing() as session:
            if account is not None:
                (await _unchanged(session, account)).last_login = row.created
            session.add(row)
        self._identities.forget()
        return cookie

    async def log_out(self, caller: Identity) -> Ended:
        """End the session that the caller shows."""
        async with self._database.writing() as session:
            row = await session.get(SessionRow, caller.credential)
            account = await session.get(AccountRow, caller.id) if caller.id else None
            await store.end_session(session, caller.credential)
        self._identities.forget()
        return Ended(account.issuer if account else None, row.sealed_id_token if row else None)

    async def sessions(self, caller: Identity) -> BrowserSessions:
        async with self._database.reading() as session:
            rows = await store.sessions_of(session, caller.id or None)
        return BrowserSessions(sessions=[_answer(row, caller) for row in rows])

    async def end(self, session_id: str, caller: Identity) -> None:
        """End one of the caller's own sessions.

        Raises:
            NotFound: it has no such session.
        """
        async with self._database.writing() as session:
            own = await store.sessions_of(session, caller.id or None)
            if session_id not in {row.id for row in own}:
                raise NotFound(f'no such session "{session_id}"')
            await store.end_session(session, session_id)
        self._identities.forget()

    async def change_password(self, caller: Identity, old: str, new: str, address: str) -> None:
        """Change the caller's password, and end its other sessions.

        Raises:
            BadRequest: the caller has no password, or the old one is wrong.
            TooManyTries: see `TryLimit`.
        """
        async with self._database.reading() as session:
            row = await store.existing_account(session, caller.id) if caller.id else None
        if row is None or row.password_hash is None:
            raise BadRequest("this account has no password")
        self._tries.begin(caller.name, address)
        if not await self._passwords.fits(old, row.password_hash):
            raise BadRequest("the old password is wrong")
        self._tries.right(caller.name, address)
        hashed = await self._passwords.hashed(new)
        trail.note(None, {"password": "changed"})
        async with self._database.writing() as session:
            (await store.existing_account(session, caller.id)).password_hash = hashed
            for each in await store.sessions_of(session, caller.id):
                if each.id != caller.credential:
                    await store.end_session(session, each.id)
        self._identities.forget()


def new_cookie() -> str:
    return secrets.token_urlsafe(_BYTES)


def new_session(account_id: str | None, cookie: str, address: str, agent: str) -> SessionRow:
    now = utc_now()
    return SessionRow(
        id=str(uuid4()),
        secret_hash=digest(cookie),
        account_id=account_id,
        address=address,
        agent=agent[:_LONGEST_AGENT],
        created=now,
        last_used=now,
        expires=now + LONGEST_SESSION,
    )


async def _unchanged(session: Session, known: AccountRow) -> AccountRow:
    """Return the account, if it is still as it was when the password was looked at.

    Raises:
        NotAuthenticated: since then its password was changed, or it was disabled or removed. That
            has ended its sessions, and this one would have come too late for it.
    """
    row = await store.account_for_change(session, known.id)
    if row is None or row.is_disabled or row.password_hash != known.password_hash:
        raise _wrong()
    return row


def _wrong() -> NotAuthenticated:
    return NotAuthenticated("the name or the password is wrong")


def _answer(row: SessionRow, caller: Identity) -> BrowserSession:
    return BrowserSession(
        id=row.id,
        address=row.address,
        agent=row.agent,
        created=row.created,
        last_used=row.last_used,
        expires=row.expires,
        is_this=caller.via is Via.SESSION and row.id == caller.credential,
    )
