"""Refuses requests with a body that is too large, without reading all of it.

The framework reads a body before any check of a route. So a large one is read only if its sender is
known: else strangers could fill the memory, with as many bodies as they have connections.
"""

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LimitOf = Callable[[str, str], int]
IsKnown = Callable[[Scope], Awaitable[bool]]

#: What anybody may send, in bytes. Logins and registrations are far smaller.
_OF_STRANGERS = 64 * 1024


class BodyTooLarge(HTTPException):
    """The body is larger than its limit. FastAPI takes all but HTTPExceptions for bad JSON."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"the request is larger than {limit} bytes")


class SenderUnknown(HTTPException):
    """A body is too large for a sender who shows nothing, or nothing that counts."""

    def __init__(self) -> None:
        super().__init__(401, "log in, or send a token")


class BodyLimit:
    """ASGI middleware that limits bodies. The framework's own answers in another shape."""

    def __init__(self, app: ASGIApp, limit_of: LimitOf, is_known: IsKnown) -> None:
        """
        Args:
            limit_of: returns the limit in bytes for a path and a media type.
            is_known: returns whether the sender of a request is a caller or a worker.
        """
        self._app = app
        self._limit_of = limit_of
        self._is_known = is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        limit = self._limit_of(scope["path"], media_type)
        received = 0
        is_known = False
        length = headers.get("content-length", "")
        announced = int(length) if length.isdecimal() else 0

        async def check(size: int) -> None:
            nonlocal is_known
            if size > limit:
                raise BodyTooLarge(limit)
            if size > _OF_STRANGERS and not is_known:
                is_known = await self._is_known(scope)
                if not is_known:
                    raise SenderUnknown

        async def receive_up_to_limit() -> Message:
            nonlocal received
            await check(announced)
            message = await receive()
            received += len(message.get("body", b""))
            await check(received)
            return message

        await self._app(scope, receive_up_to_limit, send)
