"""A host shows the secret that it stored last, and never one that it has not stored."""

import httpx
import pytest

from worker_host.own_secret import OwnAuth, OwnSecret
from worker_host.registration import Credentials

CREDENTIALS = Credentials("worker", "old")


async def test_a_request_that_was_sent_with_the_old_secret_is_sent_again() -> None:
    own = OwnSecret(CREDENTIALS, lambda _: None)
    shown: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        shown.append(request.headers["Authorization"])
        if len(shown) == 1:
            await own.replace("new")
        return httpx.Response(403 if len(shown) == 1 else 200)

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport, auth=OwnAuth(own)) as http:
        answered = await http.post("http://farm/", content=b"image")

    assert answered.status_code == 200
    assert len(set(shown)) == 2


async def test_a_refusal_of_the_present_secret_stands() -> None:
    own = OwnSecret(CREDENTIALS, lambda _: None)
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(403)

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport, auth=OwnAuth(own)) as http:
        assert (await http.get("http://farm/")).status_code == 403
    assert len(requests) == 1


async def test_a_secret_that_cannot_be_stored_is_not_shown() -> None:
    def keep(_: Credentials) -> None:
        raise OSError("no space left on device")

    own = OwnSecret(CREDENTIALS, keep)

    with pytest.raises(OSError, match="no space"):
        await own.replace("new")
    assert own.credentials == CREDENTIALS
