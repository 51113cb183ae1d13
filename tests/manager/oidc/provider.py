"""An OpenID provider that says what a test wants, also what none may say."""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwk, jws
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "farm", "a:secret %+"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGIN = "/api/tablao/v1/login/oidc"

#: Making keys takes long, so all tests share them.
KEY = jwk.RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
OTHER_KEY = jwk.RSAKey.generate_key(2048, {"kid": "other", "use": "sig"})


def signed(
    claims: Mapping[str, Any], key: Any = KEY, header: Mapping[str, Any] | None = None
) -> str:
    whole = {"alg": "RS256", "kid": "first", **(header or {})}
    whole = {name: value for name, value in whole.items() if value is not None}
    registry = JWSRegistry(algorithms=[str(whole["alg"])], strict_check_header=False)
    return jws.serialize_compact(whole, json.dumps(claims), key, registry=registry)


def unsigned(claims: Mapping[str, Any], header: bytes) -> str:
    return f"{_base64(header)}.{_base64(json.dumps(claims).encode())}."


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class FakeProvider:
    """`document`, `claims` and the others are what it says; a test changes them."""

    def __init__(self) -> None:
        self.issuer = ""
        self.document: dict[str, Any] = {}
        self.keys: list[dict[str, Any]] = [KEY.as_dict(private=False)]
        self.claims: dict[str, Any] = {}
        """Claims of ID tokens that are other than usual; None: they are missing."""
        self.person: dict[str, Any] = {"groups": ["artists"], "preferred_username": "Lola"}
        """What it tells of the person, in the ID token or elsewhere."""
        self.is_in_token = True
        self.id_token: str | None = None
        """In place of the one of `claims`."""
        self.token_answer: Response | None = None
        self.asked: list[str] = []
        """The paths of the requests."""
        self.forms: list[dict[str, str]] = []
        self.authorizations: list[str] = []
        self._nonce = ""
        self._begun: dict[str, dict[str, str]] = {}
        """By state, which is also the code, what the browser was sent with."""
        self.app = Starlette(
            routes=[
                Route("/farm/.well-known/openid-configuration", self._document),
                Route("/farm/jwks", self._jwks),
                Route("/farm/token", self._token, methods=["POST"]),
                Route("/farm/userinfo", self._userinfo),
            ]
        )

    def is_at(self, address: str) -> None:
        self.issuer = f"http://{address}/farm"
        self.document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/end",
        }

    def authorized(self, location: str) -> dict[str, str]:
        """Take note of where a browser was sent; return what it was sent with."""
        assert location.startswith(f"{self.issuer}/auth?tenant=1&")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        self._begun[asked["state"]] = asked
        self._nonce = asked["nonce"]
        return asked

    def usual_claims(self) -> dict[str, Any]:
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "sub": "248289761001",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": self._nonce,
            "sid": "at-the-provider",
            **(self.person if self.is_in_token else {}),
        }
        return {name: value for name, value in (usual | self.claims).items() if value is not None}

    def logout_claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": f"logout {time.monotonic_ns()}",
            "sub": "248289761001",
            "sid": "at-the-provider",
            "events": {LOGOUT_EVENT: {}},
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    async def _document(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return JSONResponse(self.document)

    async def _jwks(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return JSONResponse({"keys": self.keys})

    async def _token(self, request: Request) -> Response:
        self.authorizations.append(request.headers.get("authorization", ""))
        form = parse_qs((await request.body()).decode())
        self.forms.append({name: values[0] for name, values in form.items()})
        if self.token_answer is not None:
            return self.token_answer
        begun = self._begun[form["code"][0]]
        self._nonce = begun["nonce"]
        verifier = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        if _base64(verifier) != begun["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        id_token = self.id_token or signed(self.usual_claims())
        return JSONResponse({"access_token": "at", "token_type": "Bearer", "id_token": id_token})

    async def _userinfo(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer at"
        return JSONResponse({"sub": self.usual_claims()["sub"], **self.person})


class Person:
    """A person with a browser on another machine.

    Args:
        client: the browser.
    """

    def __init__(self, client: httpx.AsyncClient, provider: FakeProvider) -> None:
        self.client = client
        self.provider = provider

    async def begin(self, to: str = "/") -> dict[str, str]:
        """Go to the provider; return what the browser was sent there with."""
        answer = await self.client.get(LOGIN, params={"to": to})
        assert answer.status_code == 303, answer.text
        return self.provider.authorized(answer.headers["location"])

    async def come_back(self, **query: str) -> str:
        """Come back from the provider; return where the manager leads to."""
        answer = await self.client.get(
            f"{LOGIN}/callback",
            params={"code": query["state"], **query},
            headers={"sec-fetch-site": "cross-site"},
        )
        assert answer.status_code == 303, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return str(answer.headers["location"])

    async def log_in(self, to: str = "/") -> str:
        asked = await self.begin(to)
        return await self.come_back(state=asked["state"])

    async def me(self) -> dict[str, Any]:
        return dict((await self.client.get("/api/tablao/v1/me")).json())
