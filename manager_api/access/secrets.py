"""Secrets that the manager hands out: how they look, and how they are stored.

They are long and random, so a plain digest keeps them; only passwords need more (`passwords.py`).
"""

import hashlib
import secrets
from enum import StrEnum


class SecretKind(StrEnum):
    USER = "user"
    SERVICE = "service"
    JOIN = "join"
    LOCAL = "local"
    LINK = "link"


_BYTES = 32
#: No secret is longer; a longer text is not looked up.
LONGEST = 128


def new_secret(kind: SecretKind) -> str:
    """Return `tablao_<kind>_<random>`, so that a leaked secret shows what it is."""
    return f"tablao_{kind}_{secrets.token_urlsafe(_BYTES)}"


def looks_like(text: str, *kinds: SecretKind) -> bool:
    return len(text) <= LONGEST and any(text.startswith(f"tablao_{kind}_") for kind in kinds)


def digest(secret: str) -> str:
    """Return what is stored in place of a secret: 64 characters."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
