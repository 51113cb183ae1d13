"""Fetches JSON from the OpenID provider: small, soon, without redirects, and by TLS."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from activities.connections.failures import why_it_failed
from manager_api.contract.base import check_storable
from manager_api.oidc.refusals import NotLoggedIn, WhyNot
from manager_api.settings.reach import is_loopback

_LARGEST = 256 * 1024
#: For one request, from its beginning to the last byte of the answer.
_WITHIN_S = 10.0


class Away(NotLoggedIn):
    """The provider does not answer, or not with what it must."""

    def __init__(self, text: str) -> None:
        super().__init__(WhyNot.AWAY, text)


async def fetch_json(
    method: str, url: str, *, headers: Mapping[str, str], body: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Return status and JSON object of an answer.

    A redirect is not followed: it would take secrets to an address that was not checked.

    Raises:
        Away: there is no answer in time, it is a redirect, too large, or no JSON object.
    """
    host = urlsplit(url).hostname or ""
    headers = {"accept": "application/json", "accept-encoding": "identity", **headers}
    try:
        async with (
            asyncio.timeout(_WITHIN_S),
            # On this machine there is no proxy between.
            httpx.AsyncClient(
                verify=_trust(), timeout=_WITHIN_S, trust_env=not is_loopback(host)
            ) as client,
            client.stream(method, url, headers=headers, content=body) as answer,
        ):
            content = await _bounded(answer)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
        raise Away(f"the provider at {host} does not answer: {why_it_failed(error)}") from error
    if answer.is_redirect:
        raise Away(f"the provider at {host} answers with a redirect")
    return answer.status_code, _object(content, host)


async def _bounded(answer: httpx.Response) -> bytes:
    content = bytearray()
    async for piece in answer.aiter_raw():
        content += piece
        if len(content) > _LARGEST:
            raise Away(f"the provider's answer has more than {_LARGEST} bytes")
    return bytes(content)


def _object(content: bytes, host: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
        check_storable(found)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Away(f"the provider at {host} does not answer with a JSON object")
    return found


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """Return the system's authorities, among which a studio has its own."""
    return ssl.create_default_context()
