"""The cookie of a browser's session.

Over HTTPS its name begins with `__Host-`, which no other host and no subdomain can set. Below a
path of `public_url` it begins with `__Secure-`, because `__Host-` is for whole hosts.
"""

from fastapi import Response
from starlette.requests import HTTPConnection

from manager_api.access.identities import LONGEST_SESSION
from manager_api.web.dependencies import ManagerParts

_NAME = "tablao-session"


def session_cookie(connection: HTTPConnection) -> str:
    """Return what the session's cookie holds; empty without one."""
    return connection.cookies.get(_name(connection), "")


def set_session_cookie(response: Response, connection: HTTPConnection, value: str) -> None:
    response.set_cookie(
        _name(connection),
        value,
        max_age=int(LONGEST_SESSION.total_seconds()),
        path=_path(connection) or "/",
        secure=_is_secure(connection),
        httponly=True,
        samesite="lax",
    )


def remove_session_cookie(response: Response, connection: HTTPConnection) -> None:
    response.delete_cookie(
        _name(connection),
        path=_path(connection) or "/",
        secure=_is_secure(connection),
        httponly=True,
        samesite="lax",
    )


def _name(connection: HTTPConnection) -> str:
    if not _is_secure(connection):
        return _NAME
    return f"{'__Secure-' if _path(connection) else '__Host-'}{_NAME}"


def _path(connection: HTTPConnection) -> str:
    parts: ManagerParts = connection.app.state.parts
    return parts.settings.public_path


def _is_secure(connection: HTTPConnection) -> bool:
    return connection.url.scheme in ("https", "wss")
