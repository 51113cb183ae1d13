"""Finds out who makes a request: by session, token, address or network, or nobody.

docs/access.md has the ways. Workers prove themselves with the secret of their registration, and are
no callers here (`auth.py`).
"""

import base64
import binascii
import ipaddress
from dataclasses import replace
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from manager_api.access.local_admin import local_admin
from manager_api.contract.errors import NotAuthenticated
from manager_api.settings.addresses import ip_of
from manager_api.settings.model import ManagerSettings
from manager_api.web.cookies import session_cookie
from manager_api.web.dependencies import ManagerParts
from manager_api.web.outer_checks import HARMLESS, PATH_TOKEN, says_it_is_of_own_page
from manager_api.web.proxies import client_of, proxies_of, says_proxy
from workflows.domain.access import (
    NOBODY,
    PERMISSIONS,
    Identity,
    Kind,
    Permission,
    Role,
    Via,
)

_MACHINE = Identity(
    kind=Kind.MACHINE,
    name="this machine",
    role=Role.WRANGLER,
    permissions=PERMISSIONS[Role.WRANGLER],
    via=Via.LOOPBACK,
)
_NETWORK = Identity(
    kind=Kind.NETWORK,
    name="legacy network",
    role=Role.ARTIST,
    permissions=PERMISSIONS[Role.ARTIST],
    via=Via.NETWORK,
)


async def identify(connection: HTTPConnection, parts: ManagerParts) -> Identity:
    """Return who makes this request.

    Raises:
        NotAuthenticated: the request shows a token that does not count, or a page of another site
            makes it with a person's cookie.
    """
    token = shown_token(connection)
    if token:
        return await _of_token(token, connection, parts)
    if path_token := connection.scope.get(PATH_TOKEN):
        found = await parts.identities.of_token(path_token)
        if found is None:
            raise NotAuthenticated("the token in the address does not count")
        return _submitter(found)
    if cookie := session_cookie(connection):
        found = await parts.identities.of_session(cookie)
        if found is not None:
            _check_own_page(connection, parts)
            return found
    if parts.settings.lets_this_machine_in and acts_as_this_machine(connection):
        return _MACHINE
    if _is_in_legacy_network(connection, parts.settings):
        return _NETWORK
    return NOBODY


async def _of_token(token: str, connection: HTTPConnection, parts: ManagerParts) -> Identity:
    if calls_from_this_machine(connection) and parts.identities.local.is_token(token):
        return local_admin(Via.LOCAL_TOKEN)
    found = await parts.identities.of_token(token)
    if found is None:
        raise NotAuthenticated("this token does not count: it is unknown, expired or removed")
    return found


def shown_token(connection: HTTPConnection) -> str:
    """Return the token of the header `Authorization`; empty if it has none.

    It may also be the user or the password of HTTP Basic authentication: that is what programs send
    for `http://TOKEN@manager`.
    """
    scheme, _, rest = connection.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            try:
                user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
            except (binascii.Error, ValueError):
                return ""
            return next((each for each in (user, password) if each.startswith("tablao_")), "")
    return ""


def _submitter(identity: Identity) -> Identity:
    """Limit a token in the address to submissions, since addresses are in logs and histories."""
    return replace(identity, permissions=identity.permissions & {Permission.SUBMIT}, via=Via.PATH)


def _check_own_page(connection: HTTPConnection, parts: ManagerParts) -> None:
    """Check that a page of ours sends the cookie, where the request may change something."""
    scope = connection.scope
    changes = scope["type"] == "websocket" or scope["method"] not in HARMLESS
    origin = parts.settings.public_origin
    if changes and not says_it_is_of_own_page(connection.headers, origin):
        raise NotAuthenticated("only pages of this manager may use a login")


def calls_from_this_machine(connection: HTTPConnection) -> bool:
    """Return whether the client runs on this machine."""
    try:
        return connection.client is not None and ip_of(connection.client.host).is_loopback
    except ValueError:
        return False


def acts_as_this_machine(connection: HTTPConnection) -> bool:
    """Return whether a client on this machine asks for itself, by a name of this machine.

    Refuse proxies, which say in a header that they ask for another client, and pages of other sites
    that reach this machine through a foreign name.
    """
    is_by_name = _is_this_machine(connection.headers.get("host", ""))
    is_for_another = client_of(connection.scope).came_by_proxy
    return calls_from_this_machine(connection) and is_by_name and not is_for_another


def _is_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        # A name with a dot at its end is complete: the machine's domain is not added to it.
        return name.removesuffix(".") == "localhost" or ip_of(name).is_loopback
    except ValueError:
        return False


def _is_in_legacy_network(connection: HTTPConnection, settings: ManagerSettings) -> bool:
    """Return whether a client in one of the networks asks for itself.

    A proxy in such a network is not its clients: it counts only if it is trusted, and names one.
    """
    if not settings.legacy_networks or connection.client is None:
        return False
    host = connection.client.host
    try:
        address = ip_of(host)
    except ValueError:
        return False
    if client_of(connection.scope).came_by_proxy:
        is_proxys_own = proxies_of(settings)(host)
    else:
        is_proxys_own = says_proxy(connection.scope)
    networks = map(ipaddress.ip_network, settings.legacy_networks)
    return not is_proxys_own and any(address in network for network in networks)
