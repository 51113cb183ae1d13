"""Looks at how the manager is reached: its certificate, its address, what it announces."""

import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from activities.connections.failures import why_it_failed
from activities.process.examining import Check, HangingCalls
from manager_api.discovery.place import Place
from manager_api.settings.model import ManagerSettings
from manager_api.settings.reach import is_loopback, tls_context
from manager_api.tls.authority import CannotCertify, certificates_in
from workflows.domain import doctor_rules as rules
from workflows.domain.doctor import Finding, broken, fine, to_look_at

CERTIFICATE, ADDRESS, DISCOVERY = "certificate", "address", "discovery"

_CONNECT_S = 2.0
#: The most addresses of this machine that are tried.
_MOST_ADDRESSES = 8
_PORTS = {"http": 80, "https": 443}


def reach_checks(settings: ManagerSettings, calls: HangingCalls) -> list[Check]:
    async def address() -> Sequence[Finding]:
        return [await calls.call("the public address", lambda: _address(settings), _within_s())]

    async def discovery() -> Sequence[Finding]:
        look = calls.call("the announced addresses", lambda: _discovery(settings), _within_s())
        return [await look]

    return [
        certificate_check(settings, calls),
        Check((ADDRESS,), address, _within_s() + 1),
        Check((DISCOVERY,), discovery, _within_s() + 1),
    ]


def certificate_check(settings: ManagerSettings, calls: HangingCalls) -> Check:
    async def examine() -> Sequence[Finding]:
        return [await calls.call("the certificate", lambda: _certificate(settings))]

    return Check((CERTIFICATE,), examine)


def _within_s() -> float:
    return _MOST_ADDRESSES * _CONNECT_S + 1


def _certificate(settings: ManagerSettings) -> Finding:
    files = settings.tls_files
    if files is None:
        if settings.serves_network_in_plain:
            return to_look_at(
                CERTIFICATE,
                f"Plain HTTP is served to the network of {settings.listen}, which can read "
                "passwords, tokens and frames.",
                "Make a certificate with `tablao tls init`, or put a proxy with TLS before it.",
            )
        return fine(CERTIFICATE, "No certificate is needed: the manager serves no plain network.")
    return _of_files(*files)


def _of_files(cert: Path, key: Path) -> Finding:
    renew = "Make another with `tablao tls renew`, or set `tls.cert` and `tls.key` right."
    try:
        tls_context(cert, key)
        own = certificates_in(cert)[0]
    except (OSError, CannotCertify) as problem:
        said = f"The certificate {cert} and its key cannot be used: {problem}."
        return broken(CERTIFICATE, said, renew)
    return rules.certificate(
        CERTIFICATE, own.not_valid_after_utc, own.not_valid_before_utc, datetime.now(UTC)
    )


def _address(settings: ManagerSettings) -> Finding:
    if not settings.public_url:
        where = "this machine only" if is_loopback(settings.host) else "the network"
        return fine(ADDRESS, f"The manager listens on {settings.listen}, for {where}.")
    parts = urlsplit(settings.public_url)
    port = parts.port or _PORTS[parts.scheme]
    if why := _why_not_reached(parts.hostname or "", port):
        return to_look_at(
            ADDRESS,
            f"The public address {settings.public_url} is not reached from the manager's machine: "
            f"{why}.",
            "Look at the proxy, at the name in the DNS, and at the setting `public_url`.",
        )
    return fine(ADDRESS, f"The public address {settings.public_url} is reached.")


def _discovery(settings: ManagerSettings) -> Finding:
    if not settings.autodiscoverable or not settings.port:
        return fine(DISCOVERY, "The manager does not announce itself: workers are told --manager.")
    scheme = "https" if settings.tls_files else "http"
    try:
        place = Place.of(settings.host, settings.port, scheme, settings.public_url)
    except OSError as problem:
        return broken(
            DISCOVERY,
            f"{settings.host}, on which the manager listens, has no address: "
            f"{why_it_failed(problem)}.",
            "Set `listen` to an address of this machine, such as :8080 for all of them.",
        )
    if settings.public_url:
        return fine(DISCOVERY, f"It announces {settings.public_url}; see {ADDRESS}.")
    if place.is_on_loopback:
        return fine(DISCOVERY, "Only this machine reaches the manager, so it announces no other.")
    announced = place.addresses()[:_MOST_ADDRESSES]
    silent = [each for each in announced if _why_not_reached(each, settings.port)]
    if silent:
        return to_look_at(
            DISCOVERY,
            f"Announced, but not reached at port {settings.port}: {rules.named(silent)}.",
            "Open the port in the firewall, or set `listen` to the address that workers reach.",
        )
    return fine(DISCOVERY, f"It announces {rules.named(announced)}, and answers there.")


def _why_not_reached(host: str, port: int) -> str:
    """Return why no connection is made to an address, a clause; empty: one is."""
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_S):
            return ""
    except (OSError, UnicodeError) as problem:
        return why_it_failed(problem)
