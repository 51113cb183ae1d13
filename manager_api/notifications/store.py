"""Queries for webhooks, for what people want to be told, and for the log of deliveries."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.errors import NotFound
from manager_api.database.engine import FOR_CHANGE, Session
from manager_api.database.tables import (
    AccountRow,
    DeliveryRow,
    DeliveryTryRow,
    HappeningRow,
    NotificationRuleRow,
)
from workflows.domain.notifications import Way


async def webhooks(session: AsyncSession) -> Sequence[NotificationRuleRow]:
    query = select(NotificationRuleRow).where(NotificationRuleRow.way == Way.WEBHOOK)
    return (await session.scalars(query.order_by(NotificationRuleRow.name))).all()


async def count_webhooks(session: AsyncSession) -> int:
    query = select(func.count()).select_from(NotificationRuleRow)
    return await session.scalar(query.where(NotificationRuleRow.way == Way.WEBHOOK)) or 0


async def webhook_to_change(session: Session, webhook_id: str) -> NotificationRuleRow:
    """
    Raises:
        NotFound: there is no such webhook.
    """
    row = await session.get(NotificationRuleRow, webhook_id, with_for_update=FOR_CHANGE)
    if row is None or row.way is not Way.WEBHOOK:
        raise NotFound(f'no such webhook "{webhook_id}"')
    return row


async def delivery_to_change(session: Session, delivery_id: str) -> DeliveryRow:
    """
    Raises:
        NotFound: there is no such delivery.
    """
    row = await session.get(DeliveryRow, delivery_id, with_for_update=FOR_CHANGE)
    if row is None:
        raise NotFound(f'no such delivery "{delivery_id}"')
    return row


async def deliveries(
    session: AsyncSession, webhook_id: str, limit: int
) -> Sequence[tuple[DeliveryRow, Sequence[DeliveryTryRow]]]:
    """Return the newest deliveries of a webhook, each with its tries, the oldest try first."""
    query = (
        select(DeliveryRow)
        .where(DeliveryRow.rule_id == webhook_id)
        .order_by(DeliveryRow.created.desc(), DeliveryRow.id)
        .limit(limit)
    )
    rows = (await session.scalars(query)).all()
    of_these = DeliveryTryRow.delivery_id.in_([row.id for row in rows])
    tries: defaultdict[str, list[DeliveryTryRow]] = defaultdict(list)
    for each in await session.scalars(
        select(DeliveryTryRow).where(of_these).order_by(DeliveryTryRow.id)
    ):
        tries[each.delivery_id].append(each)
    return [(row, tries[row.id]) for row in rows]


async def rules_of(session: AsyncSession, account_id: str) -> Sequence[NotificationRuleRow]:
    query = select(NotificationRuleRow).where(NotificationRuleRow.account_id == account_id)
    return (await session.scalars(query.order_by(NotificationRuleRow.created))).all()


async def email_of(session: AsyncSession, account_id: str) -> str:
    query = select(AccountRow.email).where(AccountRow.id == account_id)
    return await session.scalar(query) or ""


async def remove_rules(session: Session, account_id: str) -> None:
    of_account = NotificationRuleRow.account_id == account_id
    await session.execute(delete(NotificationRuleRow).where(of_account))


async def told_lately(session: AsyncSession, limit: int) -> Sequence[HappeningRow]:
    """Return what was told last, the newest first."""
    query = select(HappeningRow).where(HappeningRow.told_at.is_not(None))
    return (await session.scalars(query.order_by(HappeningRow.id.desc()).limit(limit))).all()


def facts_of(row: HappeningRow) -> Mapping[str, str]:
    return {name: value for name, value in row.facts.items() if value}
