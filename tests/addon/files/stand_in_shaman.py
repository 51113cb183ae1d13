"""A fake Shaman that is slow, busy or loses files when a test wants it."""

import hashlib
import json
import socket
import struct
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.addon.serving import InThread, Quiet

_API = "/api/v3/shaman"
#: For SO_LINGER: on, 0 s.
_AT_ONCE = struct.pack("ii", 1, 0)


class StandInShaman(InThread):
    """The fake Shaman. `stored` and `checkouts` are its content."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], bytes] = {}
        self.checkouts: dict[str, list[dict[str, Any]]] = {}
        self.sends = Counter[tuple[str, int]]()
        """The number of uploads that were started, by file."""
        self.deferrals: list[bool] = []
        """For each upload, whether the client can defer it."""
        self.being_sent_by_another: set[tuple[str, int]] = set()
        self.answers_early: int = 0
        """If set: the status that it sends before it reads the body, which it has already."""
        self.breaks_off: int = 0
        """The number of uploads at which it breaks the connection."""
        self.talks_nonsense: Any = None
        """If set: the answer to the question which files it lacks."""
        self.forgets_before_checkout = 0
        """The number of checkouts before which it loses all files."""
        stand_in = self

        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status, answer = stand_in.answer(self)
                body = json.dumps(answer).encode() if answer is not None else b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Print nothing: canceled clients close their connections."""

        self.serve(Server(("127.0.0.1", 0), Handler))

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, Any]:
        if request.path.startswith(f"{_API}/files/"):
            return self._upload(request), None
        asked = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        if request.path == f"{_API}/checkout/requirements":
            return 200, self.talks_nonsense or {"files": self._lacking(asked["files"])}
        if self.forgets_before_checkout:
            self.forgets_before_checkout -= 1
            self.stored.clear()
            return 424, {"code": 424, "message": "files are missing"}
        self.checkouts[asked["checkoutPath"]] = asked["files"]
        return 200, {"checkoutPath": asked["checkoutPath"]}

    def _lacking(self, specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        blobs = {(spec["sha"], spec["size"]): spec for spec in reversed(specs)}
        return [
            {**spec, "status": "uploading" if blob in self.being_sent_by_another else "unknown"}
            for blob, spec in blobs.items()
            if blob not in self.stored
        ]

    def _upload(self, request: BaseHTTPRequestHandler) -> int:
        sha, size = request.path.rsplit("/", 2)[1:]
        blob = sha, int(size)
        can_wait = request.headers["X-Shaman-Can-Defer-Upload"] == "true"
        self.sends[blob] += 1
        self.deferrals.append(can_wait)
        if self.breaks_off:
            self.breaks_off -= 1
            # A close without a delay resets the connection.
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            request.connection.close()
            raise ConnectionResetError
        if self.answers_early:
            request.close_connection = True
            self.stored[blob] = b"from another client"
            return self.answers_early
        content = request.rfile.read(blob[1])
        if blob in self.being_sent_by_another and can_wait:
            return 425
        if hashlib.sha256(content).hexdigest() != sha or len(content) != blob[1]:
            return 417
        self.stored[blob] = content
        return 200
