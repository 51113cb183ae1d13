"""Measures how long requests take."""

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from manager_api.metrics import measures


class Latency:
    """ASGI middleware. It counts a request under the id of its operation."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, begun = 500, perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            # Without a route, the address is the caller's word: there may be any number of them.
            operation = getattr(scope.get("route"), "operation_id", None) or "other"
            measures.answered(operation, status, perf_counter() - begun)
