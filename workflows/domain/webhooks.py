"""Webhooks: which addresses may be called, and how messages are signed.

Source of the signature: the Standard Webhooks specification, version 1.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

_PREFIX = "whsec_"
LONGEST_ADDRESS = 2_048
_LEAST_KEY, _LARGEST_KEY = 24, 64

#: Where clouds give a machine its own credentials, besides link-local addresses.
_METADATA = frozenset(
    ip_address(each)
    for each in (
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:42::42",
        "fd00:c1::a9fe:a9fe",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
#: IPv6 networks whose addresses contain an IPv4 address in their last four bytes.
_IN_LAST_BYTES = (ip_network("64:ff9b::/96"), ip_network("::/96"), ip_network("::ffff:0:0:0/96"))
#: A network of the site's own NAT64 (RFC 8215). RFC 6052 has the places of the IPv4 address in it;
#: the byte between bits 64 and 72 is left out. The site decides which of them it is.
_LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
#: ISATAP (RFC 5214): the IPv4 address follows these four bytes, in an address of any network.
_ISATAP = (0x00005EFE, 0x02005EFE)
_WORD = 0xFFFFFFFF


class NotAllowed(ValueError):
    """An address may not be called; the message is a sentence for users."""


def checked_address(text: str) -> str:
    """Return a webhook's address.

    Raises:
        NotAllowed: it is none that the manager calls.
    """
    # No message quotes the address, because it often has a secret in it.
    if len(text) > LONGEST_ADDRESS or not text.isascii() or any(c <= " " for c in text):
        raise NotAllowed("a webhook's address is at most 2,048 ASCII characters without spaces")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise NotAllowed("a webhook's address is written https://host/path") from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise NotAllowed("a webhook's address is written https://host/path")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise NotAllowed("a webhook's address has no user, no password and no #")
    try:
        number = ip_address(host)
    except ValueError:
        return text
    check_number(number)
    return text


def check_number(number: IPv4Address | IPv6Address) -> None:
    """Check that a machine with this IP address may be called.

    Private addresses may: a studio's chat is on its own network.

    Raises:
        NotAllowed: it may not.
    """
    if any(_is_refused(each) for each in (number, *_within(number))):
        raise NotAllowed(
            "this address is not called: it is link-local, reserved, or a cloud's metadata"
        )


def _is_refused(number: IPv4Address | IPv6Address) -> bool:
    return (
        number.is_link_local
        or number.is_multicast
        or number.is_unspecified
        or _is_reserved(number)
        or number in _METADATA
    )


def _is_reserved(number: IPv4Address | IPv6Address) -> bool:
    """Return whether an address has no use yet. Of IPv6, such ones may have an IPv4 one in them."""
    return isinstance(number, IPv4Address) and number.is_reserved


def _within(number: IPv4Address | IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses to which an IPv6 address may lead, by any way of transition."""
    if isinstance(number, IPv4Address) or number.is_loopback:
        return
    value = int(number)
    if number.ipv4_mapped is not None:
        yield number.ipv4_mapped
    if number.sixtofour is not None:
        yield number.sixtofour
    if number.teredo is not None:
        yield from number.teredo
    if any(number in network for network in _IN_LAST_BYTES) or (value >> 32) & _WORD in _ISATAP:
        yield IPv4Address(value & _WORD)
    if number in _LOCAL_NAT64:
        without_gap = (value >> 64 << 56) | (value & (1 << 56) - 1)
        found = [value & _WORD, *(without_gap >> (88 - bits) & _WORD for bits in (48, 56, 64))]
        # Where the address is not, there are zeros.
        yield from (IPv4Address(each) for each in found if each)


def shown_address(address: str) -> str:
    """Return the part of an address that is no secret: scheme, host and port."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/…"


# --- signatures -----------------------------------------------------------------------------------


def secret_of(key: bytes) -> str:
    """Return a key as receivers are given it."""
    return f"{_PREFIX}{base64.b64encode(key).decode()}"


def checked_secret(text: str) -> str:
    """
    Raises:
        NotAllowed: it is no secret of the specification's form.
    """
    try:
        key = _key(text)
    except (ValueError, binascii.Error):
        key = b""
    if not _LEAST_KEY <= len(key) <= _LARGEST_KEY:
        raise NotAllowed("a secret is whsec_ and 24 to 64 bytes in Base64")
    return text


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature` of a message that is sent at `timestamp`."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        raise ValueError("no prefix")
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
