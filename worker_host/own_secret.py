"""The credentials that this host shows now. The farm may replace their secret at any time."""

import asyncio
from collections.abc import Callable, Generator
from dataclasses import replace

import httpx

from worker_host.registration import Credentials

Keep = Callable[[Credentials], None]
"""Stores credentials for the next process of this host, before it returns."""


def not_kept(_credentials: Credentials) -> None:
    """Store nothing, for a host that has no next process."""


class OwnSecret:
    """Shows the newest secret that was stored.

    A secret is stored before it is shown for the first time. The manager lets the older one count
    until then, so a host that crashes at any moment can sign on with what its file has.
    """

    def __init__(self, credentials: Credentials, keep: Keep) -> None:
        self._credentials = credentials
        self._keep = keep

    @property
    def credentials(self) -> Credentials:
        return self._credentials

    def headers(self) -> dict[str, str]:
        return self._credentials.headers

    async def replace(self, secret: str) -> None:
        """Store a secret, and show it from now on.

        Raises:
            OSError, CannotJoin: it cannot be stored, so the present one is shown further.
        """
        new = replace(self._credentials, secret=secret)
        await asyncio.to_thread(self._keep, new)
        self._credentials = new


class OwnAuth(httpx.Auth):
    """Shows the secret of the moment, also in a request that was sent with the one before."""

    def __init__(self, own: OwnSecret) -> None:
        self._own = own

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        shown = self._own.headers()
        request.headers.update(shown)
        answer = yield request
        if answer.status_code == httpx.codes.FORBIDDEN and self._own.headers() != shown:
            request.headers.update(self._own.headers())
            yield request
