"""The farm's webhooks: lists, adds and changes them, shows their deliveries, and sends again."""

import secrets
from uuid import uuid4

from manager_api.contract.errors import Conflict
from manager_api.contract.notifications import (
    MOST_WEBHOOKS,
    Deliveries,
    Delivery,
    DeliveryTry,
    NewWebhookRequest,
    Webhook,
    WebhookChange,
    WebhookRequest,
    Webhooks,
    WebhookSecret,
)
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import DeliveryRow, NotificationRuleRow
from manager_api.notifications import outbox, store
from workflows.domain.notifications import (
    DeliveryState,
    Happening,
    HappeningKind,
    Times,
    Way,
    message_of,
)
from workflows.domain.webhooks import secret_of, shown_address

_KEY_BYTES = 32


class WebhookService:
    def __init__(self, database: Database, times: Times) -> None:
        self._database = database
        self._times = times

    async def all(self) -> Webhooks:
        async with self._database.reading() as session:
            rows = await store.webhooks(session)
        return Webhooks(webhooks=[_answer(row) for row in rows])

    async def create(self, asked: NewWebhookRequest) -> WebhookSecret:
        """
        Raises:
            Conflict: the farm has as many webhooks as it may have.
        """
        row = NotificationRuleRow(
            id=str(uuid4()),
            way=Way.WEBHOOK,
            address=asked.address,
            secret=asked.secret or secret_of(secrets.token_bytes(_KEY_BYTES)),
            created=utc_now(),
        )
        _fill(row, asked)
        async with self._database.writing() as session:
            if await store.count_webhooks(session) >= MOST_WEBHOOKS:
                raise Conflict(f"there are {MOST_WEBHOOKS} webhooks already: delete some first")
            session.add(row)
        return WebhookSecret(id=row.id, secret=row.secret)

    async def change(self, webhook_id: str, asked: WebhookChange) -> Webhook:
        async with self._database.writing() as session:
            row = await store.webhook_to_change(session, webhook_id)
            if asked.is_enabled and not row.is_enabled:
                row.failing_since, row.trouble = None, ""
            row.address = asked.address or row.address
            _fill(row, asked)
        return _answer(row)

    async def renew_secret(self, webhook_id: str) -> WebhookSecret:
        async with self._database.writing() as session:
            row = await store.webhook_to_change(session, webhook_id)
            row.secret = secret_of(secrets.token_bytes(_KEY_BYTES))
        return WebhookSecret(id=row.id, secret=row.secret)

    async def delete(self, webhook_id: str) -> None:
        async with self._database.writing() as session:
            await session.delete(await store.webhook_to_change(session, webhook_id))

    async def test(self, webhook_id: str) -> None:
        """Send a message that says that it is a test.

        Raises:
            Conflict: the webhook is disabled.
        """
        async with self._database.writing() as session:
            row = await store.webhook_to_change(session, webhook_id)
            _check_enabled(row)
            message = message_of(HappeningKind.TEST, [Happening(HappeningKind.TEST, row.name)])
            outbox.add_delivery(session, row.id, message, utc_now(), self._times)

    async def deliveries(self, webhook_id: str, limit: int) -> Deliveries:
        async with self._database.reading() as session:
            found = await store.deliveries(session, webhook_id, limit)
        return Deliveries(
            deliveries=[
                Delivery(
                    id=row.id,
                    title=row.message["title"],
                    state=row.state,
                    created=row.created,
                    next_try=row.next_try if row.state is DeliveryState.WAITING else None,
                    tries=[
                        DeliveryTry(
                            happened=each.happened,
                            status=each.status,
                            sentence=each.sentence,
                            answer=each.answer,
                        )
                        for each in tries
                    ],
                )
                for row, tries in found
            ]
        )

    async def resend(self, delivery_id: str) -> None:
        """Try a delivery at once, also one that was sent, with the id that it had.

        Raises:
            Conflict: its webhook is disabled.
        """
        now = utc_now()
        async with self._database.writing() as session:
            row: DeliveryRow = await store.delivery_to_change(session, delivery_id)
            _check_enabled(await store.webhook_to_change(session, row.rule_id))
            row.state, row.tries = DeliveryState.WAITING, 0
            row.next_try, row.give_up_at = now, now + self._times.give_up


def _check_enabled(row: NotificationRuleRow) -> None:
    if not row.is_enabled:
        raise Conflict("this webhook is disabled: enable it first")


def _fill(row: NotificationRuleRow, asked: WebhookRequest) -> None:
    row.name, row.kinds = asked.name, [str(kind) for kind in asked.kinds]
    row.scope, row.value = asked.scope, asked.value.strip()
    row.shape, row.is_enabled = asked.shape, asked.is_enabled


def _answer(row: NotificationRuleRow) -> Webhook:
    return Webhook(
        id=row.id,
        name=row.name,
        address=shown_address(row.address),
        kinds=[HappeningKind(each) for each in row.kinds],
        scope=row.scope,
        value=row.value,
        shape=row.shape,
        is_enabled=row.is_enabled,
        failing_since=row.failing_since,
        trouble=row.trouble or "",
        created=row.created,
    )
