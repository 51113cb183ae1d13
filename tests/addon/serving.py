"""An HTTP server in a thread, for a single test."""

import threading
from http.server import ThreadingHTTPServer
from typing import Self


class Quiet:
    """A base class that logs no requests. It must stand before `BaseHTTPRequestHandler`."""

    def log_request(self, *_: object) -> None:
        """Log nothing."""


class InThread:
    """A server that runs in a thread while its context is active. A subclass must call `serve`."""

    scheme = "http"

    def serve(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
