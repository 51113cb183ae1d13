"""Secrets of webhooks and of the mail server are shown nowhere."""

import logging
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.manager.api_calls import eventually
from tests.manager.notifications.asking import hook, person, received, tried
from tests.manager.notifications.happen import Happen
from tests.manager.notifications.receivers import WebhookReceiver
from tests.manager.web.people import API

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


async def test_secrets_are_in_no_answer_no_event_no_audit_and_no_log(
    api: httpx.AsyncClient,
    farm: "Farm",
    receiver: WebhookReceiver,
    happen: Happen,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "manager_api")
    receiver.status = 500
    made = await hook(api, receiver.url)
    renewed = (await api.post(f"{API}/webhooks/{made['id']}/secret")).json()["secret"]
    await person(api)
    await happen()
    await eventually(lambda: received(receiver, 2), 60)
    await eventually(lambda: tried(api, made["id"]), 60)
    changed = {"name": "b", "kinds": ["job-done"], "address": f"{receiver.url}2"}
    await api.put(f"{API}/webhooks/{made['id']}", json=changed)

    shown = [
        (await api.get(f"{API}{address}")).text
        for address in (
            "/webhooks",
            f"/webhooks/{made['id']}/deliveries",
            "/audit",
            "/audit/export",
            "/notifications",
            "/configuration",
        )
    ]
    shown.append(str(await farm.told("/notifications")))

    assert "a notification was not taken" in caplog.text
    for text in (*shown, caplog.text):
        for secret in (made["secret"], renewed, "s3cret-path", "s3cret-pw"):
            assert secret not in text
    assert '"address":"***"' in shown[2].replace(" ", "")
