"""A fake manager that gives the answers that a test wants, which no real one gives on demand."""

import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.addon.serving import InThread, Quiet


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def told(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


class StandInManager(InThread):
    """`with StandInManager() as manager: manager.replies["/api/v3/version"] = told({…})`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        """Make a manager, which `with` starts.

        Args:
            tls: the server's certificate; None: plain HTTP.
        """
        self.replies: dict[str, Reply] = {}
        """Replies by path. Other paths are answered with 404."""
        self.requests: list[Request] = []
        stand_in = self

        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                request = Request(
                    self.command, self.path, dict(self.headers), self.rfile.read(length)
                )
                stand_in.requests.append(request)
                reply = stand_in.replies.get(self.path, told({"message": "Not Found"}, 404))
                self.send_response(reply.status)
                for name, text in reply.headers.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_POST = do_GET  # noqa: N815 # http.server looks for this name

            def handle(self) -> None:
                # A client that does not trust the certificate, or cancels, closes the connection.
                with suppress(ssl.SSLError, ConnectionError):
                    super().handle()

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.scheme = "https"
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.serve(server)


#: The answer of a stock Flamenco 3.9.
FLAMENCO: Mapping[str, Any] = {
    "/api/v3/version": {
        "version": "3.9-alpha1 (abc1234)",
        "shortversion": "3.9-alpha1",
        "name": "Flamenco",
        "git": "abc1234",
    },
    "/api/v3/configuration/shared-storage/users/linux": {
        "location": "/render/jobs",
        "audience": "users",
        "platform": "linux",
        "shamanEnabled": True,
    },
    "/api/v3/configuration/variables/users/linux": {
        "blender": {"value": "blender", "is_twoway": False},
        "shots": {"value": "/mnt/shots", "is_twoway": True},
    },
    "/api/v3/worker-mgt/tags": {
        "tags": [
            {"id": "22222222-0000-4000-8000-000000000000", "name": "slow", "description": "old"},
            {"id": "11111111-0000-4000-8000-000000000000", "name": "GPU"},
        ]
    },
    "/api/v3/jobs/types": {
        "job_types": [
            {
                "name": "simple-blender-render",
                "label": "Simple Blender Render",
                "etag": "e1",
                "settings": [
                    {"key": "frames", "type": "string", "required": True},
                    {"key": "chunk_size", "type": "int32", "default": 1},
                    {"key": "blendfile", "type": "string", "required": True, "visible": "web"},
                ],
            },
            {"name": "echo", "label": "Echo", "etag": "e2", "settings": []},
        ]
    },
}


def as_flamenco(manager: StandInManager, **changes: Any) -> None:
    for path, answer in FLAMENCO.items():
        manager.replies[path] = told(answer)
    for path, answer in changes.items():
        manager.replies[path] = told(answer)


def silent_port() -> socket.socket:
    """Return a socket that accepts connections and never answers. The caller closes it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener
