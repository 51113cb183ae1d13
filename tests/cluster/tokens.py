"""Tokens for Temporal, and the page at which Temporal fetches the key that checks them."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc import jwk, jwt

_KEY_ID = "cluster-lane"
_VALID = timedelta(days=1)


class Issuer:
    """Signs tokens as Temporal's default claim mapper reads them."""

    def __init__(self, address: str, key: jwk.ECKey) -> None:
        self.address = address
        """Of the page with the public key."""
        self._key = key

    def token(self, name: str, permissions: Sequence[str]) -> str:
        """
        Args:
            name: who shows the token.
            permissions: `NAMESPACE:ROLE` each; `temporal-system` is the whole cluster.
        """
        claims = {
            "sub": name,
            "permissions": list(permissions),
            "exp": int((datetime.now(UTC) + _VALID).timestamp()),
        }
        return jwt.encode({"alg": "ES256", "kid": _KEY_ID}, claims, self._key)


@contextmanager
def issuer() -> Iterator[Issuer]:
    key = jwk.ECKey.generate_key("P-256", {"kid": _KEY_ID, "use": "sig", "alg": "ES256"})
    page = json.dumps({"keys": [key.as_dict(private=False)]}).encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
            """Say nothing: the requests are Temporal's own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Issuer(f"http://127.0.0.1:{server.server_port}/keys", key)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
