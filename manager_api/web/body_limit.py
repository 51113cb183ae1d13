"""Refuses requests that are larger than anything we could be sent, without reading them."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LimitOf = Callable[[str, str], int]


class BodyTooLarge(HTTPException):
    """What is raised while a handler reads. An HTTPException, or FastAPI takes it for bad JSON."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"the request is larger than {limit} bytes")


class BodyLimit:
    """ASGI middleware. The framework's own answers in another shape than Flamenco's."""

    def __init__(self, app: ASGIApp, limit_of: LimitOf) -> None:
        """
        Args:
            limit_of: the limit in bytes at a path for a media type.
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
