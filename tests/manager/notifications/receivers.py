"""A webhook's receiver and a mail server, on real ports of this machine, in threads."""

import base64
import email
import json
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: Mapping[str, str]
    content: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.content))


@dataclass
class WebhookReceiver:
    """`with WebhookReceiver() as receiver: …`; `receiver.url` is its address."""

    status: int = 204
    """Of the answers. A redirect leads to `/elsewhere`."""
    answer: bytes = b""
    received: list[Received] = field(default_factory=list)
    on_request: Callable[[], None] = lambda: None
    """Called before each answer, after the request was noted."""

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["content-length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, self.rfile.read(size)))
                receiver.on_request()
                self.send_response(receiver.status)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/T0/s3cret-path"

    def by_id(self) -> Counter[str]:
        """How often each id came."""
        return Counter(each.id for each in self.received)

    def arrivals(self) -> list[tuple[str, float]]:
        """The id of each message, and when it came, by the clock of this process."""
        return [(each.id, each.at) for each in self.received]


@dataclass
class MailServer:
    """`with MailServer() as server: …`; takes what is sent, with a login of `farm`, `s3cret-pw`."""

    refuse: str = ""
    """Answered to RCPT, if it is not empty."""
    answers: dict[str, str] = field(default_factory=dict)
    """Other answers to verbs. After an empty one the connection ends."""
    mails: list[Message] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """When each mail came, by the clock of this process."""
    recipients: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    on_mail: Callable[[], None] = lambda: None
    """Called when a mail is there, before it is acknowledged."""

    def __enter__(self) -> Self:
        mail_server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                _Conversation(mail_server, self).hold()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(cast(tuple[str, int], self._server.server_address)[1])

    def by_id(self) -> Counter[str]:
        return Counter(str(mail["Message-ID"]) for mail in self.mails)

    def arrivals(self) -> list[tuple[str, float]]:
        return [
            (str(mail["Message-ID"]), at) for mail, at in zip(self.mails, self.times, strict=True)
        ]

    def forget(self) -> None:
        self.mails.clear()
        self.times.clear()


class _Conversation:
    def __init__(self, server: MailServer, handler: socketserver.StreamRequestHandler) -> None:
        self._server = server
        self._handler = handler

    def hold(self) -> None:
        try:
            self._say("220 test ESMTP")
            while line := self._handler.rfile.readline():
                other = self._server.answers.get(line[:4].decode().upper())
                if other is not None:
                    self._say(*other.splitlines())
                if other == "" or (other is None and not self._answer(line.decode().strip())):
                    return
        except (TimeoutError, ConnectionError):
            pass  # The manager was killed.

    def _answer(self, line: str) -> bool:
        """Return whether the conversation goes on."""
        verb = line[:4].upper()
        if verb == "EHLO":
            self._say("250-test")
            self._say("250 AUTH PLAIN")
        elif verb == "AUTH":
            self._server.logins.append(base64.b64decode(line.split()[-1]).decode())
            self._say("235 ok")
        elif verb == "RCPT" and self._server.refuse:
            self._say(self._server.refuse)
        elif verb == "RCPT":
            self._server.recipients.append(line.partition(":")[2])
            self._say("250 ok")
        elif verb == "DATA":
            self._say("354 go on")
            self._take()
        elif verb == "QUIT":
            self._say("221 bye")
            return False
        else:
            self._say("250 ok")
        return True

    def _take(self) -> None:
        lines = []
        while (line := self._handler.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        self._server.times.append(time.monotonic())
        self._server.mails.append(email.message_from_bytes(b"".join(lines)))
        self._server.on_mail()
        self._say("250 taken")

    def _say(self, *lines: str) -> None:
        for line in lines:
            self._handler.wfile.write(f"{line}\r\n".encode())
