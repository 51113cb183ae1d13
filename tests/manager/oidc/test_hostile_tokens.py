"""ID tokens that a provider must not accept as a person's login, and answers that are none."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from manager_api.oidc import fetching
from manager_api.oidc.tokens import WrongToken, checked_id_token, imported_keys
from tests.manager.oidc.provider import (
    CLIENT,
    KEY,
    OTHER_KEY,
    FakeProvider,
    Person,
    signed,
    unsigned,
)

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

NOW = int(time.time())
HOUR = 3600
PUBLIC_PEM = KEY.as_pem(private=False)
ISSUER, NONCE = "https://login.studio", "n-0S6_WzA2Mj"
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "ana",
    "aud": CLIENT,
    "exp": NOW + 24 * HOUR,
    "iat": NOW,
    "nonce": NONCE,
}


def checked(token: str) -> dict[str, Any]:
    keys = imported_keys({"keys": [KEY.as_dict(private=False)]})
    return checked_id_token(
        token, keys, issuer=ISSUER, client_id=CLIENT, nonce=NONCE, access_token="at"
    )


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"iss": "https://evil.example"}, id="another issuer"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"iss": ["x"]}, id="a list of issuers"),
        pytest.param({"aud": "another"}, id="another audience"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"aud": []}, id="an empty audience"),
        pytest.param({"aud": {CLIENT: 1}}, id="an audience that is an object"),
        pytest.param({"aud": [CLIENT, "another"]}, id="two audiences and no azp"),
        pytest.param({"aud": [CLIENT, "x"], "azp": "x"}, id="azp of another"),
        pytest.param({"azp": "another"}, id="one audience and azp of another"),
        pytest.param({"nonce": "another"}, id="another nonce"),
        pytest.param({"nonce": None}, id="no nonce"),
        pytest.param({"nonce": True}, id="a nonce that is no text"),
        pytest.param({"exp": NOW - HOUR}, id="expired"),
        pytest.param({"exp": None}, id="no end"),
        pytest.param({"exp": "9999999999"}, id="an end that is a text"),
        pytest.param({"exp": float("inf")}, id="an end at infinity"),
        pytest.param({"exp": float("nan")}, id="an end that is no number"),
        pytest.param({"exp": 10**400}, id="an end of 400 digits"),
        pytest.param({"iat": NOW + HOUR}, id="of the future"),
        pytest.param({"iat": None}, id="no beginning"),
        pytest.param({"nbf": NOW + HOUR}, id="not yet valid"),
        pytest.param({"sub": None}, id="no subject"),
        pytest.param({"sub": ""}, id="an empty subject"),
        pytest.param({"sub": 248289761001}, id="a subject that is a number"),
        pytest.param({"sub": "x" * 256}, id="a subject that is too long"),
        pytest.param({"sub": "a\0b"}, id="a subject with NUL"),
        pytest.param({"sub": "a\nb"}, id="a subject of two lines"),
        pytest.param({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, id="of another access token"),
        pytest.param({"sid": {"x": 1}}, id="a session that is an object"),
        pytest.param({"sid": "x" * 256}, id="a session that is too long"),
        pytest.param({"name": "\ud800"}, id="half a letter"),
    ],
)
def test_wrong_claims_are_refused(claims: dict[str, Any]) -> None:
    token = signed({name: v for name, v in (CLAIMS | claims).items() if v is not None})

    with pytest.raises(WrongToken):
        checked(token)


def _with_key_of_secret(claims: dict[str, Any]) -> str:
    """Signed with what everybody knows; the library would not do it."""
    head = _part(b'{"alg":"HS256","kid":"first"}') + "." + _part(json.dumps(claims).encode())
    return f"{head}.{_part(hmac.digest(PUBLIC_PEM, head.encode(), hashlib.sha256))}"


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _changed_after_signing(claims: dict[str, Any]) -> str:
    head, _, end = signed(claims).split(".")
    return ".".join((head, _part(json.dumps({**claims, "groups": ["tds"]}).encode()), end))


def _with_own_key_in_header(claims: dict[str, Any]) -> str:
    return signed(claims, OTHER_KEY, {"jwk": OTHER_KEY.as_dict(private=False)})


def _deep(claims: dict[str, Any]) -> str:
    return signed({**claims, "groups": json.loads("[" * 500 + "]" * 500)})


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(lambda c: unsigned(c, b'{"alg":"none"}'), id="alg none"),
        pytest.param(lambda c: unsigned(c, b'{"alg":"NoNe","kid":"first"}'), id="alg NoNe"),
        pytest.param(lambda c: unsigned(c, b'{"alg":["RS256"]}'), id="a list of algs"),
        pytest.param(lambda c: unsigned(c, b"{}"), id="no alg"),
        pytest.param(lambda c: unsigned(c, b"[" * 2_000), id="a deep header"),
        pytest.param(lambda c: unsigned(c, b"\xff\xfe"), id="a header that is no text"),
        pytest.param(_with_key_of_secret, id="HS256 with the public key"),
        pytest.param(lambda c: signed(c, OTHER_KEY), id="another's key under a known kid"),
        pytest.param(lambda c: signed(c, OTHER_KEY, {"kid": "other"}), id="an unknown kid"),
        pytest.param(lambda c: signed(c, OTHER_KEY, {"kid": None}), id="another's key, no kid"),
        pytest.param(_with_own_key_in_header, id="a key in the header"),
        pytest.param(_changed_after_signing, id="changed after it was signed"),
        pytest.param(lambda c: signed(c, header={"typ": "logout+jwt"}), id="a logout token"),
        pytest.param(lambda c: signed(c, header={"kid": "k" * 400}), id="a long header"),
        pytest.param(lambda c: signed({**c, "x": "x" * 70_000}), id="huge"),
        pytest.param(_deep, id="deep claims"),
        pytest.param(lambda c: signed(c) + ".x", id="four parts"),
        pytest.param(lambda _: "x", id="no token"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "é.é.é", id="no ASCII"),
    ],
)
def test_wrong_signatures_are_refused(token: Callable[[dict[str, Any]], str]) -> None:
    with pytest.raises(WrongToken):
        checked(token(CLAIMS))


def test_a_right_token_is_not() -> None:
    assert checked(signed({**CLAIMS, "at_hash": "sda5G2fCr6XjIpiNlGJjjQ"}))["sub"] == "ana"


async def test_a_wrong_token_logs_nobody_in(person: Person, provider: FakeProvider) -> None:
    provider.claims = {"nonce": "another"}

    assert await person.log_in() == "/app/login?refused=wrong"
    assert (await person.me())["kind"] == "nobody"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (JSONResponse({"access_token": "at"}), "away"),
        (JSONResponse({"id_token": 7}), "away"),
        (JSONResponse([]), "away"),
        (Response("<html>"), "away"),
        (Response("[" * 100_000), "away"),
        (Response(b" " * 300_000), "away"),
        (RedirectResponse("http://127.0.0.1:9/"), "away"),
        (JSONResponse({"error": "invalid_grant", "error_description": "<b>"}, 400), "refused"),
        (JSONResponse({"error": "\r\n<script>"}, 400), "refused"),
        (JSONResponse({"error": "server_error"}, 500), "refused"),
    ],
)
async def test_wrong_answers_for_a_code_log_nobody_in(
    person: Person, provider: FakeProvider, answer: Response, why: str
) -> None:
    provider.token_answer = answer

    assert await person.log_in() == f"/app/login?refused={why}"


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://10.0.0.7/token"},
        {"token_endpoint": "http://localhost.evil.example/token"},
        {"token_endpoint": "https://user:password@127.0.0.1/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": ["https://login.example"]},
        {"jwks_uri": "ftp://127.0.0.1/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://127.0.0.1/#x"},
        {"end_session_endpoint": "//evil.example"},
        {"userinfo_endpoint": "http://127.0.0.1:99999/"},
    ],
)
async def test_a_provider_that_names_wrong_addresses_is_not_asked(
    person: Person, provider: FakeProvider, changes: dict[str, Any]
) -> None:
    provider.document |= changes

    answer = await person.client.get("/api/tablao/v1/login/oidc")

    assert answer.headers["location"] == "/app/login?refused=away"


async def test_new_keys_are_fetched_once_in_a_while(person: Person, provider: FakeProvider) -> None:
    await person.log_in()
    provider.keys = [OTHER_KEY.as_dict(private=False)]
    asked = await person.begin()
    provider.id_token = signed(provider.usual_claims(), OTHER_KEY, {"kid": "other"})
    page = await person.come_back(state=asked["state"])
    provider.asked.clear()
    asked = await person.begin()
    provider.id_token = signed(provider.usual_claims(), KEY)
    refused = await person.come_back(state=asked["state"])

    assert (page, refused) == ("/app/", "/app/login?refused=wrong")
    assert provider.asked == []


async def test_a_token_of_several_audiences_counts_with_azp(
    person: Person, provider: FakeProvider
) -> None:
    provider.claims = {"aud": ["another", CLIENT], "azp": CLIENT, "exp": NOW + 5 * HOUR}

    assert await person.log_in() == "/app/"


def test_keys_that_prove_nothing_are_left_out() -> None:
    good = KEY.as_dict(private=False)

    found = imported_keys(
        {
            "keys": [
                "x",
                {"kty": "oct", "k": "c2VjcmV0"},
                {**good, "use": "enc"},
                {"kty": "RSA", "n": 7, "e": "AQAB"},
                {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
                good,
            ]
        }
    )

    assert [key.kid for key in found] == ["first"]
    assert imported_keys({"keys": "x"}) == imported_keys({}) == []


class SilentProvider:
    """Takes connections, and answers with what it is told, or never."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._answer)
        await reader.read()
        writer.close()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="silence"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", id="half an answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000, id="an endless head"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 400_000, id="an endless body"),
        pytest.param(b"\x15\x03\x01\x00\x02\x02\x46", id="no HTTP"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08",
            id="compressed",
        ),
    ],
)
async def test_a_provider_that_does_not_answer_as_it_must_is_away(
    farm: "Farm", person: Person, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_WITHIN_S", 1.0)
    server = await asyncio.start_server(SilentProvider(answer).serve, "127.0.0.1", 0)
    issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    changed = farm.parts.settings.oidc.model_copy(update={"issuer": issuer})
    configuration = farm.parts.configuration
    configuration.settings = farm.parts.settings.model_copy(update={"oidc": changed})

    answered = await person.client.get("/api/tablao/v1/login/oidc")
    server.close()

    assert answered.headers["location"] == "/app/login?refused=away"
