"""Ends sessions because the OpenID provider says so (OpenID Connect Back-Channel Logout 1.0)."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from manager_api.access import store as access_store
from manager_api.access.identities import Identities
from manager_api.access.secrets import digest
from manager_api.database import trail
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import SeenLogoutRow
from manager_api.oidc import store
from manager_api.oidc.provider import FROM_ANYWHERE_S, Provider
from manager_api.oidc.tokens import (
    LEEWAY_S,
    LOGOUT_S,
    LogoutClaims,
    WrongToken,
    checked_logout_token,
)
from workflows.domain.access import Identity, Kind, Via

#: A logout token is refused for its age after this time, so it need not be known for longer.
_KNOWN = timedelta(seconds=LOGOUT_S + 2 * LEEWAY_S)


class BackChannel:
    def __init__(
        self, database: Database, identities: Identities, provider: Callable[[], Provider]
    ) -> None:
        self._database = database
        self._identities = identities
        self._provider = provider

    async def log_out(self, logout_token: str) -> None:
        """End the sessions that a logout token names. There may be none.

        Raises:
            NotLoggedIn: the token is not valid, or came before.
        """
        provider = self._provider()
        settings = provider.settings
        claims = await provider.checked(
            lambda keys: checked_logout_token(
                logout_token, keys, issuer=settings.issuer, client_id=settings.client_id
            ),
            FROM_ANYWHERE_S,
        )
        try:
            await self._end_sessions(claims)
        except IntegrityError:
            raise WrongToken("the logout token came before") from None
        self._identities.forget()

    async def _end_sessions(self, claims: LogoutClaims) -> None:
        now = utc_now()
        async with self._database.writing() as session:
            await store.remove_old_logouts(session, now)
            seen = digest(f"{claims.iss} {claims.jti}")
            session.add(SeenLogoutRow(token_hash=seen, expires=now + _KNOWN))
            await session.flush()
            found = await store.sessions_at_provider(
                session, claims.iss, subject=claims.sub, provider_session=claims.sid
            )
            for row, account in found:
                _note_person(account.id, account.name)
                await access_store.end_session(session, row.id)
            trail.note({"sessions": len(found)}, {"sessions": 0})


def _note_person(account_id: str, name: str) -> None:
    entry = trail.current()
    if entry is not None:
        entry.caller = Identity(kind=Kind.PERSON, id=account_id, name=name, via=Via.OIDC)
