"""Webhooks and their deliveries, what a person is told, and what was told lately."""

from typing import Annotated

from fastapi import APIRouter, Query

from manager_api.contract.notifications import (
    Deliveries,
    NewWebhookRequest,
    PersonalAnswer,
    PersonalNotifications,
    TestEmailRequest,
    TestResult,
    ToldList,
    Webhook,
    WebhookChange,
    Webhooks,
    WebhookSecret,
)
from manager_api.web.auth import Administering, Caller, ChangingOwn, Reading
from manager_api.web.dependencies import Parts, Personal, WebhooksOfFarm
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import DeliveryId, WebhookId
from manager_api.web.responses import ERROR

router = APIRouter(
    route_class=JsonRoute, prefix="/api/tablao/v1", tags=["notifications"], responses=ERROR
)
Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/webhooks", operation_id="getWebhooks", dependencies=[Administering])
async def get_webhooks(webhooks: WebhooksOfFarm) -> Webhooks:
    return await webhooks.all()


@router.post(
    "/webhooks", operation_id="createWebhook", dependencies=[Administering], status_code=201
)
async def create_webhook(asked: NewWebhookRequest, webhooks: WebhooksOfFarm) -> WebhookSecret:
    """Add a webhook. The answer has its secret, which is not shown again."""
    return await webhooks.create(asked)


@router.put("/webhooks/{webhook_id}", operation_id="changeWebhook", dependencies=[Administering])
async def change_webhook(
    webhook_id: WebhookId, asked: WebhookChange, webhooks: WebhooksOfFarm
) -> Webhook:
    """Change a webhook. Without an address it keeps the one that it has."""
    return await webhooks.change(webhook_id, asked)


@router.delete(
    "/webhooks/{webhook_id}",
    operation_id="deleteWebhook",
    dependencies=[Administering],
    status_code=204,
)
async def delete_webhook(webhook_id: WebhookId, webhooks: WebhooksOfFarm) -> None:
    """Delete a webhook with its deliveries."""
    await webhooks.delete(webhook_id)


@router.post(
    "/webhooks/{webhook_id}/secret",
    operation_id="renewWebhookSecret",
    dependencies=[Administering],
)
async def renew_webhook_secret(webhook_id: WebhookId, webhooks: WebhooksOfFarm) -> WebhookSecret:
    """Replace a webhook's secret at once. The answer has the new one."""
    return await webhooks.renew_secret(webhook_id)


@router.post(
    "/webhooks/{webhook_id}/test",
    operation_id="testWebhook",
    dependencies=[Administering],
    status_code=204,
)
async def test_webhook(webhook_id: WebhookId, webhooks: WebhooksOfFarm, parts: Parts) -> None:
    """Send a test message. How it ends is in the webhook's deliveries."""
    await webhooks.test(webhook_id)
    parts.notifier.look()


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    operation_id="getDeliveries",
    dependencies=[Administering],
)
async def get_deliveries(
    webhook_id: WebhookId, webhooks: WebhooksOfFarm, limit: Limit = 50
) -> Deliveries:
    """Return the newest deliveries of a webhook with their tries, the newest first."""
    return await webhooks.deliveries(webhook_id, limit)


@router.post(
    "/deliveries/{delivery_id}/resend",
    operation_id="resendDelivery",
    dependencies=[Administering],
    status_code=204,
)
async def resend_delivery(delivery_id: DeliveryId, webhooks: WebhooksOfFarm, parts: Parts) -> None:
    """Send a delivery once more, with the id that it had."""
    await webhooks.resend(delivery_id)
    parts.notifier.look()


@router.post("/notifications/test-email", operation_id="testEmail", dependencies=[Administering])
async def test_email(asked: TestEmailRequest, personal: Personal) -> TestResult:
    """Send an e-mail at once, and say how that ended."""
    return await personal.test_email(asked.to)


@router.get("/notifications", operation_id="getNotifications", dependencies=[Reading])
async def get_notifications(personal: Personal, limit: Limit = 50) -> ToldList:
    """Return what was told last, the newest first."""
    return await personal.told(limit)


@router.get("/me/notifications", operation_id="getMyNotifications", dependencies=[Reading])
async def get_my_notifications(caller: Caller, personal: Personal) -> PersonalAnswer:
    """Return what the caller is told by e-mail."""
    return await personal.get(caller)


@router.put("/me/notifications", operation_id="changeMyNotifications", dependencies=[ChangingOwn])
async def change_my_notifications(
    asked: PersonalNotifications, caller: Caller, personal: Personal
) -> PersonalAnswer:
    """Replace the caller's address and rules. A token replaces none."""
    return await personal.change(caller, asked)
