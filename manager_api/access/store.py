"""Accounts, sessions, tokens and join tokens in the database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.errors import NotFound
from manager_api.database.engine import FOR_CHANGE, Session
from manager_api.database.tables import AccountRow, JoinTokenRow, SessionRow, TokenRow
from workflows.domain.access import Kind, Role


async def accounts(session: AsyncSession) -> Sequence[AccountRow]:
    return (await session.scalars(select(AccountRow).order_by(AccountRow.name))).all()


async def account_named(session: AsyncSession, name: str) -> AccountRow | None:
    return await session.scalar(select(AccountRow).where(AccountRow.name == name))


async def existing_account(session: AsyncSession, account_id: str) -> AccountRow:
    """
    Raises:
        NotFound: there is no such account.
    """
    row = await session.get(AccountRow, account_id)
    if row is None:
        raise NotFound(f'no such account "{account_id}"')
    return row


async def account_for_change(session: Session, account_id: str) -> AccountRow | None:
    """Return an account as it is now, locked against other writers until the transaction ends."""
    return await session.get(
        AccountRow, account_id, with_for_update=FOR_CHANGE, populate_existing=True
    )


async def admins_for_change(session: Session) -> Sequence[str]:
    """Return the ids of the people who can administer the farm, locked until the end."""
    query = select(AccountRow.id).where(
        AccountRow.role == Role.ADMIN,
        AccountRow.kind == Kind.PERSON,
        AccountRow.is_disabled.is_(False),
        AccountRow.has_lost_role.is_(False),
    )
    return (await session.scalars(query.order_by(AccountRow.id).with_for_update())).all()


async def has_admin(session: AsyncSession) -> bool:
    query = select(AccountRow.id).where(
        AccountRow.role == Role.ADMIN,
        AccountRow.is_disabled.is_(False),
        AccountRow.has_lost_role.is_(False),
    )
    return await session.scalar(query.limit(1)) is not None


async def session_of(
    session: AsyncSession, secret_hash: str
) -> tuple[SessionRow, AccountRow | None] | None:
    query = (
        select(SessionRow, AccountRow)
        .outerjoin(AccountRow, SessionRow.account_id == AccountRow.id)
        .where(SessionRow.secret_hash == secret_hash)
    )
    found = (await session.execute(query)).first()
    return None if found is None else (found[0], found[1])


async def token_of(session: AsyncSession, secret_hash: str) -> tuple[TokenRow, AccountRow] | None:
    query = (
        select(TokenRow, AccountRow)
        .join(AccountRow, TokenRow.account_id == AccountRow.id)
        .where(TokenRow.secret_hash == secret_hash)
    )
    found = (await session.execute(query)).first()
    return None if found is None else (found[0], found[1])


async def sessions_of(session: AsyncSession, account_id: str | None) -> Sequence[SessionRow]:
    query = select(SessionRow).where(SessionRow.account_id.is_not_distinct_from(account_id))
    return (await session.scalars(query.order_by(SessionRow.created))).all()


async def tokens_of(session: AsyncSession, account_id: str) -> Sequence[TokenRow]:
    query = select(TokenRow).where(TokenRow.account_id == account_id)
    return (await session.scalars(query.order_by(TokenRow.created))).all()


async def end_session(session: Session, session_id: str) -> None:
    await session.execute(delete(SessionRow).where(SessionRow.id == session_id))


async def end_sessions(session: Session, account_id: str) -> None:
    await session.execute(delete(SessionRow).where(SessionRow.account_id == account_id))


async def session_used(session: Session, session_id: str, now: datetime) -> None:
    used = update(SessionRow).where(SessionRow.id == session_id)
    await session.execute(used.values(last_used=now))


async def token_used(session: Session, token_id: str, now: datetime) -> None:
    await session.execute(update(TokenRow).where(TokenRow.id == token_id).values(last_used=now))


async def remove_expired(session: Session, now: datetime, idle_before: datetime) -> None:
    await session.execute(
        delete(SessionRow).where((SessionRow.expires < now) | (SessionRow.last_used < idle_before))
    )
    await session.execute(delete(JoinTokenRow).where(JoinTokenRow.expires < now))


async def join_tokens(session: AsyncSession) -> Sequence[JoinTokenRow]:
    return (await session.scalars(select(JoinTokenRow).order_by(JoinTokenRow.created))).all()


async def join_token_for_change(session: Session, secret_hash: str) -> JoinTokenRow | None:
    """Return a join token, locked against other writers until the transaction ends."""
    query = select(JoinTokenRow).where(JoinTokenRow.secret_hash == secret_hash)
    return await session.scalar(query.with_for_update(key_share=True))
