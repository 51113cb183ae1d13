"""A client of the manager's HTTP API for `tablao`. Every failure becomes a sentence."""

import getpass
from typing import Annotated, Any, Self
from urllib.parse import urljoin

import httpx
import typer

from manager_api.cli.console import CommandError
from manager_api.cli.credentials import token_for

DEFAULT_URL = "http://127.0.0.1:8080"

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
        token: str | None = None,
        client: httpx.Client | None = None,
    ) -> None:
        """
        Args:
            url: the manager's address.
            timeout_s: how long to wait for an answer.
            token: what to show; None: the token that this user has for this manager.
            client: the connection to use; None: a new one.
        """
        self.url = in_full(url)
        self._timeout_s = timeout_s
        self._token = token_for(self.url) if token is None else token
        self._client = client or httpx.Client(timeout=timeout_s, follow_redirects=True)

    @property
    def headers(self) -> dict[str, str]:
        """The headers that hold this user's credentials."""
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        """Return the decoded answer; None if it is empty."""
        return self._json(self._request("GET", path))

    def text(self, path: str) -> str:
        """Return the text of the answer; empty if there is none, or none yet."""
        return self._request("GET", path).text

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
        try:
            response = self._client.request(
                method, urljoin(f"{self.url}/", path), json=body, headers=self.headers
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
        except httpx.HTTPError:
            raise ManagerUnreachable(
                f"No manager answers at {self.url}. Start one with `tablao up`, "
                "or say where it is with --manager."
            ) from None
        if response.is_error:
            raise Refused(_reason(response), response.status_code)
        return response

    def _json(self, response: httpx.Response) -> Any:
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        try:
            return response.json()
        except ValueError:
            raise CommandError(f"What answers at {self.url} is not a Tablao manager.") from None


def in_full(url: str) -> str:
    """Return an address as people type it, such as `farm:8080`, with its scheme."""
    return (url if "://" in url else f"http://{url}").rstrip("/")


def _reason(response: httpx.Response) -> str:
    try:
        message = response.json()["message"]
    except (ValueError, KeyError, TypeError):
        message = None
    if isinstance(message, str) and message:
        return message
    return f"The manager answered HTTP {response.status_code} {response.reason_phrase}."


def default_reason() -> str:
    """Return a reason for a status change, which users see with the job."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):
        # In a container the user's id may have no name.
        who = "an unknown user"
    return f"by {who}, with the tablao command"
