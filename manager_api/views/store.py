"""Queries for saved views."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.errors import Forbidden, NotFound
from manager_api.database import events
from manager_api.database.engine import Session
from manager_api.database.tables import AccountRow, SavedViewRow

VIEWS = "/views"


async def views_for(session: AsyncSession, owner: str) -> Sequence[SavedViewRow]:
    """Return shared views and the owner's own, sorted by name."""
    query = (
        select(SavedViewRow)
        .where(or_(SavedViewRow.is_shared.is_(True), SavedViewRow.owner == owner))
        .order_by(SavedViewRow.name, SavedViewRow.id)
    )
    return (await session.scalars(query)).all()


async def existing_view(session: AsyncSession, view_id: str, owner: str) -> SavedViewRow:
    """Return a view that this owner may use.

    Raises:
        NotFound: there is no such view, or it is another owner's and not shared.
    """
    row = await session.get(SavedViewRow, view_id)
    if row is None or not (row.is_shared or row.owner == owner):
        raise NotFound(f'no such view "{view_id}"')
    return row


async def check_claim(session: AsyncSession, owner: str) -> None:
    """Check that a caller without an account does not claim to be one.

    Raises:
        Forbidden: the owner is an account.
    """
    if await session.get(AccountRow, owner) is not None:
        raise Forbidden("these views are an account's: log in")


def add(session: Session, row: SavedViewRow) -> None:
    session.add(row)
    tell(session, row.page)


async def delete(session: Session, row: SavedViewRow) -> None:
    await session.delete(row)
    tell(session, row.page)


def tell(session: Session, page: str) -> None:
    """Append an event that names only the page, because all clients can read events."""
    events.append(session, VIEWS, {"page": page})
