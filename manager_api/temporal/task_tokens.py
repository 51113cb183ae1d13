"""Task tokens as workers see them: sealed, so that a worker can answer for its own tasks only.

Temporal's own token names a task, and can be made up. The seal is an HMAC of the token, with a key
that all managers of the farm know of the worker and the worker does not know. So a host can answer
over another connection, after a restart of its manager, and through another manager.
"""

import hashlib
import hmac

from manager_api.temporal.grpc_messages import CallForbidden

_SEAL = 16


class TaskTokens:
    """Seals the tokens of one worker's tasks."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sealed(self, token: bytes) -> bytes:
        """Return what the worker gets for Temporal's token."""
        return self._seal(token) + token

    def opened(self, sealed: bytes) -> bytes:
        """Return Temporal's token.

        Raises:
            CallRefused: it was not handed to this worker.
        """
        seal, token = sealed[:_SEAL], sealed[_SEAL:]
        if not hmac.compare_digest(seal, self._seal(token)):
            raise CallForbidden("this task was not handed to this worker")
        return token

    def _seal(self, token: bytes) -> bytes:
        return hmac.new(self._key, token, hashlib.sha256).digest()[:_SEAL]
