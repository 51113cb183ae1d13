"""Finds the identity that a session's cookie or a token stands for.

What was found is used for `KNOWN_S` without asking the database again, so what is revoked ends
within that time at every manager; at the manager that revokes it, at once.
"""

import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from manager_api.access import store
from manager_api.access.local_admin import LocalAdmin, local_admin
from manager_api.access.secrets import LONGEST, SecretKind, digest, looks_like
from manager_api.database.engine import Database, DatabaseBusy, utc_now
from manager_api.database.tables import AccountRow, SessionRow
from workflows.domain.access import Identity, Permission, Via, rights
from workflows.domain.bounded_dict import BoundedDict

#: In seconds.
KNOWN_S = 2.0
_REMEMBERED = 10_000
#: A session ends when it was not used for so long, or is so old.
IDLE = timedelta(days=7)
LONGEST_SESSION = timedelta(days=30)
#: How often it is stored that a session or a token is used.
_USED_EVERY = timedelta(minutes=1)

Found = tuple[float, Identity | None]


class Identities:
    """Args: database; the manager's own user; the OpenID provider that is set now, or empty."""

    def __init__(self, database: Database, local: LocalAdmin, issuer: Callable[[], str]) -> None:
        self.local = local
        self._database = database
        self._issuer = issuer
        self._known: BoundedDict[str, Found] = BoundedDict(_REMEMBERED)

    async def of_token(self, token: str) -> Identity | None:
        """Return the identity of a person's or a service's token; None if there is none."""
        if not looks_like(token, SecretKind.USER, SecretKind.SERVICE):
            return None
        return await self._remembered(digest(token), self._read_token)

    async def of_session(self, cookie: str) -> Identity | None:
        """Return the identity of a session's cookie; None if there is no such session."""
        if not cookie or len(cookie) > LONGEST:
            return None
        return await self._remembered(digest(cookie), self._read_session)

    def forget(self) -> None:
        """Ask the database again, because something was revoked or changed."""
        self._known.clear()

    async def _remembered(
        self, key: str, read: Callable[[str], Awaitable[Identity | None]]
    ) -> Identity | None:
        since, identity = self._known.get(key, (float("-inf"), None))
        if time.monotonic() - since < KNOWN_S:
            return identity
        began = time.monotonic()
        identity = await read(key)
        self._known.pop(key, None)
        self._known[key] = (began, identity)
        return identity

    async def _read_token(self, key: str) -> Identity | None:
        now = utc_now()
        async with self._database.reading() as session:
            found = await store.token_of(session, key)
        if found is None:
            return None
        token, account = found
        if self._is_out(account) or (token.expires is not None and token.expires <= now):
            return None
        if _is_due(token.last_used, now):
            # On a full disk, who may look goes on looking.
            with contextlib.suppress(DatabaseBusy):
                async with self._database.writing() as session:
                    await store.token_used(session, token.id, now)
        scopes = [Permission(each) for each in token.scopes]
        return _identity(account, Via.TOKEN, token.id, scopes)

    async def _read_session(self, key: str) -> Identity | None:
        now = utc_now()
        async with self._database.reading() as session:
            found = await store.session_of(session, key)
        if found is None or _is_over(found[0], now):
            return None
        row, account = found
        if account is not None and self._is_out(account):
            return None
        if _is_due(row.last_used, now):
            with contextlib.suppress(DatabaseBusy):
                async with self._database.writing() as session:
                    await store.session_used(session, row.id, now)
        return of_session(account, row.id)

    def _is_out(self, account: AccountRow) -> bool:
        # A provider that is not set any more cannot say that a person has left.
        is_foreign = account.issuer not in (None, self._issuer())
        return account.is_disabled or account.has_lost_role or is_foreign


def of_session(account: AccountRow | None, session_id: str) -> Identity:
    """Return whose session it is; without an account, it is the manager's own user's."""
    if account is None:
        return local_admin(Via.SESSION, session_id)
    return _identity(account, Via.SESSION, session_id, None)


def _identity(
    account: AccountRow, via: Via, credential: str, scopes: list[Permission] | None
) -> Identity:
    return Identity(
        kind=account.kind,
        id=account.id,
        name=account.name,
        role=account.role,
        permissions=rights(account.role, scopes),
        via=via,
        credential=credential,
        has_password=account.password_hash is not None,
    )


def _is_due(last: datetime | None, now: datetime) -> bool:
    return last is None or now - last > _USED_EVERY


def _is_over(row: SessionRow, now: datetime) -> bool:
    return row.expires <= now or now - row.last_used > IDLE
