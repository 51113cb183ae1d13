"""Logs people in and out by the OpenID provider of the studio.

What has begun is in the database, so any manager of the farm can finish it, once.
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from manager_api.access.identities import Identities
from manager_api.access.logins import Ended, new_cookie, new_session
from manager_api.access.secrets import digest
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import BegunLoginRow, SessionRow
from manager_api.database.trail import Entry
from manager_api.oidc import accounts, seal, store
from manager_api.oidc.people import groups_of, role_of
from manager_api.oidc.places import own_page
from manager_api.oidc.provider import FROM_PROVIDER_S, Provider
from manager_api.oidc.refusals import NotLoggedIn, WhyNot
from manager_api.oidc.tokens import WrongToken, checked_id_token
from manager_api.settings.addresses import counted_as
from manager_api.settings.sections import Oidc

#: How long a login may take at the provider.
LOGIN_TIME = timedelta(minutes=10)
_MOST_OF_ADDRESS = 100
_MOST = 5_000
_BYTES = 32
_LONGEST_CODE = 4096
#: How long a logout waits for the provider, in seconds.
_LOGOUT_S = 4.0


@dataclass(frozen=True, slots=True)
class Begun:
    address: str
    """Where the browser goes."""
    cookie: str
    """What binds the login to the browser."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the provider sends back through the browser."""

    state: str
    code: str = ""
    error: str = ""
    issuer: str = ""
    """RFC 9207; empty: the provider does not say."""


@dataclass(frozen=True, slots=True)
class Finished:
    cookie: str
    """The cookie of the new session."""
    wanted: str
    """The path in the dashboard to go to."""


