"""What the tests of notifications do again and again over HTTP."""

from typing import Any

import httpx

from tests.manager.api_calls import eventually
from tests.manager.notifications.receivers import WebhookReceiver
from tests.manager.web.people import API, Account


async def hook(api: httpx.AsyncClient, address: str, **fields: Any) -> dict[str, Any]:
    asked = {"name": "chat", "address": address, "kinds": ["job-failed"], **fields}
    answer = await api.post(f"{API}/webhooks", json=asked)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def deliveries(api: httpx.AsyncClient, webhook_id: str) -> list[dict[str, Any]]:
    answer = await api.get(f"{API}/webhooks/{webhook_id}/deliveries")
    found: list[dict[str, Any]] = answer.json()["deliveries"]
    return found


async def ended(api: httpx.AsyncClient, webhook_id: str) -> list[dict[str, Any]]:
    """The deliveries, when none waits any more."""

    async def all_ended() -> list[dict[str, Any]]:
        found = await deliveries(api, webhook_id)
        return [] if any(each["state"] == "waiting" for each in found) else found

    return await eventually(all_ended, 60)


async def received(receiver: WebhookReceiver, count: int) -> bool:
    return len(receiver.received) >= count


async def tried(api: httpx.AsyncClient, webhook_id: str) -> bool:
    found = await deliveries(api, webhook_id)
    return bool(found and found[0]["tries"])


async def person(api: httpx.AsyncClient, **wanted: Any) -> tuple[Account, dict[str, str]]:
    account = await Account.made(api, "artist")
    headers = await account.session_headers(api)
    rules = [{"kinds": ["job-failed", "job-done"], "scope": "mine"}]
    asked = {"email": "ana@studio.example", "rules": rules} | wanted
    answer = await api.put(f"{API}/me/notifications", json=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        **asked,
        "can_send": True,
        "rules": [_whole(r) for r in asked["rules"]],
    }
    return account, headers


def _whole(rule: dict[str, Any]) -> dict[str, Any]:
    return {
        "value": "",
        **rule,
        "kinds": sorted(rule["kinds"], key=["job-done", "job-failed"].index),
    }
