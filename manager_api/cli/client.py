"""A client of the manager's HTTP API for `tablao`. Every failure becomes a sentence."""

import getpass
import os
import re
import ssl
from functools import cached_property
from typing import Annotated, Any, Self
from urllib.parse import urljoin

import httpx
import typer

from activities.connections.trust import (
    NotTrusted,
    checked_pin,
    context_of,
    fetch_pinned,
    why_not_trusted,
)
from manager_api.cli.console import CommandError
from manager_api.cli.credentials import token_for

DEFAULT_URL = "http://127.0.0.1:8080"

#: The environment variable of the pin; `tablao --pin` sets it, too.
PIN = "TABLAO_PIN"

_LOCALHOST = re.compile(r"^http://localhost(?=[:/]|$)", re.IGNORECASE)

ManagerUrl = Annotated[
    str, typer.Option("--manager", envvar="TABLAO_MANAGER", help="Address of the manager.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print what the manager answers, as JSON.")]


class ManagerUnreachable(CommandError):
    """No manager answered. A later request may succeed."""


class Refused(CommandError):
    """The manager refused the request. The sentence is the manager's own."""

    def __init__(self, sentence: str, status_code: int) -> None:
        super().__init__(sentence)
        self.status_code = status_code

    @property
    def may_pass(self) -> bool:
        """Whether a later request may succeed, because the manager is busy or has failed."""
        return self.status_code >= httpx.codes.INTERNAL_SERVER_ERROR


class Manager:
    """A connection to one manager, for the duration of a command."""

    def __init__(
        self,
        url: str,
        timeout_s: float = 30.0,
        *,
        pin: str = "",
        token: str | None = None,
        is_browser: bool = False,
    ) -> None:
        """
        Args:
            url: the manager's address.
            timeout_s: how long to wait for an answer.
            pin: the pin by which the manager is known; empty: see `context`.
            token: what to show; None: the token that this user has for this manager.
            is_browser: act as a page of the manager, from which alone it takes a session's cookie.
        """
        self.url = in_full(url)
        self._timeout_s = timeout_s
        self._pin = pin
        self._token = token_for(self.url) if token is None else token
        self._said = {"sec-fetch-site": "same-origin"} if is_browser else {}
        self._client: httpx.Client | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that hold this user's credentials."""
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The context for TLS to this manager: that of the pin, if one was given.

        Raises:
            CommandError: the manager does not show the certificate with the pin, or is not reached.
        """
        pin = self._pin or given_pin()
        if not pin or not self.url.startswith("https://"):
            return context_of(None)
        try:
            return context_of(fetch_pinned(self.url, pin))
        except NotTrusted as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as problem:
            raise ManagerUnreachable(f"No manager answers at {self.url}: {problem}.") from problem

    def get(self, path: str) -> Any:
        """Return the decoded answer; None if it is empty."""
        return self._json(self._request("GET", path))

    def text(self, path: str) -> str:
        """Return the text of the answer; empty if there is none, or none yet."""
        return self._request("GET", path).text

    def text_at(self, address: str) -> str:
        """Return the text at an address of an answer, which begins at the root of the site."""
        return self._requested("GET", urljoin(self.url, address)).text

    def post(self, path: str, body: Any) -> Any:
        """Return the decoded answer; None if it is empty."""
        return self._json(self._request("POST", path, body))

    def put(self, path: str, body: Any) -> Any:
        """Return the decoded answer; None if it is empty."""
        return self._json(self._request("PUT", path, body))

    def patch(self, path: str, body: Any) -> Any:
        """Return the decoded answer; None if it is empty."""
        return self._json(self._request("PATCH", path, body))

    def delete(self, path: str, body: Any = None) -> None:
        self._request("DELETE", path, body)

    def _request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self._requested(method, f"{self.url}{path}", body)

    def _requested(self, method: str, url: str, body: Any = None) -> httpx.Response:
        if self._client is None:
            self._client = httpx.Client(
                timeout=self._timeout_s, follow_redirects=True, verify=self.context
            )
        try:
            response = self._client.request(
                method, url, json=body, headers={**self.headers, **self._said}
            )
        except UnicodeEncodeError as problem:
            raise CommandError(
                f"{problem.object.encode(errors='replace').decode()!r} is not UTF-8."
            ) from None
        except httpx.TimeoutException:
            raise ManagerUnreachable(
                f"The manager at {self.url} did not answer within {self._timeout_s:g} s."
            ) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise CommandError(f"{self.url} is not the address of a manager.") from None
        except httpx.HTTPError as problem:
            raise self._not_reached(problem) from None
        if response.is_error:
            raise Refused(_reason(response), response.status_code)
        return response

    def _not_reached(self, problem: httpx.HTTPError) -> CommandError:
        if sentence := why_not_trusted(problem, self.url):
            return CommandError(sentence)
        is_broken = isinstance(problem, httpx.ReadError | httpx.RemoteProtocolError)
        if is_broken and self.url.startswith("http:"):
            return ManagerUnreachable(
                f"The connection to {self.url} broke. If the manager speaks TLS, its address is "
                f"{self.url.replace('http:', 'https:', 1)}."
            )
        return ManagerUnreachable(
            f"No manager answers at {self.url}. Start one with `tablao up`, "
            "or say where it is with --manager."
        )

    def _json(self, response: httpx.Response) -> Any:
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        try:
            return response.json()
        except ValueError:
            raise CommandError(f"What answers at {self.url} is not a Tablao manager.") from None


def in_full(url: str) -> str:
    """Return an address as people type it, such as `farm:8080`, with its scheme.

    Without TLS, localhost becomes 127.0.0.1: programs try ::1 first, where another user of the
    machine may listen.
    """
    url = (url if "://" in url else f"http://{url}").rstrip("/")
    return _LOCALHOST.sub("http://127.0.0.1", url)


def _reason(response: httpx.Response) -> str:
    try:
        message = response.json()["message"]
    except (ValueError, KeyError, TypeError):
        message = None
    if isinstance(message, str) and message:
        return message
    return f"The manager answered HTTP {response.status_code} {response.reason_phrase}."


def given_pin() -> str:
    """Return the pin of the manager's certificate that the user gave; empty if there is none.

    Raises:
        CommandError: it is no pin.
    """
    try:
        return checked_pin(os.environ.get(PIN, ""))
    except ValueError as refusal:
        raise CommandError(f"{PIN}: {refusal}.") from refusal


def system_user() -> str:
    """Return the name of this process's user; empty if it has none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def default_reason() -> str:
    """Return a reason for a status change, which users see with the job."""
    return f"by {system_user() or 'an unknown user'}, with the tablao command"
