"""Saved views: queries."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events
from manager_api.database.engine import Session
from manager_api.database.tables import SavedViewRow

VIEWS = "/views"


async def views_for(session: AsyncSession, owner: str) -> Sequence[SavedViewRow]:
    """Shared ones and the owner's own, by name."""
    query = (
        select(SavedViewRow)
        .where(or_(SavedViewRow.is_shared.is_(True), SavedViewRow.owner == owner))
        .order_by(SavedViewRow.name, SavedViewRow.id)
    )
    return (await session.scalars(query)).all()


async def view_for(session: AsyncSession, view_id: str, owner: str) -> SavedViewRow | None:
    """None, too, if it is somebody else's and not shared."""
    row = await session.get(SavedViewRow, view_id)
    return row if row is not None and (row.is_shared or row.owner == owner) else None


def tell(session: Session, page: str) -> None:
    """Names and queries stay out of it: everybody reads events."""
    events.append(session, VIEWS, {"page": page})
