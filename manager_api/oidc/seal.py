"""Secrets of a begun login and of a session that the database alone does not give away.

They are made from what is in the browser's cookie, of which the database has a digest only.
"""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken

#: Longer ID tokens are not kept, because a logout sends them in an address. The provider then asks
#: the person whether to log out.
_LONGEST = 6 * 1024


def verifier(cookie: str, state: str) -> str:
    """Return the code verifier (RFC 7636) of a begun login."""
    return _made(cookie, f"verifier {state}")


def nonce(cookie: str, state: str) -> str:
    return _made(cookie, f"nonce {state}")


def sealed(id_token: str, cookie: str) -> str | None:
    """Return an ID token that only the session's cookie opens; None if it is too long."""
    if len(id_token) > _LONGEST:
        return None
    return _fernet(cookie).encrypt(id_token.encode()).decode()


def opened(text: str, cookie: str) -> str | None:
    try:
        return _fernet(cookie).decrypt(text.encode()).decode()
    except InvalidToken:
        return None


def _fernet(cookie: str) -> Fernet:
    return Fernet(_made(cookie, "id token") + "=")


def _made(cookie: str, purpose: str) -> str:
    made = hmac.digest(cookie.encode(), purpose.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
