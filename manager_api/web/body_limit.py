"""Refuses requests with a body that is too large, without reading all of it."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LimitOf = Callable[[str, str], int]


class BodyTooLarge(HTTPException):
    """The body is larger than its limit. FastAPI takes all but HTTPExceptions for bad JSON."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"the request is larger than {limit} bytes")


class BodyLimit:
    """ASGI middleware that limits bodies. The framework's own answers in another shape."""

    def __init__(self, app: ASGIApp, limit_of: LimitOf) -> None:
        """
        Args:
            limit_of: returns the limit in bytes for a path and a media type.
        """
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        limit = self._limit_of(scope["path"], media_type)
        received = 0
        announced = headers.get("content-length", "")

        async def receive_up_to_limit() -> Message:
            nonlocal received
            if announced.isdecimal() and int(announced) > limit:
                raise BodyTooLarge(limit)
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise BodyTooLarge(limit)
            return message

        await self._app(scope, receive_up_to_limit, send)
