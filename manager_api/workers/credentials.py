"""Workers' secrets: stored as hashes, checked at every call."""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import bcrypt

from manager_api.contract.errors import BadRequest, NotAuthorized
from manager_api.database.batching import Batched
from manager_api.database.engine import Changed, Database, DatabaseBusy
from manager_api.database.tables import WorkerRow
from manager_api.workers import store as workers
from workflows.domain.messages import is_uuid

#: Source: Flamenco. A low cost is enough, because secrets are too long and random to be guessed.
_BCRYPT_COST = 4
#: How long this manager uses a worker's row that another manager may have changed, in seconds. A
#: change by this manager counts at once.
_KNOWN_S = 30.0
#: The same, for a worker whose secret does not fit: it may have another one since.
_KNOWN_IF_WRONG_S = 1.0
_SECRET_BYTES = 32
_WRONG = "authorization failed: unknown worker or wrong secret"


def hash_secret(secret: str) -> str:
    """Return the bcrypt hash of a worker's secret.

    Raises:
        BadRequest: the secret has more than 72 bytes, or a NUL.
    """
    try:
        return bcrypt.hashpw(secret.encode(), bcrypt.gensalt(_BCRYPT_COST)).decode()
    except ValueError as error:
        raise BadRequest("the secret must have 72 bytes at most, and no NUL") from error


async def new_secret() -> tuple[str, str]:
    """Return a secret for a worker, and its hash."""
    secret = secrets.token_hex(_SECRET_BYTES)
    return secret, await asyncio.to_thread(hash_secret, secret)


@dataclass(frozen=True, slots=True)
class TunnelRights:
    """What a worker may do in Temporal: take the tasks of a session, and answer for its tasks."""

    session: int
    """The newest session of the worker's host."""
    token_key: bytes
    """Seals the tokens of its tasks.

    Each manager of the farm can make it, and the worker cannot: it is made from the stored hash of
    its first secret, whose salt the worker does not know. So it stays when the secret is replaced.
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
        before: WorkerRow | None = None
        for known_s in (_KNOWN_S, _KNOWN_IF_WRONG_S):
            row = await self._row(worker_id, known_s)
            if row is None or row is before or row.deleted_at is not None:
                break
            if fitting := await self._fitting(row, secret):
                return row if fitting == row.secret_hash else await self._replaced(row, fitting)
            before = row
        raise NotAuthorized(_WRONG)

    def forget(self, worker_id: str) -> None:
        """Ask the database again for this worker."""
        self._known.pop(worker_id, None)

    async def tunnel_rights(self, worker_id: str) -> TunnelRights | None:
        """Return what a worker's tunnel gives access to, as of now; None if there is no worker."""
        row = await self._rows.get(worker_id)
        if row is None:
            return None
        text = f"task tokens of {worker_id}".encode()
        seed = row.first_secret_hash or row.secret_hash
        key = hmac.digest(seed.encode(), text, "sha256")
        return TunnelRights(session=row.session, token_key=key)

    async def _replaced(self, row: WorkerRow, secret_hash: str) -> WorkerRow:
        """Store that a worker has used its new secret, which ends the older ones.

        Raises:
            NotAuthorized: the worker was deleted meanwhile, or the secret revoked.
        """
        # A full disk must not keep the worker out: then the older ones go on counting.
        with contextlib.suppress(DatabaseBusy):
            async with self._database.writing() as session:
                changed = await workers.worker_to_change(session, row.id)
                if changed is not None:
                    workers.use_new_secret(session, changed, secret_hash)
            self.forget(row.id)
            if changed is None or changed.secret_hash != secret_hash:
                raise NotAuthorized(_WRONG)
            return changed
        return row

    async def _row(self, worker_id: str, known_s: float) -> WorkerRow | None:
        since, row = self._known.get(worker_id, (float("-inf"), None))
        if row is not None and time.monotonic() - since < known_s:
            return row
        row = await self._rows.get(worker_id)
        if row is not None:
            self._known[worker_id] = (time.monotonic(), row)
        return row

    async def _read(self, worker_ids: Collection[str]) -> Mapping[str, WorkerRow]:
        async with self._database.reading() as session:
            return await workers.workers_by_id(session, worker_ids)

    async def _fitting(self, row: WorkerRow, secret: str) -> str | None:
        """Return that of the worker's hashes which the secret fits; None if it fits none."""
        digest = hashlib.sha256(secret.encode()).digest()
        known_hash, known_digest = self._verified.get(row.id, ("", b""))
        hashes: list[str] = [row.secret_hash, *(row.new_secret_hashes or ())]
        for each in hashes:
            if known_hash == each and hmac.compare_digest(known_digest, digest):
                return each
            if await asyncio.to_thread(_bcrypt_fits, secret, each):
                self._verified[row.id] = (each, digest)
                return each
        return None


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
