"""Begun logins, people of the provider and seen logouts in the database."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import Session
from manager_api.database.tables import AccountRow, BegunLoginRow, SeenLogoutRow, SessionRow


async def remove_old_logins(session: Session, before: datetime) -> None:
    await session.execute(delete(BegunLoginRow).where(BegunLoginRow.begun < before))


async def begun_logins(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(BegunLoginRow)) or 0


async def leave_room(session: Session, address: str, most: int) -> None:
    """Remove the oldest logins of an address, so that it has fewer than `most`."""
    newest = (
        select(BegunLoginRow.state_hash)
        .where(BegunLoginRow.address == address)
        .order_by(BegunLoginRow.begun.desc())
        .limit(most - 1)
    )
    kept = set(await session.scalars(newest))
    if len(kept) == most - 1:
        of_address = delete(BegunLoginRow).where(BegunLoginRow.address == address)
        await session.execute(of_address.where(BegunLoginRow.state_hash.not_in(kept)))


async def has_begun(session: AsyncSession, state_hash: str) -> bool:
    return await session.get(BegunLoginRow, state_hash) is not None


async def login_for_change(session: Session, state_hash: str) -> BegunLoginRow | None:
    """Return a begun login, locked against other writers until the transaction ends."""
    query = select(BegunLoginRow).where(BegunLoginRow.state_hash == state_hash)
    return await session.scalar(query.with_for_update())


async def account_for_change(session: Session, issuer: str, subject: str) -> AccountRow | None:
    """Return a person's account, locked against other writers until the transaction ends."""
    query = select(AccountRow).where(AccountRow.issuer == issuer, AccountRow.subject == subject)
    return await session.scalar(query.with_for_update(key_share=True))


async def taken_names(session: AsyncSession, beginning: str) -> set[str]:
    query = select(AccountRow.name).where(AccountRow.name.startswith(beginning, autoescape=True))
    return set(await session.scalars(query))


async def sessions_at_provider(
    session: AsyncSession, issuer: str, *, subject: str | None, provider_session: str | None
) -> list[tuple[SessionRow, AccountRow]]:
    """Return the sessions here that belong to a person or a session at the provider."""
    query = (
        select(SessionRow, AccountRow)
        .join(AccountRow, SessionRow.account_id == AccountRow.id)
        .where(AccountRow.issuer == issuer)
    )
    if subject is not None:
        query = query.where(AccountRow.subject == subject)
    if provider_session is not None:
        query = query.where(SessionRow.provider_session == provider_session)
    return [(row, account) for row, account in await session.execute(query)]


async def remove_old_logouts(session: Session, now: datetime) -> None:
    await session.execute(delete(SeenLogoutRow).where(SeenLogoutRow.expires < now))
