"""Gets an API token from a page of the manager, in which a person has logged in.

The add-on waits at a port of this machine and opens the page. When the person gives access there,
the page makes a token and leads the browser to that port with it.
"""

import hmac
import secrets
import socket
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from .manager import Manager, ManagerError
from .progress import Canceled, IsCanceled, never

#: For how long the add-on waits for the person, in seconds.
PATIENCE_S = 600.0
_LOOK_EVERY_S = 0.3
#: A browser sends its request at once; other programs must not keep the port busy.
_LONGEST_REQUEST_S = 5.0
_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class Handover:
    """Waits for one token. A word made by chance tells its request from others."""

    def __init__(self, manager: Manager) -> None:
        """
        Raises:
            ManagerError: no port can be opened on this machine.
        """
        self._manager = manager
        self._state = secrets.token_urlsafe(24)
        self._token = ""
        try:
            self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        except OSError as error:
            raise ManagerError(f"No port can be opened on this machine: {error}") from error
        self._server.timeout = _LOOK_EVERY_S

    @property
    def page(self) -> str:
        """The address of the page that asks the person."""
        asked = {
            "host": socket.gethostname(),
            "port": self._server.server_address[1],
            "state": self._state,
        }
        return self._manager.page(f"/app/give-access?{urlencode(asked)}")

    def wait(self, is_canceled: IsCanceled = never, patience_s: float = PATIENCE_S) -> str:
        """Return the token. The port is closed afterwards.

        Raises:
            Canceled: `is_canceled` returned True.
            ManagerError: the person has not given access in time.
        """
        deadline = time.monotonic() + patience_s
        with self._server:
            while not self._token:
                if is_canceled():
                    raise Canceled
                if time.monotonic() > deadline:
                    raise ManagerError("Nobody gave access in the browser: press Log In again")
                self._server.handle_request()
        return self._token

    def _take(self, path: str) -> bool:
        """Return whether a request brings the token."""
        query = parse_qs(urlsplit(path).query)
        state, token = (query.get(name, [""])[0] for name in ("state", "token"))
        if not token or not hmac.compare_digest(state.encode(), self._state.encode()):
            return False
        self._token = token
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        handover = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _LONGEST_REQUEST_S

            def do_GET(self) -> None:
                is_taken = handover._take(self.path)
                # Leads away from the address with the token, so that the browser keeps it nowhere.
                self.send_response(303 if is_taken else 400)
                if is_taken:
                    self.send_header("Location", handover._manager.page("/app/give-access?given=1"))
                for name, text in {**_NO_STORE, "Content-Length": "0"}.items():
                    self.send_header(name, text)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing: the address has the token."""

        return Handler