class OidcLogins:
    """Args: database; identities, which forget what ends here; the settings in force."""

    def __init__(
        self,
        database: Database,
        identities: Identities,
        settings: Callable[[], Oidc],
    ) -> None:
        self._database = database
        self._identities = identities
        self._settings = settings
        self._provider: Provider | None = None

    @property
    def button(self) -> str:
        """The words of the login page's button; empty: there is no provider."""
        settings = self._settings()
        return settings.button if settings.issuer else ""

    def provider(self) -> Provider:
        """
        Raises:
            NotLoggedIn: no provider is set.
        """
        settings = self._settings()
        if not settings.issuer:
            raise NotLoggedIn(WhyNot.OFF, "no OpenID provider is set")
        if self._provider is None or self._provider.settings != settings:
            self._provider = Provider(settings)
        return self._provider

    async def begin(self, wanted: str, redirect_uri: str, address: str, cookie: str) -> Begun:
        """Begin a login.

        Args:
            wanted: the path in the dashboard to go to afterwards.
            redirect_uri: where the provider sends the browser back to.
            address: the client's.
            cookie: of a login that this browser has begun before, in another tab; or empty.

        Raises:
            NotLoggedIn: see `WhyNot`.
        """
        provider = self.provider()
        state = secrets.token_urlsafe(_BYTES)
        if len(cookie) != len(state):
            cookie = new_cookie()
        there = await provider.authorization_address(
            redirect_uri=redirect_uri,
            state=state,
            nonce=seal.nonce(cookie, state),
            verifier=seal.verifier(cookie, state),
        )
        now, of = utc_now(), counted_as(address)
        async with self._database.writing() as session:
            await store.remove_old_logins(session, now - LOGIN_TIME)
            await store.leave_room(session, of, _MOST_OF_ADDRESS)
            if await store.begun_logins(session) >= _MOST:
                raise NotLoggedIn(WhyNot.BUSY, "too many logins have begun")
            session.add(
                BegunLoginRow(
                    state_hash=digest(state),
                    browser_hash=digest(cookie),
                    issuer=provider.settings.issuer,
                    redirect_uri=redirect_uri,
                    wanted=own_page(wanted),
                    address=of,
                    begun=now,
                )
            )
        return Begun(there, cookie)

    async def finish(self, answer: Answered, cookie: str, agent: str, entry: Entry) -> Finished:
        """Finish a login, and begin a session.

        Args:
            answer: the provider's.
            cookie: the browser's, of `begin`.
            agent: what the browser says of itself.
            entry: the audit's, with the client's address.

        Raises:
            NotLoggedIn: see `WhyNot`.
        """
        provider = self.provider()
        begun = await self._taken(answer, cookie, provider.settings.issuer)
        document = await provider.document()
        says_issuer = document.authorization_response_iss_parameter_supported
        if (answer.issuer or says_issuer) and answer.issuer != provider.settings.issuer:
            raise WrongToken("the answer is of another provider")
        if answer.error or not 0 < len(answer.code) <= _LONGEST_CODE:
            raise NotLoggedIn(WhyNot.REFUSED, "the provider has refused, or the person turned back")
        tokens = await provider.exchanged(
            answer.code,
            redirect_uri=begun.redirect_uri,
            verifier=seal.verifier(cookie, answer.state),
        )
        claims = await self._checked(provider, tokens, seal.nonce(cookie, answer.state))
        session_cookie = new_cookie()

        def session_of(account_id: str) -> SessionRow:
            row = new_session(account_id, session_cookie, entry.address, agent)
            row.provider_session = claims.get("sid")
            row.sealed_id_token = seal.sealed(tokens["id_token"], session_cookie)
            return row

        person = _person(claims, provider.settings)
        try:
            await accounts.log_in(self._database, person, session_of, entry)
        finally:
            self._identities.forget()
        return Finished(session_cookie, begun.wanted)

    async def _taken(self, answer: Answered, cookie: str, issuer: str) -> BegunLoginRow:
        """Return what this browser has begun; it cannot be taken again."""
        old = NotLoggedIn(
            WhyNot.OLD, "the login was begun too long ago, in another browser, or is finished"
        )
        state_hash = digest(answer.state)
        async with self._database.reading() as session:
            # Only what has begun makes the database's other writers wait.
            if not await store.has_begun(session, state_hash):
                raise old
        async with self._database.writing() as session:
            row = await store.login_for_change(session, state_hash)
            if row is None or not hmac.compare_digest(row.browser_hash, digest(cookie)):
                raise old
            await session.delete(row)
        if row.issuer != issuer or row.begun < utc_now() - LOGIN_TIME:
            raise old
        return row

    async def _checked(
        self, provider: Provider, tokens: Mapping[str, Any], nonce: str
    ) -> dict[str, Any]:
        """Return the claims of the ID token, and what the provider tells of the person besides."""
        given = tokens.get("access_token")
        access_token = given if isinstance(given, str) else None
        settings = provider.settings
        claims = await provider.checked(
            lambda keys: checked_id_token(
                tokens["id_token"],
                keys,
                issuer=settings.issuer,
                client_id=settings.client_id,
                nonce=nonce,
                access_token=access_token,
            ),
            FROM_PROVIDER_S,
        )
        is_all_there = bool(groups_of(claims, settings.groups_claim)) and (
            "preferred_username" in claims
        )
        if is_all_there or access_token is None:
            return claims
        # Many providers tell of names and groups only there. What is signed comes first.
        return {**await provider.person(access_token, claims["sub"]), **claims}

    async def logout_address(self, ended: Ended, cookie: str, back_to: str) -> str:
        """Return where a browser goes to log out of the provider, too; empty: nowhere.

        Args:
            ended: the session here.
            cookie: its cookie.
            back_to: the page that the provider leads to afterwards.
        """
        if ended.issuer is None:
            return ""
        try:
            provider = self.provider()
            if ended.issuer != provider.settings.issuer:
                return ""
            sealed = ended.sealed_id_token
            hint = seal.opened(sealed, cookie) if sealed else None
            async with asyncio.timeout(_LOGOUT_S):
                return await provider.logout_address(back_to, hint)
        except (NotLoggedIn, TimeoutError):
            return ""  # our own session has ended, whatever the provider does


def _person(claims: Mapping[str, Any], settings: Oidc) -> accounts.Person:
    groups = groups_of(claims, settings.groups_claim)
    return accounts.Person(
        issuer=settings.issuer,
        subject=claims["sub"],
        claims=claims,
        role=role_of(groups, settings.roles, settings.default_role),
    )
