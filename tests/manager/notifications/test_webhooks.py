"""What happens is told once to each that wants to hear it, by webhook and as an event."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.database import happenings
from manager_api.database.engine import utc_now
from manager_api.settings.notifications import Notifications
from tests.manager.api_calls import eventually
from tests.manager.notifications.asking import deliveries, ended, hook, received, tried
from tests.manager.notifications.happen import Happen
from tests.manager.notifications.receivers import WebhookReceiver
from tests.manager.web.people import API
from workflows.domain.notifications import Happening, HappeningKind
from workflows.domain.webhooks import signature

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


async def test_a_webhook_is_told_once_signed_and_logged(
    api: httpx.AsyncClient, receiver: WebhookReceiver, happen: Happen
) -> None:
    made = await hook(api, receiver.url)

    await happen()
    (delivery,) = await ended(api, made["id"])

    (received,) = receiver.received
    stamp = int(received.headers["webhook-timestamp"])
    assert received.id == delivery["id"]
    assert received.headers["webhook-signature"] == signature(
        made["secret"], received.id, stamp, received.content
    )
    assert abs(stamp - utc_now().timestamp()) < 300
    assert received.path == "/services/T0/s3cret-path"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.body["type"] == "job-failed"
    assert received.body["data"]["items"] == [{"name": "job 1", "text": "no camera", "job_id": "1"}]
    assert (delivery["state"], delivery["title"]) == ("sent", "Job job 1 failed")
    assert [(each["status"], each["sentence"]) for each in delivery["tries"]] == [
        (204, "taken with 204")
    ]


async def test_two_thousand_at_once_are_one_message_for_each_rule(
    api: httpx.AsyncClient, receiver: WebhookReceiver, happen: Happen, farm: "Farm"
) -> None:
    all_of_them = await hook(api, receiver.url)
    of_pilot = await hook(api, receiver.url, scope="project", value="Pilot", shape="slack")

    await happen(count=1_500, project="Pilot")
    await happen(count=500, project="Trailer", worker_id="w")
    found = [await ended(api, each["id"]) for each in (all_of_them, of_pilot)]

    assert [[each["title"] for each in of_rule] for of_rule in found] == [
        ["2,000 jobs failed"],
        ["1,500 jobs failed"],
    ]
    assert len(receiver.received) == 2
    told = await farm.told("/notifications")
    assert sum(len(each["items"]) for each in told) == 2_000
    assert max(len(each["items"]) for each in told) == 50


async def test_a_rule_hears_its_kinds_and_a_disabled_one_nothing(
    api: httpx.AsyncClient, receiver: WebhookReceiver, happen: Happen
) -> None:
    done = await hook(api, receiver.url, kinds=["job-done", "worker-lost"])
    await hook(api, receiver.url, is_enabled=False)

    await happen(HappeningKind.JOB_FAILED)
    await happen(HappeningKind.JOB_DONE)
    found = await ended(api, done["id"])

    assert [each["title"] for each in found] == ["Job job 1 is completed"]
    assert len(receiver.received) == 1


async def test_the_same_happening_is_noted_once(farm: "Farm", api: httpx.AsyncClient) -> None:
    for _ in range(3):
        async with farm.parts.database.writing() as session:
            happenings.note(
                session, "j:1:7", Happening(HappeningKind.JOB_DONE, "sh010", job_id="j")
            )

    async def told() -> Any:
        return (await api.get(f"{API}/notifications")).json()["notifications"]

    (only,) = await eventually(told)
    assert (only["kind"], only["facts"]) == ("job-done", {"name": "sh010", "job_id": "j"})


async def test_a_receiver_that_is_down_gets_it_later_with_the_same_id(
    api: httpx.AsyncClient, receiver: WebhookReceiver, happen: Happen
) -> None:
    receiver.status, receiver.answer = 503, b"busy <b>\xff" + b"x" * 9_000
    made = await hook(api, receiver.url)

    await happen()
    await eventually(lambda: received(receiver, 2), 60)
    failing = (await api.get(f"{API}/webhooks")).json()["webhooks"][0]
    receiver.status, receiver.answer = 200, b"ok"
    (delivery,) = await ended(api, made["id"])

    refused = "127.0.0.1 refuses the message with HTTP 503 (Service Unavailable)"
    assert failing["trouble"] == refused
    assert failing["failing_since"] is not None
    assert len(receiver.by_id()) == 1
    assert [each["status"] for each in delivery["tries"]][-1] == 200
    assert {each["status"] for each in delivery["tries"][:-1]} == {503}
    assert delivery["tries"][0]["answer"].startswith("busy <b>\N{REPLACEMENT CHARACTER}")
    assert len(delivery["tries"][0]["answer"]) == 500
    mended = (await api.get(f"{API}/webhooks")).json()["webhooks"][0]
    assert (mended["trouble"], mended.get("failing_since")) == ("", None)


async def test_it_is_given_up_after_a_while_and_a_person_sends_it_again(
    api: httpx.AsyncClient, farm: "Farm", receiver: WebhookReceiver, happen: Happen
) -> None:
    _with_times(farm, give_up=timedelta(milliseconds=900))
    receiver.status = 500
    made = await hook(api, receiver.url)

    await happen()
    (delivery,) = await ended(api, made["id"])
    assert delivery["state"] == "given-up"

    receiver.status = 200
    again = await api.post(f"{API}/deliveries/{delivery['id']}/resend")
    assert (again.status_code, again.content) == (204, b"")
    (sent,) = await ended(api, made["id"])
    assert (sent["state"], sent["id"]) == ("sent", delivery["id"])
    assert set(receiver.by_id()) == {delivery["id"]}


def _with_times(farm: "Farm", **times: timedelta) -> None:
    configuration = farm.parts.configuration
    usual = configuration.settings.notifications.model_dump() | times
    changed = {"notifications": Notifications.model_validate(usual)}
    configuration.settings = configuration.settings.model_copy(update=changed)


async def test_a_webhook_that_failed_for_long_is_disabled_and_others_hear_of_it(
    api: httpx.AsyncClient, farm: "Farm", receiver: WebhookReceiver, happen: Happen
) -> None:
    _with_times(farm, disable=timedelta(milliseconds=1))
    other = await hook(api, receiver.url, name="other", kinds=["webhook-disabled"])
    broken = await hook(api, "http://127.0.0.1:1/x", name="broken")

    await happen()
    found = await ended(api, other["id"])

    hooks = {each["name"]: each for each in (await api.get(f"{API}/webhooks")).json()["webhooks"]}
    assert [each["title"] for each in found] == ["Webhook broken was disabled"]
    assert hooks["broken"]["is_enabled"] is False
    assert hooks["broken"]["trouble"].startswith(
        "The manager has disabled it: the address 127.0.0.1 does not answer: connection refused"
    )
    assert (await api.post(f"{API}/webhooks/{broken['id']}/test")).status_code == 409


@pytest.mark.parametrize(("status", "sentence"), [(302, "redirect"), (410, "gone")])
async def test_redirects_are_not_followed_and_who_is_gone_is_left(
    api: httpx.AsyncClient, receiver: WebhookReceiver, happen: Happen, status: int, sentence: str
) -> None:
    receiver.status = status
    made = await hook(api, receiver.url)

    await happen()
    await eventually(lambda: tried(api, made["id"]), 60)

    (delivery,) = await deliveries(api, made["id"])
    assert sentence in delivery["tries"][0]["sentence"]
    assert {each.path for each in receiver.received} == {"/services/T0/s3cret-path"}
    is_enabled = (await api.get(f"{API}/webhooks")).json()["webhooks"][0]["is_enabled"]
    assert is_enabled is (status != 410)


async def test_a_test_message_goes_the_same_way(
    api: httpx.AsyncClient, receiver: WebhookReceiver
) -> None:
    made = await hook(api, receiver.url, shape="mattermost")

    await api.post(f"{API}/webhooks/{made['id']}/test")
    (delivery,) = await ended(api, made["id"])

    assert delivery["title"] == "A test of chat"
    assert receiver.received[0].body["text"].startswith("Tablao: A test of chat")


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "http://169.254.169.254/latest/meta-data"},
        {"address": "ftp://x/y"},
        {"kinds": []},
        {"kinds": ["test"]},
        {"kinds": ["no-such-kind"]},
        {"kinds": ["job-done"] * 99},
        {"scope": "mine"},
        {"scope": "project"},
        {"scope": "all", "value": "x"},
        {"shape": "carrier-pigeon"},
        {"name": "a\nb"},
        {"name": "x" * 256},
        {"secret": "short"},
        {"is_enabled": "yes"},
    ],
)
async def test_what_makes_no_sense_is_refused(
    api: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    asked = {"name": "chat", "address": "https://hooks.example/x", "kinds": ["job-failed"]}

    answer = await api.post(f"{API}/webhooks", json=asked | wrong)

    assert answer.status_code == 400, answer.text


async def test_there_are_not_too_many_webhooks(api: httpx.AsyncClient) -> None:
    for _ in range(50):
        await hook(api, "https://hooks.example/x", is_enabled=False)

    asked = {"name": "chat", "address": "https://hooks.example/x", "kinds": ["job-failed"]}
    assert (await api.post(f"{API}/webhooks", json=asked)).status_code == 409


async def test_a_changed_webhook_keeps_the_address_that_is_not_shown(
    api: httpx.AsyncClient, receiver: WebhookReceiver, happen: Happen
) -> None:
    made = await hook(api, receiver.url)
    shown = (await api.get(f"{API}/webhooks")).json()["webhooks"][0]

    changed = await api.put(
        f"{API}/webhooks/{made['id']}", json={"name": "crew", "kinds": ["job-done"]}
    )
    renewed = (await api.post(f"{API}/webhooks/{made['id']}/secret")).json()
    await happen(HappeningKind.JOB_DONE)
    await ended(api, made["id"])

    assert shown["address"] == f"http://127.0.0.1:{receiver.port}/…"
    assert (changed.json()["name"], changed.json()["address"]) == ("crew", shown["address"])
    (received,) = receiver.received
    stamp = int(received.headers["webhook-timestamp"])
    expected = signature(renewed["secret"], received.id, stamp, received.content)
    assert received.headers["webhook-signature"] == expected
    assert renewed["secret"] != made["secret"]
