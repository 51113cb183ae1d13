"""Addresses of e-mail, as far as we take them: plain ones, which need no quoting in a header."""

import re

_LONGEST = 254
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#: `=?` begins an encoded word, which mail programs decode to other text.
_PLAIN = re.compile(rf"(?!.*=\?){_LOCAL}@{_LABEL}(?:\.{_LABEL})*")


def checked_email(text: str) -> str:
    """Return the address without spaces around it.

    Raises:
        ValueError: it is none; the message is a sentence for users.
    """
    address = text.strip(" ")
    if len(address) > _LONGEST or not _PLAIN.fullmatch(address):
        raise ValueError("an e-mail address is written name@studio.example")
    return address
