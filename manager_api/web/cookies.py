"""The cookie of a browser's session.

Over HTTPS its name begins with `__Host-`, which no other host and no subdomain can set.
"""

from fastapi import Response
from starlette.requests import HTTPConnection

from manager_api.access.identities import LONGEST_SESSION

_PLAIN, _SECURE = "tablao-session", "__Host-tablao-session"


def session_cookie(connection: HTTPConnection) -> str:
    """Return what the session's cookie holds; empty without one."""
    return connection.cookies.get(_name(connection), "")


def set_session_cookie(response: Response, connection: HTTPConnection, value: str) -> None:
    response.set_cookie(
        _name(connection),
        value,
        max_age=int(LONGEST_SESSION.total_seconds()),
        path="/",
        secure=_is_secure(connection),
        httponly=True,
        samesite="lax",
    )


def remove_session_cookie(response: Response, connection: HTTPConnection) -> None:
    response.delete_cookie(
        _name(connection),
        path="/",
        secure=_is_secure(connection),
        httponly=True,
        samesite="lax",
    )


def _name(connection: HTTPConnection) -> str:
    return _SECURE if _is_secure(connection) else _PLAIN


def _is_secure(connection: HTTPConnection) -> bool:
    return connection.url.scheme in ("https", "wss")
