"""A manager that wants a login, as the artist meets it. It runs inside Blender."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import bpy

TOKEN = "tablao_user_of_the_artist"


class _ClosedManager(BaseHTTPRequestHandler):
    """Answers every request as a manager does that does not know the caller."""

    def do_GET(self) -> None:
        shown.append(self.headers.get("Authorization", ""))
        body = b'{"code": 401, "message": "log in, or send a token"}'
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


#: The header `Authorization` of each request.
shown: "list[str]" = []


def wants_login(preferences: Any, drawn: Any) -> "dict[str, Any]":
    """Ask the manager without a token, then with one, then another manager."""
    from tablao.preferences import token_file

    server = HTTPServer(("127.0.0.1", 0), _ClosedManager)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    usual = preferences.manager_address
    preferences.manager_address = f"http://127.0.0.1:{server.server_address[1]}"
    before = drawn()
    said = [_refused(bpy.ops.tablao.refresh)]
    asked = drawn()
    preferences.token = f" {TOKEN} "
    said += [_refused(bpy.ops.tablao.refresh), _refused(bpy.ops.tablao.log_in)]
    kept = preferences.token
    preferences.manager_address = usual
    of_another = preferences.token
    server.shutdown()
    server.server_close()
    return {
        "before": before,
        "drawn": asked,
        "said": said,
        "shown": shown,
        "kept": kept,
        "of_another": of_another,
        "mode": token_file().path.stat().st_mode & 0o777,
    }


def _refused(operator: Any) -> str:
    try:
        operator()
    except RuntimeError as refusal:
        return str(refusal)
    return ""
