"""Workers' secrets: stored as hashes, checked at every call."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import bcrypt

from manager_api.contract.errors import BadRequest, NotAuthorized
from manager_api.database.batching import Batched
from manager_api.database.engine import Changed, Database
from manager_api.database.tables import WorkerRow
from manager_api.workers import store as workers
from workflows.domain.messages import is_uuid

#: Source: Flamenco. A low cost is enough, because secrets are too long and random to be guessed.
_BCRYPT_COST = 4
#: How long this manager uses a worker's row that another manager may have changed, in seconds. A
#: change by this manager counts at once.
_KNOWN_S = 30.0


def hash_secret(secret: str) -> str:
    """Return the bcrypt hash of a worker's secret.

    Raises:
        BadRequest: the secret has more than 72 bytes, or a NUL.
    """
    try:
        return bcrypt.hashpw(secret.encode(), bcrypt.gensalt(_BCRYPT_COST)).decode()
    except ValueError as error:
        raise BadRequest("the secret must have 72 bytes at most, and no NUL") from error


@dataclass(frozen=True, slots=True)
class TunnelRights:
    """What a worker may do in Temporal: take the tasks of a session, and answer for its tasks."""

    session: int
    """The newest session of the worker's host."""
    token_key: bytes
    """Seals the tokens of its tasks.

    Each manager of the farm can make it, and the worker cannot: it is made from the stored hash,
    whose salt the worker does not know.
    """


class WorkerCredentials:
    """Checks workers' secrets and remembers the right ones, because bcrypt is slow on purpose."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._verified: dict[str, tuple[str, bytes]] = {}
        """By worker id: the stored hash, and a digest of the secret that matches it."""
        self._rows = Batched(self._read)
        self._known: dict[str, tuple[float, WorkerRow]] = {}
        """By worker id: when the row was read, and the row.

        A cache, because a worker is checked on the path between two frames.
        """
        database.listen(Changed.FARM, self._known.clear)

    async def check(self, authorization: str) -> WorkerRow:
        """Return the worker whose credentials an `Authorization` header carries.

        Raises:
            NotAuthorized: the credentials are missing or wrong, or their worker was deleted.
        """
        worker_id, secret = _basic(authorization)
        row = await self._row(worker_id)
        if row is None or row.deleted_at is not None or not await self._fits(row, secret):
            raise NotAuthorized("authorization failed: unknown worker or wrong secret")
        return row

    def forget(self, worker_id: str) -> None:
        """Ask the database again for this worker."""
        self._known.pop(worker_id, None)

    async def tunnel_rights(self, worker_id: str) -> TunnelRights | None:
        """Return what a worker's tunnel gives access to, as of now; None if there is no worker."""
        row = await self._rows.get(worker_id)
        if row is None:
            return None
        text = f"task tokens of {worker_id}".encode()
        key = hmac.digest(row.secret_hash.encode(), text, "sha256")
        return TunnelRights(session=row.session, token_key=key)

    async def _row(self, worker_id: str) -> WorkerRow | None:
        since, row = self._known.get(worker_id, (float("-inf"), None))
        if row is not None and time.monotonic() - since < _KNOWN_S:
            return row
        row = await self._rows.get(worker_id)
        if row is not None:
            self._known[worker_id] = (time.monotonic(), row)
        return row

    async def _read(self, worker_ids: Collection[str]) -> Mapping[str, WorkerRow]:
        async with self._database.reading() as session:
            return await workers.workers_by_id(session, worker_ids)

    async def _fits(self, row: WorkerRow, secret: str) -> bool:
        digest = hashlib.sha256(secret.encode()).digest()
        known_hash, known_digest = self._verified.get(row.id, ("", b""))
        if known_hash == row.secret_hash and hmac.compare_digest(known_digest, digest):
            return True
        if not await asyncio.to_thread(_bcrypt_fits, secret, row.secret_hash):
            return False
        self._verified[row.id] = (row.secret_hash, digest)
        return True


def _bcrypt_fits(secret: str, stored: str) -> bool:
    try:
        return bcrypt.checkpw(secret.encode(), stored.encode())
    except ValueError:
        return False


def _basic(authorization: str) -> tuple[str, str]:
    """Return the user and the password.

    Raises:
        NotAuthorized: the header is not HTTP Basic authentication.
    """
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise NotAuthorized("authorization failed: HTTP Basic authentication is needed")
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise NotAuthorized("authorization failed: not HTTP Basic authentication") from error
    if not colon:
        raise NotAuthorized("authorization failed: no password")
    if not is_uuid(user):
        # The database would refuse some other texts, and with them the workers asked for at once.
        raise NotAuthorized("authorization failed: unknown worker or wrong secret")
    return user, password
