"""The manager's own user: who can read its files, or its terminal, is its administrator.

At each start, the manager writes a new token into a file that only its own user can read; `tablao`
takes it from there. A one-time link makes a browser's session of it.
"""

import hmac
import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from manager_api.access.secrets import SecretKind, new_secret
from manager_api.settings.reach import own_loopback_addresses
from workflows.domain.access import PERMISSIONS, Identity, Kind, Role, Via
from workflows.domain.bounded_dict import BoundedDict

#: The file in the data directory.
TOKEN_FILE = "local-admin-token"
#: How long a one-time link can be used, in seconds.
LINK_S = 600.0
_LINKS_AT_ONCE = 20
#: How the manager's own user is called.
NAME = "the manager's own user"


def local_admin(via: Via, credential: str = "") -> Identity:
    return Identity(
        kind=Kind.PERSON,
        name=NAME,
        role=Role.ADMIN,
        permissions=PERMISSIONS[Role.ADMIN],
        via=via,
        credential=credential,
    )


class LocalAdmin:
    """The token of this process, and the one-time links that are open."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._token = new_secret(SecretKind.LOCAL)
        self._links: BoundedDict[str, float] = BoundedDict(_LINKS_AT_ONCE)

    @property
    def token(self) -> str:
        return self._token

    def write(self, data_dir: Path, host: str, port: int) -> None:
        """Replace the token's file, with mode 600 from its first moment.

        It names the manager's loopback addresses, so that `tablao` shows the token to no other
        program: other users of the machine may listen at the same port of another one.

        Args:
            data_dir: the manager's data directory.
            host: what the manager listens on.
            port: the port there.
        """
        path = data_dir / TOKEN_FILE
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(" ".join((self._token, str(port), *own_loopback_addresses(host))))
        draft.replace(path)

    def is_token(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(), self._token.encode())

    def new_link(self) -> str:
        """Return the code of a new one-time link."""
        code = new_secret(SecretKind.LINK)
        self._links[code] = self._clock() + LINK_S
        return code

    def take_link(self, code: str) -> bool:
        """Return whether a code is that of an open link; it is used up by that."""
        until = self._links.pop(code, None)
        return until is not None and self._clock() <= until


def read_token(data_dir: Path, url: str) -> str | None:
    """Return the token of the manager with this data directory.

    Args:
        data_dir: the manager's data directory.
        url: the address at which it is to be shown.

    Returns:
        None: it cannot be read, or it is that of a manager at another address. With TLS, any
        address will do that has its port: the certificate shows who answers.
    """
    asked = urlsplit(url)
    try:
        token, port, *addresses = (data_dir / TOKEN_FILE).read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    is_its_own = asked.scheme == "https" or asked.hostname in addresses
    return token if is_its_own and port == str(asked.port) else None
