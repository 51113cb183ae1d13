"""The cookies of a browser's session, and of a login that the browser has begun at the provider.

Over HTTPS its name begins with `__Host-`, which no other host and no subdomain can set. Below a
path of `public_url` it begins with `__Secure-`, because `__Host-` is for whole hosts.
"""

from datetime import timedelta

from fastapi import Response
from starlette.requests import HTTPConnection

from manager_api.access.identities import LONGEST_SESSION
from manager_api.oidc.service import LOGIN_TIME
from manager_api.web.dependencies import ManagerParts

_SESSION = "tablao-session"
_LOGIN = "tablao-login"


def session_cookie(connection: HTTPConnection) -> str:
    """Return what the session's cookie holds; empty without one."""
    return connection.cookies.get(_name(_SESSION, connection), "")


def set_session_cookie(response: Response, connection: HTTPConnection, value: str) -> None:
    _set(response, connection, _SESSION, value, LONGEST_SESSION)


def remove_session_cookie(response: Response, connection: HTTPConnection) -> None:
    response.delete_cookie(
        _name(_SESSION, connection),
        path=_path(connection) or "/",
        secure=_is_secure(connection),
        httponly=True,
        samesite="lax",
    )


def login_cookie(connection: HTTPConnection) -> str:
    """Return what binds logins at the provider to this browser; empty if it has begun none."""
    return connection.cookies.get(_name(_LOGIN, connection), "")


def set_login_cookie(response: Response, connection: HTTPConnection, value: str) -> None:
    _set(response, connection, _LOGIN, value, LOGIN_TIME)


def _set(
    response: Response, connection: HTTPConnection, name: str, value: str, kept: timedelta
) -> None:
    # `lax`: the provider's page leads back to us, and the browser must then send the cookie.
    response.set_cookie(
        _name(name, connection),
        value,
        max_age=int(kept.total_seconds()),
        path=_path(connection) or "/",
        secure=_is_secure(connection),
        httponly=True,
        samesite="lax",
    )


def _name(name: str, connection: HTTPConnection) -> str:
    if not _is_secure(connection):
        return name
    return f"{'__Secure-' if _path(connection) else '__Host-'}{name}"


def _path(connection: HTTPConnection) -> str:
    parts: ManagerParts = connection.app.state.parts
    return parts.settings.public_path


def _is_secure(connection: HTTPConnection) -> bool:
    return connection.url.scheme in ("https", "wss")
