"""Sends requests to a manager. Every failure becomes one sentence for the artist."""

import json as jsonlib
import os
import re
import socket
import ssl
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from .addresses import BadAddress, is_this_machine, normalized
from .connections import connection_to, headers_for_proxy
from .interruptible import interruptible
from .progress import IsCanceled, never

#: In bytes. A list of ten thousand jobs has about 20 MB; no manager sends more than this.
_LONGEST_ANSWER = 256 * 1024 * 1024
_SUCCESS = range(200, 300)
_NOT_PLAIN = re.compile(r"\\u(0000|d[89a-f])", re.IGNORECASE)
#: Explanations of failures for people; the first that fits is used.
_WHY: Sequence[tuple[type[Exception], str]] = (
    (socket.gaierror, "there is no machine of this name"),
    (ConnectionRefusedError, "nothing listens there"),
    (ConnectionError, "it broke the connection off"),
    (ssl.SSLError, "it does not speak https there"),
    (HTTPException, "what answers there does not speak HTTP"),
)


class ManagerError(Exception):
    """A request failed, or the manager refused it. The text is one sentence for the artist."""

    def __init__(self, message: str, status: int | None = None) -> None:
        """
        Args:
            status: the status of the HTTP answer; None: there was no answer.
        """
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Headers by their names in small letters."""
    body: bytes = field(repr=False)


class Manager:
    """A manager at an address. Any thread may use it: each request has its own connection."""

    def __init__(
        self,
        address: str,
        token: str = "",
        timeout_s: float = 10.0,
        is_canceled: IsCanceled = never,
        authority: str = "",
    ) -> None:
        """
        Args:
            address: the address as typed; without a scheme it gets http.
            token: an API token; empty: none.
            timeout_s: for how long the manager may be silent.
            is_canceled: when it returns True, requests stop waiting and raise `Canceled`.
            authority: the file of the only authority whose certificates count; empty: the system's
                authorities do.

        Raises:
            ManagerError: the address or the token is not valid, or others could read the token.
        """
        try:
            self.address = normalized(address)
        except BadAddress as error:
            raise ManagerError(str(error)) from error
        self._parts = urlsplit(self.address)
        self._token = token.strip()
        if any(ord(each) not in range(0x21, 0x7F) for each in self._token):
            raise ManagerError("The API token has characters that no token has: copy it again")
        if self._token and not self._is_private():
            raise ManagerError(
                f"{self.address} is not https, so others on the network could read the API token: "
                "type the manager's https address, or remove the token"
            )
        self._timeout_s = timeout_s
        self._is_canceled = is_canceled
        self._authority = authority

    def __repr__(self) -> str:
        return f"Manager({self.address!r})"

    def _is_private(self) -> bool:
        """Return whether no other machine can read requests on their way."""
        return self._parts.scheme == "https" or is_this_machine(self._parts.hostname or "")

    def with_timeout(self, timeout_s: float) -> "Manager":
        return Manager(self.address, self._token, timeout_s, self._is_canceled, self._authority)

    def cancelable(self, is_canceled: IsCanceled) -> "Manager":
        return Manager(self.address, self._token, self._timeout_s, is_canceled, self._authority)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | BinaryIO | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = _SUCCESS,
    ) -> Answer:
        """Send one request.

        If reading `body` raises an exception other than OSError, this raises the same exception.
        Args:
            path: the quoted path after the manager's address: `/api/v3/version`.
            json: a value to send as the body; None: `body` is sent.
            accept: the statuses that are no refusals.

        Raises:
            ManagerError: the manager is not reached, or answers with another status.
        """
        sent = {"Accept": "application/json, */*;q=0.5", **(headers or {})}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        if json is not None:
            body = jsonlib.dumps(json, allow_nan=False).encode()
            sent["Content-Type"] = "application/json"
        answer = self._exchanged(method, path, body, sent)
        if answer.status not in accept:
            raise ManagerError(self._refusal(answer), answer.status)
        return answer

    def get(self, path: str) -> Any:
        """Return the decoded answer; None if it is empty."""
        return self._decoded(self.request("GET", path))

    def post(self, path: str, json: Any) -> Any:
        """Return the decoded answer; None if it is empty."""
        return self._decoded(self.request("POST", path, json=json))

    def bytes_of(self, path: str) -> bytes:
        return self.request("GET", path).body

    def path_below(self, path: str) -> str:
        """Return a path of an answer, which begins at the root of the site, for a request.

        The manager may live in a folder of a larger site. Its address then has the folder's path.
        """
        folder = self._parts.path
        return path.removeprefix(folder) if path.startswith(f"{folder}/") else path

    def page(self, path: str) -> str:
        """Return the URL of a page of the manager, for a browser."""
        return f"{self.address}{path}"

    def _exchanged(
        self, method: str, path: str, body: bytes | BinaryIO | None, headers: dict[str, str]
    ) -> Answer:
        if self._is_canceled is never:
            return self._exchange(method, path, body, headers)
        return interruptible(lambda: self._exchange(method, path, body, headers), self._is_canceled)

    def _exchange(
        self, method: str, path: str, body: bytes | BinaryIO | None, headers: dict[str, str]
    ) -> Answer:
        try:
            connection, prefix = connection_to(self._parts, self._timeout_s, self._authority)
            headers |= headers_for_proxy(self._parts)
            try:
                target = f"{prefix}{self._parts.path}{path}"
                return self._answer(_asked(connection, method, target, body, headers))
            finally:
                connection.close()
        except (OSError, HTTPException) as error:
            raise ManagerError(self._not_reached(error)) from error

    def _answer(self, response: HTTPResponse) -> Answer:
        body = response.read(_LONGEST_ANSWER + 1)
        if len(body) > _LONGEST_ANSWER:
            raise ManagerError(f"The answer of {self.address} is too long", response.status)
        return Answer(
            response.status, {name.lower(): text for name, text in response.getheaders()}, body
        )

    def _decoded(self, answer: Answer) -> Any:
        if not answer.body:
            return None
        try:
            return _decoded_json(answer.body)
        except (ValueError, RecursionError):
            raise ManagerError(
                f"{self.address} is no Flamenco or Tablao manager: its answer is not JSON. "
                "Check the address",
                answer.status,
            ) from None

    def _refusal(self, answer: Answer) -> str:
        if said := _message(answer.body):
            return said
        if answer.status in (401, 403):
            return f"The manager at {self.address} wants a valid API token: set one"
        if answer.status == 404:
            return f"{self.address} has nothing there: is it a Flamenco or Tablao manager?"
        if 300 <= answer.status < 400:
            where = answer.headers.get("location", "elsewhere")
            return f"{self.address} points to {where}: type the address where the manager is"
        return f"The manager at {self.address} answered with status {answer.status}"

    def _not_reached(self, error: Exception) -> str:
        why = next((said for kind, said in _WHY if isinstance(error, kind)), "")
        if isinstance(error, TimeoutError):
            why = f"silence for {self._timeout_s:g} s"
        if isinstance(error, ssl.SSLCertVerificationError):
            why = f"its certificate is not trusted ({error.verify_message})"
        if not why:
            why = getattr(error, "strerror", None) or str(error) or "the connection failed"
        return f"No manager answers at {self.address}: {why}"


def _asked(
    connection: HTTPConnection,
    method: str,
    target: str,
    body: bytes | BinaryIO | None,
    headers: dict[str, str],
) -> HTTPResponse:
    if body is not None and not isinstance(body, bytes) and "Content-Length" not in headers:
        headers["Content-Length"] = str(_length_left(body))
    try:
        connection.request(method, target, body, headers)
    except (BrokenPipeError, ConnectionResetError):
        # A manager that refuses a body answers before it has read all of it. Read that answer.
        if connection.sock is None:
            raise
    return connection.getresponse()


def _decoded_json(body: bytes) -> Any:
    """Decode JSON, and replace characters in it that Blender cannot show or send back."""
    text = body.decode(errors="replace")
    decoded = jsonlib.loads(text)
    # One search of the whole text is faster than to check each text of ten thousand jobs.
    return _plain(decoded) if _NOT_PLAIN.search(text) else decoded


def _plain(decoded: Any) -> Any:
    """Remove NUL characters, which would end a text, and replace lone surrogates."""
    if isinstance(decoded, str):
        return decoded.replace("\0", "").encode(errors="replace").decode()
    if isinstance(decoded, list):
        return [_plain(each) for each in decoded]
    if isinstance(decoded, dict):
        return {_plain(name): _plain(value) for name, value in decoded.items()}
    return decoded


def _length_left(body: BinaryIO) -> int:
    here = body.tell()
    length = body.seek(0, os.SEEK_END) - here
    body.seek(here)
    return length


def _message(body: bytes) -> str:
    """Return the manager's own message; empty if the body has none."""
    try:
        said = _decoded_json(body)
    except (ValueError, RecursionError):
        return ""
    text = said.get("message") if isinstance(said, dict) else said
    return text.strip() if isinstance(text, str) else ""
