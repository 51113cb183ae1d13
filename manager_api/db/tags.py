"""Worker tags: which jobs are for which workers."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.db.engine import Session
from manager_api.db.tables import WorkerTagRow


async def insert_tag(session: Session, tag_id: str, name: str, description: str) -> WorkerTagRow:
    """Tells `/workertags`."""
    raise NotImplementedError


async def tag(session: AsyncSession, tag_id: str) -> WorkerTagRow | None:
    raise NotImplementedError


async def all_tags(session: AsyncSession) -> Sequence[WorkerTagRow]:
    """By name."""
    raise NotImplementedError
