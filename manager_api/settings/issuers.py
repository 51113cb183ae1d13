"""The rules for the settings about a studio's own login (OpenID Connect)."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from manager_api.settings.reach import is_loopback

_LONGEST_ADDRESS = 500
_LONGEST_TEXT = 500

#: Names of groups. Semicolons part them, as names in directories have commas.
GroupNames = Annotated[str, Field(max_length=4000)]


def groups_in(names: str) -> frozenset[str]:
    return frozenset(name.strip() for name in names.split(";") if name.strip())


def is_safe_address(url: str, *, may_be_here: bool) -> bool:
    """Return whether secrets may be sent to an address: by https, or to this machine.

    Args:
        may_be_here: whether http to a loopback address counts, too.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_plain = url.isascii() and url.isprintable() and not set(' "<>\\^`{|}') & set(url)
    if not host or not is_plain or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and may_be_here and is_loopback(host))


def issuer_address(text: str) -> str:
    """Return the address of an OpenID provider as it was written, without space around it.

    Raises:
        ValueError: it cannot be one; the message is a sentence.
    """
    url = text.strip()
    if not url:
        return ""
    if len(url) > _LONGEST_ADDRESS or "?" in url or not is_safe_address(url, may_be_here=True):
        raise ValueError(
            f'"{url[:100]}" is no address of a provider such as https://login.studio/farm: it '
            "begins with https:// (on this machine also http://), and has no question mark"
        )
    return url


def plain_text(text: str) -> str:
    """Return a name or a secret of a client, without space around it.

    Raises:
        ValueError: it has other characters than those that OAuth allows, or too many.
    """
    word = text.strip()
    # The message does not quote it, because it may be a secret.
    if len(word) > _LONGEST_TEXT or not word.isascii() or not (word.isprintable() or not word):
        raise ValueError(f"it may have {_LONGEST_TEXT} printable characters of ASCII at most")
    return word
