"""The OpenID provider: what it publishes about itself, and what it is asked."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from joserfc import jwk
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from manager_api.oidc.fetching import Away, fetch_json
from manager_api.oidc.refusals import NotLoggedIn, WhyNot
from manager_api.oidc.tokens import UnknownKey, imported_keys
from manager_api.settings.issuers import is_safe_address
from manager_api.settings.reach import is_loopback
from manager_api.settings.sections import Oidc

#: For how long the provider's document and keys are used, in seconds.
_KNOWN_S = 3600.0
#: For how long a failure counts, in seconds.
_ASK_AGAIN_S = 5.0
#: Between two looks for new keys, in seconds: for a token that the provider itself has handed over,
#: and for one that any machine can send.
FROM_PROVIDER_S, FROM_ANYWHERE_S = 5.0, 60.0
_DISCOVERY = "/.well-known/openid-configuration"
_OK = 200
_FORM = "application/x-www-form-urlencoded"
_BASIC, _POST, _NONE = "client_secret_basic", "client_secret_post", "none"

_Address = Annotated[str, Field(min_length=1, max_length=2_000)]
_Words = Annotated[list[str], Field(max_length=500)]
T = TypeVar("T")


class Document(BaseModel):
    """What is used of a provider's document (OpenID Connect Discovery 1.0)."""

    model_config = ConfigDict(strict=True, frozen=True)

    issuer: _Address
    authorization_endpoint: _Address
    token_endpoint: _Address
    jwks_uri: _Address
    userinfo_endpoint: _Address | None = None
    end_session_endpoint: _Address | None = None
    scopes_supported: _Words = []
    token_endpoint_auth_methods_supported: _Words = [_BASIC]
    authorization_response_iss_parameter_supported: bool = False

    @property
    def endpoints(self) -> list[str]:
        named = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri)
        return [*named, *filter(None, (self.userinfo_endpoint, self.end_session_endpoint))]


