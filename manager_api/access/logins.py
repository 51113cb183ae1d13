"""Logs people in and out: passwords, one-time links, sessions of browsers."""

import secrets
from uuid import uuid4

from manager_api.access import store
from manager_api.access.identities import LONGEST_SESSION, Identities
from manager_api.access.passwords import Passwords, TryLimit
from manager_api.access.secrets import digest
from manager_api.contract.access import BrowserSession, BrowserSessions
from manager_api.contract.errors import BadRequest, Forbidden, NotAuthenticated, NotFound
from manager_api.database import trail
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import AccountRow, SessionRow
from workflows.domain.access import Identity, Via

_BYTES = 32
_LONGEST_AGENT = 500


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
            raise NotAuthenticated("the name or the password is wrong")
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
        cookie, now = secrets.token_urlsafe(_BYTES), utc_now()
        row = SessionRow(
            id=str(uuid4()),
            secret_hash=digest(cookie),
            account_id=account.id if account else None,
            address=address,
            agent=agent[:_LONGEST_AGENT],
            created=now,
            last_used=now,
            expires=now + LONGEST_SESSION,
        )
        async with self._database.writing() as session:
            session.add(row)
            if account is not None:
                (await store.existing_account(session, account.id)).last_login = now
        self._identities.forget()
        return cookie

    async def log_out(self, caller: Identity) -> None:
        """End the session that the caller shows."""
        async with self._database.writing() as session:
            await store.end_session(session, caller.credential)
        self._identities.forget()

    async def sessions(self, caller: Identity) -> BrowserSessions:
        async with self._database.reading() as session:
            rows = await store.sessions_of(session, caller.id or None)
        return BrowserSessions(sessions=[_answer(row, caller) for row in rows])

    async def end(self, session_id: str, caller: Identity) -> None:
        """End one of the caller's own sessions.

        Raises:
            NotFound: it has no such session.
            Forbidden: it shows a token, which is of use without any session.
        """
        async with self._database.writing() as session:
            own = await store.sessions_of(session, caller.id or None)
            if session_id not in {row.id for row in own}:
                raise NotFound(f'no such session "{session_id}"')
            if caller.via is Via.TOKEN:
                raise Forbidden("a token ends no sessions: log in with name and password")
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
