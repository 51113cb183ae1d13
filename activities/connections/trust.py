"""Whether the manager that answers over TLS is the right one: by a pin, or by the system.

A pin is the SHA-256 of a certificate: of the authority that made the manager's certificate, or of
that certificate itself. With a pin nothing else counts, not even the system's authorities.
"""

import hashlib
import re
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit

_PIN = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_CONNECT_S = 10.0
_DER = 2
"""`_ssl.ENCODING_DER`."""


class NotTrusted(Exception):
    """No certificate that the manager shows has the pin. The text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class PinnedCertificate:
    """The certificate that a manager's chain must lead to."""

    pem: str
    is_managers: bool
    """Whether it is the manager's own. Its pin then stands for any name of the manager."""

    @property
    def pin(self) -> str:
        return _pin_of(ssl.PEM_cert_to_DER_cert(self.pem))


def checked_pin(text: str) -> str:
    """Return a pin in the form `sha256:…`; an empty text stays empty.

    Raises:
        ValueError: the text is no pin; the message is a sentence.
    """
    plain = text.strip().lower()
    if not plain:
        return ""
    digits = plain.removeprefix("sha256:").replace(":", "")
    if not _PIN.fullmatch(digits):
        raise ValueError("a pin is sha256: and 64 hexadecimal digits; `tablao tls show` prints it")
    return f"sha256:{digits}"


def fetch_pinned(url: str, pin: str) -> PinnedCertificate:
    """Return the certificate that has a pin, from those that a manager shows. Blocks.

    Raises:
        NotTrusted: it shows none with that pin.
        OSError: it cannot be reached, or does not speak TLS.
    """
    chain = _shown_chain(url)
    pins = [_pin_of(each) for each in chain]
    if pin not in pins:
        shown = ", ".join(pins) or "none"
        raise NotTrusted(
            f"What answers at {url} does not show the certificate with the pin {pin}, so it may "
            f"not be your manager. It shows: {shown}. `tablao tls show` on the manager's machine "
            "prints the right pin."
        )
    place = pins.index(pin)
    # To show a certificate in the first place takes its key.
    return PinnedCertificate(ssl.DER_cert_to_PEM_cert(chain[place]), is_managers=place == 0)


def context_of(pinned: PinnedCertificate | None) -> ssl.SSLContext:
    """Return the context for all connections to a manager; without a pin the system decides."""
    if pinned is None:
        return _systems_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = not pinned.is_managers
    # The pinned certificate is trusted itself, whoever has signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=pinned.pem)
    return context


def context_for(url: str, context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """Return the context for a WebSocket to this URL; None if it is not one over TLS."""
    is_secure = url.startswith(("https:", "wss:"))
    return (context or _systems_context()) if is_secure else None


def unverified_context() -> ssl.SSLContext:
    """Return a context that takes any certificate, for requests that tell and believe nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def why_not_trusted(error: BaseException | None, url: str) -> str:
    """Return a sentence if a request failed for the manager's certificate; empty if it did not."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    if error is None:
        return ""
    return (
        f"The certificate of {url} is not one that this machine trusts ({error.verify_message}). "
        "If it is the farm's own, say its pin: --pin sha256:…, which `tablao tls show` prints on "
        "the manager's machine."
    )


@lru_cache(maxsize=1)
def _systems_context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _shown_chain(url: str) -> list[bytes]:
    """Return the certificates that a server shows, its own first, in DER. Nothing is checked."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    with (
        socket.create_connection((host, parts.port or 443), timeout=_CONNECT_S) as plain,
        unverified_context().wrap_socket(plain, server_hostname=host) as tls,
    ):
        # Python 3.13 made the method public.
        of_socket = cast(Any, tls)
        if hasattr(of_socket, "get_unverified_chain"):
            return list(of_socket.get_unverified_chain())
        found = of_socket._sslobj.get_unverified_chain() or ()
        return [bytes(each.public_bytes(_DER)) for each in found]


def _pin_of(der: bytes) -> str:
    return f"sha256:{hashlib.sha256(der).hexdigest()}"
