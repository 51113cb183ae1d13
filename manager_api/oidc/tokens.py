"""Checks tokens that the OpenID provider has signed: ID tokens and logout tokens.

Only signatures by the provider's published keys count, and only algorithms with two keys: with one
key, who knows the public key could sign.
"""

import base64
import json
import time
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from authlib.oidc.core import CodeIDToken
from joserfc import jwk, jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jws import JWSRegistry
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from manager_api.contract.base import check_storable
from manager_api.oidc.refusals import NotLoggedIn, WhyNot

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
#: How far the provider's clock may be from ours, in seconds.
LEEWAY_S = 60
#: How old a logout token may be, in seconds.
LOGOUT_S = 600
_LONGEST = 64 * 1024
_MOST_KEYS = 50
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LOGOUT_TYPE = "logout+jwt"

#: As a claim. OpenID Connect limits a subject to 255 characters of ASCII.
_Word = Annotated[str, Field(min_length=1, max_length=255)]
_Time = Annotated[float, Field(ge=0, le=1e11)]
_Audience = _Word | Annotated[list[_Word], Field(min_length=1, max_length=50)]


class WrongToken(NotLoggedIn):
    def __init__(self, text: str) -> None:
        super().__init__(WhyNot.WRONG, text)


class UnknownKey(WrongToken):
    """No known key fits. The provider may have published a new one."""


class _Claims(BaseModel):
    """The shapes of the claims that are used. Others may be of any shape."""

    model_config = ConfigDict(strict=True, frozen=True)

    iss: str = Field(max_length=512)
    aud: _Audience
    iat: _Time
    azp: _Word | None = None
    sid: _Word | None = None


C = TypeVar("C", bound=_Claims)


class IdClaims(_Claims):
    sub: Annotated[_Word, Field(pattern=r"^[\x21-\x7e]+$")]
    exp: _Time
    nonce: _Word
    at_hash: _Word | None = None


class LogoutClaims(_Claims):
    jti: _Word
    sub: _Word | None = None
    exp: _Time | None = None
    events: dict[str, Any]


def imported_keys(document: dict[str, Any]) -> list[jwk.Key]:
    """Return the keys of a published set (JWKS) that can prove a signature; others are left out."""
    found: list[jwk.Key] = []
    listed = document.get("keys")
    for each in listed[:_MOST_KEYS] if isinstance(listed, list) else ():
        is_for_signing = isinstance(each, dict) and each.get("use", "sig") == "sig"
        if is_for_signing and each.get("kty") in ("RSA", "EC", "OKP"):
            try:
                found.append(jwk.import_key(each))
            except (JoseError, ValueError, TypeError):
                continue  # a broken key proves nothing
    return found


def checked_id_token(
    token: str,
    keys: Sequence[jwk.Key],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str | None,
) -> dict[str, Any]:
    """Return the claims of an ID token.

    Raises:
        WrongToken: it does not prove who has logged in now, in this browser, for this farm.
        UnknownKey: none of these keys has signed it.
    """
    signed = _signed_by(token, keys)
    if str(signed.header.get("typ", "")).lower() == _LOGOUT_TYPE:
        raise WrongToken("the ID token is a logout token")
    _of_shape(IdClaims, signed.claims)
    options: dict[str, Any] = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
    }
    known = {"nonce": nonce, "client_id": client_id, "access_token": access_token}
    try:
        CodeIDToken(signed.claims, signed.header, options, known).validate(leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError) as error:
        raise WrongToken(f"the ID token is not valid: {error}") from error
    return signed.claims


def checked_logout_token(
    token: str, keys: Sequence[jwk.Key], *, issuer: str, client_id: str
) -> LogoutClaims:
    """Return the claims of a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6).

    Raises:
        WrongToken: it is not one for this farm, or not of now.
        UnknownKey: none of these keys has signed it.
    """
    signed = _signed_by(token, keys)
    if str(signed.header.get("typ", "JWT")).lower() not in (_LOGOUT_TYPE, "jwt"):
        raise WrongToken("the token is no logout token")
    if "nonce" in signed.claims:
        raise WrongToken("a logout token must not have a nonce")
    claims = _of_shape(LogoutClaims, signed.claims)
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if claims.iss != issuer or client_id not in audience:
        raise WrongToken("the logout token is of another provider, or for another client")
    if not isinstance(claims.events.get(_LOGOUT_EVENT), dict):
        raise WrongToken("the token does not say that it is for a logout")
    if claims.sub is None and claims.sid is None:
        raise WrongToken("the logout token names neither a person nor a session")
    now = time.time()
    is_over = claims.exp is not None and claims.exp <= now - LEEWAY_S
    if is_over or not now - LOGOUT_S <= claims.iat <= now + LEEWAY_S:
        raise WrongToken("the logout token is too old, or of the future")
    return claims


def _signed_by(token: str, keys: Sequence[jwk.Key]) -> jwt.Token:
    if len(token) > _LONGEST or not token.isascii():
        raise WrongToken("the token is too long, or no token")
    header = _header(token)
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise WrongToken("the token is not signed with an algorithm that counts")
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    fitting = [
        key
        for key in keys
        if (key_id is None or key.kid == key_id) and key.get("alg", algorithm) == algorithm
    ]
    for key in fitting:
        try:
            signed = jwt.decode(token, key, registry=registry)
            check_storable(signed.claims)
        except BadSignatureError:
            continue
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise WrongToken("the token has no content that can be read") from error
        return signed
    raise UnknownKey("no key that the provider publishes has signed the token")


def _header(token: str) -> dict[str, Any]:
    first = token.partition(".")[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or "crit" in found:
        raise WrongToken("the token has no header that can be read")
    return found


def _of_shape(model: type[C], claims: dict[str, Any]) -> C:
    try:
        return model.model_validate(claims)
    except ValidationError as error:
        names = ", ".join(sorted({str(each["loc"][0]) for each in error.errors()}))
        raise WrongToken(f"claims of the token are missing or not valid: {names}") from error
