"""From happenings to deliveries, and from deliveries to their ends: each step is one transaction.

Several managers may do this at once: a happening is told by one of them, and a delivery is tried by
the one that has claimed it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events, happenings
from manager_api.database.engine import Session
from manager_api.database.tables import (
    AccountRow,
    DeliveryRow,
    DeliveryTryRow,
    HappeningRow,
    NotificationRuleRow,
)
from workflows.domain.notifications import (
    DeliveryState,
    Happening,
    HappeningKind,
    Item,
    Message,
    Rule,
    Times,
    Way,
    concerns,
    is_due,
    message_of,
    pause_after,
)

#: The topic of what happened, for pages that show it to people.
NOTIFICATIONS = "/notifications"
#: Happenings in one event, and in one transaction.
_IN_EVENT = 50
MOST_AT_ONCE = 5_000
#: Deliveries that are tried at the same time.
MOST_TRIED = 8
#: How long what was told and sent is kept.
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this manager is to try now."""

    id: str
    rule_id: str
    message: Message
    created: datetime
    way: Way
    address: str
    """A webhook's address, or a person's."""
    secret: str
    shape: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended."""

    is_sent: bool
    sentence: str
    status: int | None = None
    answer: str = ""
    is_final: bool = False
    """Whether further tries are of no use: the receiver is gone."""


# --- telling --------------------------------------------------------------------------------------


async def has_due(session: AsyncSession, now: datetime, times: Times) -> bool:
    query = select(HappeningRow.kind, HappeningRow.happened).where(_is_open(now, times))
    by_kind: defaultdict[HappeningKind, list[datetime]] = defaultdict(list)
    for kind, happened in await session.execute(query.limit(MOST_AT_ONCE)):
        by_kind[kind].append(happened)
    return any(is_due(moments, now, times) for moments in by_kind.values())


async def tell_due(session: Session, now: datetime, times: Times) -> None:
    """Store deliveries and events of what is due, one message for each rule and kind."""
    query = (
        select(HappeningRow)
        .where(_is_open(now, times))
        .order_by(HappeningRow.id)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    by_kind: defaultdict[HappeningKind, list[HappeningRow]] = defaultdict(list)
    for row in await session.scalars(query):
        by_kind[row.kind].append(row)
    rules = await _rules(session) if by_kind else []
    for kind, rows in by_kind.items():
        if not is_due((row.happened for row in rows), now, times):
            continue
        told = [Happening(kind, **row.facts) for row in rows]
        _append_events(session, kind, rows)
        for rule_id, rule in rules:
            if of_rule := [each for each in told if concerns(rule, each)]:
                add_delivery(session, rule_id, message_of(kind, of_rule), now, times)
        for row in rows:
            row.told_at = now


def add_delivery(
    session: Session, rule_id: str, message: Message, now: datetime, times: Times
) -> str:
    """Store a delivery that is to be tried at once; return its id."""
    delivery_id = f"msg_{uuid4().hex}"
    session.add(
        DeliveryRow(
            id=delivery_id,
            rule_id=rule_id,
            message=asdict(message),
            state=DeliveryState.WAITING,
            next_try=now,
            give_up_at=now + times.give_up,
            created=now,
        )
    )
    return delivery_id


def message_from(stored: Mapping[str, Any]) -> Message:
    """Return a message as `DeliveryRow.message` has it."""
    items = tuple(Item(**item) for item in stored["items"])
    return Message(HappeningKind(stored["kind"]), stored["title"], stored["count"], items)


def _is_open(now: datetime, times: Times) -> Any:
    is_ripe = or_(
        HappeningRow.kind != HappeningKind.JOB_WAITS,
        HappeningRow.happened <= now - times.waits_long,
    )
    return HappeningRow.told_at.is_(None) & is_ripe


async def _rules(session: AsyncSession) -> Sequence[tuple[str, Rule]]:
    """Return the rules that count, by id. Those of disabled accounts do not."""
    query = (
        select(NotificationRuleRow)
        .outerjoin(AccountRow, AccountRow.id == NotificationRuleRow.account_id)
        .where(NotificationRuleRow.is_enabled, _is_able(), _has_address())
    )
    return [
        (
            row.id,
            Rule(
                frozenset(HappeningKind(each) for each in row.kinds),
                row.scope,
                row.value,
                row.account_id or "",
            ),
        )
        for row in await session.scalars(query)
    ]


def _is_able() -> Any:
    """Return whether the rule's account, if it has one, may use the farm."""
    is_able = AccountRow.is_disabled.is_(False) & AccountRow.has_lost_role.is_(False)
    return or_(NotificationRuleRow.account_id.is_(None), is_able)


