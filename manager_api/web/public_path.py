"""The manager below a path of a larger site, such as https://farm.studio/tablao/.

A proxy may take the path away before it passes a request on, or leave it: both work. Routes know
nothing of it. Addresses in answers begin with it.
"""

from starlette.types import ASGIApp, Receive, Scope, Send


class PublicPath:
    """ASGI middleware: takes the path of `public_url` off the path of a request.

    Args:
        prefix: without a slash at its end, such as `/tablao`; empty if there is none.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._prefix and scope["type"] in ("http", "websocket"):
            scope["path"] = self._without(scope["path"])
            scope["raw_path"] = self._without(scope.get("raw_path", b"").decode("latin-1")).encode(
                "latin-1"
            )
        await self._app(scope, receive, send)

    def _without(self, path: str) -> str:
        if path == self._prefix:
            return "/"
        return path.removeprefix(self._prefix) if path.startswith(f"{self._prefix}/") else path
