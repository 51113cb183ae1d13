"""Join tokens: workers that register with one need not wait to be let in."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select

from manager_api.access import store
from manager_api.access.secrets import SecretKind, digest, looks_like, new_secret
from manager_api.contract.access import JoinToken, JoinTokenRequest, JoinTokens, NewJoinToken
from manager_api.contract.errors import BadRequest, Conflict, NotFound
from manager_api.database import trail
from manager_api.database.engine import Database, Session, utc_now
from manager_api.database.tables import JoinTokenRow, WorkerTagRow

_MOST = 1_000


def looks_like_join_token(text: str) -> bool:
    return looks_like(text, SecretKind.JOIN)


async def take(session: Session, token: str) -> JoinTokenRow | None:
    """Use a join token once, in the transaction that registers a worker.

    Returns:
        None: it is unknown, used up, or too old.
    """
    row = await store.join_token_for_change(session, digest(token))
    if row is None or row.uses_left < 1 or row.expires <= utc_now():
        return None
    row.uses_left -= 1
    return row


class JoinTokenService:
    """Args: database; read_pin, which returns the farm's own pin, and may block."""

    def __init__(self, database: Database, read_pin: Callable[[], str]) -> None:
        self._database = database
        self._read_pin = read_pin

    async def all(self) -> JoinTokens:
        async with self._database.reading() as session:
            rows = await store.join_tokens(session)
        return JoinTokens(join_tokens=[_answer(row) for row in rows])

    async def create(self, asked: JoinTokenRequest) -> NewJoinToken:
        """
        Raises:
            BadRequest: there is no such worker tag.
            Conflict: there are too many.
        """
        secret, now = new_secret(SecretKind.JOIN), utc_now()
        row = JoinTokenRow(
            id=str(uuid4()),
            secret_hash=digest(secret),
            name=asked.name,
            tag_ids=sorted({each.lower() for each in asked.tag_ids}),
            uses_left=asked.uses,
            created=now,
            expires=now + timedelta(hours=asked.hours),
        )
        async with self._database.writing() as session:
            known = set(await session.scalars(select(WorkerTagRow.id)))
            if unknown := set(row.tag_ids) - known:
                raise BadRequest(f'there is no worker tag "{min(unknown)}"')
            if len(await store.join_tokens(session)) >= _MOST:
                raise Conflict(f"there are {_MOST} join tokens already; remove old ones")
            session.add(row)
            trail.note(None, {"name": row.name, "uses": asked.uses, "hours": asked.hours})
        return NewJoinToken(
            join_token=_answer(row), secret=secret, pin=await asyncio.to_thread(self._read_pin)
        )

    async def remove(self, token_id: str) -> None:
        """
        Raises:
            NotFound: there is no such join token.
        """
        async with self._database.writing() as session:
            row = await session.get(JoinTokenRow, token_id)
            if row is None:
                raise NotFound(f'no such join token "{token_id}"')
            trail.note({"name": row.name, "uses_left": row.uses_left}, None)
            await session.delete(row)


def _answer(row: JoinTokenRow) -> JoinToken:
    return JoinToken(
        id=row.id,
        name=row.name,
        tag_ids=list(row.tag_ids),
        uses_left=row.uses_left,
        created=row.created,
        expires=row.expires,
    )