def _has_address() -> Any:
    return or_(NotificationRuleRow.account_id.is_(None), AccountRow.email.is_not(None))


def _append_events(session: Session, kind: HappeningKind, rows: Sequence[HappeningRow]) -> None:
    for first in range(0, len(rows), _IN_EVENT):
        items = [
            {name: value for name, value in row.facts.items() if value}
            for row in rows[first : first + _IN_EVENT]
        ]
        events.append(session, NOTIFICATIONS, {"kind": str(kind), "items": items})


# --- deliveries -----------------------------------------------------------------------------------


def _is_claimable(now: datetime) -> Any:
    return (DeliveryRow.state == DeliveryState.WAITING) & (DeliveryRow.next_try <= now)


async def has_claimable(session: AsyncSession, now: datetime) -> bool:
    query = (
        select(DeliveryRow.id)
        .join(NotificationRuleRow)
        .outerjoin(AccountRow, AccountRow.id == NotificationRuleRow.account_id)
        .where(_is_claimable(now), NotificationRuleRow.is_enabled, _is_able())
    )
    return await session.scalar(query.limit(1)) is not None


async def claim_due(session: Session, now: datetime, times: Times) -> Sequence[Claimed]:
    """Claim deliveries to try; no other manager tries them before the claim's end."""
    query = (
        select(DeliveryRow, NotificationRuleRow, AccountRow.email)
        .join(NotificationRuleRow, NotificationRuleRow.id == DeliveryRow.rule_id)
        .outerjoin(AccountRow, AccountRow.id == NotificationRuleRow.account_id)
        .where(_is_claimable(now), NotificationRuleRow.is_enabled, _is_able())
        .order_by(DeliveryRow.next_try)
        .limit(MOST_TRIED)
        .with_for_update(of=DeliveryRow, skip_locked=True)
    )
    claimed = []
    for row, rule, email in await session.execute(query):
        row.next_try = now + times.claim
        row.tries += 1
        claimed.append(
            Claimed(
                row.id,
                row.rule_id,
                message_from(row.message),
                row.created,
                rule.way,
                rule.address if rule.way is Way.WEBHOOK else email or "",
                rule.secret,
                rule.shape,
            )
        )
    return claimed


async def record(
    session: Session, delivery: Claimed, outcome: Outcome, now: datetime, times: Times
) -> None:
    """Store how a try ended; a failed one is repeated later, or given up."""
    row = await session.get(DeliveryRow, delivery.id, with_for_update=True)
    rule = await session.get(NotificationRuleRow, delivery.rule_id, with_for_update=True)
    if row is None or rule is None:
        return  # The webhook or the account was deleted.
    session.add(
        DeliveryTryRow(
            delivery_id=row.id,
            happened=now,
            status=outcome.status,
            sentence=outcome.sentence,
            answer=outcome.answer,
        )
    )
    if outcome.is_sent:
        row.state = DeliveryState.SENT
        rule.failing_since, rule.trouble = None, ""
        return
    row.next_try = now + pause_after(row.tries, times)
    if outcome.is_final or row.next_try > row.give_up_at:
        row.state = DeliveryState.GIVEN_UP
    rule.failing_since, rule.trouble = rule.failing_since or now, outcome.sentence
    if rule.way is Way.WEBHOOK and (outcome.is_final or now - rule.failing_since >= times.disable):
        _disable(session, rule, outcome.sentence)


def _disable(session: Session, rule: NotificationRuleRow, sentence: str) -> None:
    since = rule.failing_since
    rule.is_enabled = False
    rule.trouble = f"The manager has disabled it: {sentence}"
    happening = Happening(HappeningKind.WEBHOOK_DISABLED, rule.name, sentence)
    happenings.note(session, f"{rule.id}:{since and since.isoformat()}", happening)


async def prune(session: Session, now: datetime) -> None:
    """Delete what was told and sent long ago."""
    before = now - KEPT
    await session.execute(delete(HappeningRow).where(HappeningRow.told_at < before))
    await session.execute(delete(DeliveryRow).where(DeliveryRow.created < before))
