"""The farm keeper's epoch: the database refuses what an older keeper writes (rule 17)."""

from sqlalchemy import select, update

from activities.keeping import Superseded
from manager_api.database.engine import Session
from manager_api.database.tables import FarmRow


async def next_epoch(session: Session) -> int:
    """Begin an epoch and return its number; once committed, older keepers are refused."""
    query = (
        update(FarmRow)
        .values(keeper_epoch=FarmRow.keeper_epoch + 1)
        .returning(FarmRow.keeper_epoch)
    )
    return (await session.execute(query)).scalar_one()


async def check_epoch(session: Session, epoch: int) -> None:
    """Check that this is the current epoch, and lock it until the transaction ends.

    Raises:
        Superseded: the current epoch is another.
    """
    current = await session.scalar(select(FarmRow.keeper_epoch).with_for_update(read=True))
    if current != epoch:
        raise Superseded(f"keeper of epoch {epoch}, but the current one is {current}")