class Provider:
    """The provider of these settings, for as long as they stay."""

    def __init__(self, settings: Oidc) -> None:
        self.settings = settings
        self._document: Document | None = None
        self._keys: list[jwk.Key] = []
        self._known_until = float("-inf")
        self._asked_for_keys = float("-inf")
        self._failed: tuple[float, NotLoggedIn] | None = None
        self._asking = asyncio.Lock()

    async def document(self) -> Document:
        """Return what the provider says of itself.

        Raises:
            Away: it does not answer, or what it says cannot be used.
        """
        async with self._asking:
            now = time.monotonic()
            if self._document is not None and now < self._known_until:
                return self._document
            if self._failed and now < self._failed[0]:
                raise Away(str(self._failed[1]))
            try:
                self._document = await self._discovered()
                self._keys = await self._published_keys(self._document)
            except NotLoggedIn as problem:
                self._failed = (time.monotonic() + _ASK_AGAIN_S, problem)
                raise
            self._known_until = time.monotonic() + _KNOWN_S
            return self._document

    async def checked(self, check: Callable[[list[jwk.Key]], T], pause_s: float) -> T:
        """Return what a check of a signed token returns, with the provider's keys.

        If none of the known keys fits, new ones are fetched, but only after a pause since the last
        time.
        """
        document = await self.document()
        try:
            return check(self._keys)
        except UnknownKey:
            async with self._asking:
                if time.monotonic() - self._asked_for_keys < pause_s:
                    raise
                self._asked_for_keys = time.monotonic()
                self._keys = await self._published_keys(document)
            return check(self._keys)

    async def authorization_address(
        self, *, redirect_uri: str, state: str, nonce: str, verifier: str
    ) -> str:
        """Return where a browser goes to log in."""
        document = await self.document()
        wanted = ["openid", "profile", "email"]
        if "groups" in document.scopes_supported:
            wanted.append("groups")
        client = OAuth2Client(
            None,
            client_id=self.settings.client_id,
            scope=" ".join(wanted),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )
        address, _ = client.create_authorization_url(
            document.authorization_endpoint, state=state, code_verifier=verifier, nonce=nonce
        )
        return str(address)

    async def exchanged(self, code: str, *, redirect_uri: str, verifier: str) -> dict[str, Any]:
        """Return the provider's tokens for a code.

        Raises:
            Away: it does not answer.
            NotLoggedIn: it refuses the code, or answers without an ID token.
        """
        document = await self.document()
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        url, headers, body = self._client_auth(document).prepare(
            "POST", document.token_endpoint, {"content-type": _FORM}, urlencode(asked)
        )
        status, answer = await fetch_json("POST", url, headers=headers, body=body)
        if status != _OK:
            raise NotLoggedIn(
                WhyNot.REFUSED, f"the provider refused the code: {_error_word(answer)}"
            )
        if not isinstance(answer.get("id_token"), str):
            raise Away("the provider's answer has no ID token")
        return answer

    async def person(self, access_token: str, subject: str) -> Mapping[str, Any]:
        """Return what the provider tells of a person; nothing, if it tells of people nowhere.

        Raises:
            NotLoggedIn: it refuses, or tells of another person.
        """
        document = await self.document()
        if not document.userinfo_endpoint or not access_token.isascii():
            return {}
        shown = {"authorization": f"Bearer {access_token}"}
        status, answer = await fetch_json("GET", document.userinfo_endpoint, headers=shown)
        if status != _OK or answer.get("sub") != subject:
            raise NotLoggedIn(WhyNot.WRONG, "the provider does not tell of the person")
        return answer

    async def logout_address(self, back_to: str, id_token: str | None) -> str:
        """Return where a browser goes to log out of the provider; empty if it has no such page."""
        document = await self.document()
        if not document.end_session_endpoint:
            return ""
        asked = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back_to}
        if id_token is not None:
            asked["id_token_hint"] = id_token
        joint = "&" if urlsplit(document.end_session_endpoint).query else "?"
        return f"{document.end_session_endpoint}{joint}{urlencode(asked)}"

    def _client_auth(self, document: Document) -> ClientAuth:
        if not self.settings.client_secret:
            return ClientAuth(self.settings.client_id, "", _NONE)
        if _BASIC in document.token_endpoint_auth_methods_supported:
            # RFC 6749, 2.3.1: encoded like a form's values first.
            pair = (self.settings.client_id, self.settings.client_secret)
            return ClientAuth(*map(quote_plus, pair), _BASIC)
        return ClientAuth(self.settings.client_id, self.settings.client_secret, _POST)

    async def _discovered(self) -> Document:
        issuer = self.settings.issuer
        status, found = await fetch_json("GET", f"{issuer.rstrip('/')}{_DISCOVERY}", headers={})
        try:
            document = Document.model_validate(found)
        except ValidationError as error:
            names = ", ".join(sorted({str(each["loc"][0]) for each in error.errors()}))
            raise Away(f"the provider's document (HTTP {status}) lacks: {names}") from error
        if document.issuer != issuer:
            raise Away("the provider calls itself otherwise than the setting oidc.issuer does")
        is_here = is_loopback(urlsplit(issuer).hostname or "") and issuer.startswith("http:")
        if not all(is_safe_address(each, may_be_here=is_here) for each in document.endpoints):
            raise Away("the provider names an address that is not https")
        return document

    async def _published_keys(self, document: Document) -> list[jwk.Key]:
        _, found = await fetch_json("GET", document.jwks_uri, headers={})
        if not (keys := imported_keys(found)):
            raise Away("the provider publishes no key that can be used")
        return keys


def _error_word(answer: Mapping[str, Any]) -> str:
    """Return the provider's word for its refusal (RFC 6749, 5.2)."""
    word = answer.get("error")
    is_word = isinstance(word, str) and word.replace("_", "").isalnum() and word.isascii()
    return str(word)[:60] if is_word else "no reason"
