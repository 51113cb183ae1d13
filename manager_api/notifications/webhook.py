"""Sends one message to a webhook: signed, to a checked address, without redirects, and soon."""

import asyncio
import json
import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

import httpx

from activities.connections.failures import why_it_failed
from manager_api.notifications.outbox import Claimed, Outcome
from manager_api.version import NAME, VERSION
from workflows.domain.webhooks import NotAllowed, check_number, checked_address, signature

#: For one try, from the look-up of the name to the last byte that is read of the answer.
WITHIN_S = 10.0
#: What is read of an answer, in bytes, and what the log of deliveries keeps of it, in characters.
_READ = 4_096
_KEPT = 500
_GONE = 410
#: What a status means, in the standard's words; a server may say anything.
_PHRASES = frozenset(each.phrase for each in HTTPStatus)


async def send(delivery: Claimed, body: Mapping[str, Any], now: int) -> Outcome:
    """
    Args:
        now: the time, in seconds since 1970, for the signature.
    """
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"{NAME}/{VERSION}",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(now),
        "webhook-signature": signature(delivery.secret, delivery.id, now, content),
    }
    try:
        url = httpx.URL(checked_address(delivery.address))
    except NotAllowed as refusal:
        return Outcome(False, str(refusal))
    except httpx.InvalidURL:
        return Outcome(False, "the webhook's address is not one of a machine")
    try:
        async with asyncio.timeout(WITHIN_S):
            return await _post(url, await _number_of(url), headers, content)
    except NotAllowed as refusal:
        return Outcome(False, str(refusal))
    except (TimeoutError, httpx.TimeoutException):
        why = f"no answer within {WITHIN_S:.0f} s"
    except (httpx.HTTPError, OSError, UnicodeError) as error:
        why = why_it_failed(error)
    return Outcome(False, f"the address {url.host} does not answer: {why}")


async def _number_of(url: httpx.URL) -> str:
    """Return the IP address of the machine to call, so that no second look-up finds another one.

    Raises:
        NotAllowed: this machine is not called.
        OSError: the name is unknown.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(url.host, None, type=socket.SOCK_STREAM)
    numbers = [str(address[0]).partition("%")[0] for *_, address in found]
    for each in numbers:
        check_number(ip_address(each))
    return numbers[0]


async def _post(url: httpx.URL, number: str, headers: Mapping[str, str], content: bytes) -> Outcome:
    async with (
        httpx.AsyncClient(verify=_trust(), timeout=WITHIN_S, trust_env=False) as client,
        client.stream(
            "POST",
            url.copy_with(host=number),
            content=content,
            headers={**headers, "host": url.netloc.decode("ascii")},
            # The certificate must be for the name, and not for the number.
            extensions={"sni_hostname": url.host},
        ) as answer,
    ):
        text = await _beginning(answer)
    status = answer.status_code
    if answer.is_success:
        return Outcome(True, f"taken with {status}", status, text)
    if answer.is_redirect:
        sentence = f"{url.host} answers with a redirect (HTTP {status}), which is not followed"
        return Outcome(False, sentence, status, text)
    if status == _GONE:
        sentence = f"{url.host} says that this address is gone (HTTP 410)"
        return Outcome(False, sentence, status, text, True)
    phrase = f" ({answer.reason_phrase})" if answer.reason_phrase in _PHRASES else ""
    sentence = f"{url.host} refuses the message with HTTP {status}{phrase}"
    return Outcome(False, sentence, status, text)


async def _beginning(answer: httpx.Response) -> str:
    content = bytearray()
    async for piece in answer.aiter_raw():
        content += piece
        if len(content) >= _READ:
            break
    return bytes(content[:_READ]).decode("utf-8", "replace")[:_KEPT]


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """Return the system's authorities, among which a studio has its own."""
    return ssl.create_default_context()
