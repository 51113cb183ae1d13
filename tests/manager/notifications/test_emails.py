"""People hear of what they have chosen by e-mail, at the address that they have named."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from manager_api.database.engine import utc_now
from manager_api.notifications import outbox, store
from manager_api.notifications.outbox import Claimed
from tests.manager.api_calls import eventually
from tests.manager.notifications.asking import ended, hook, person
from tests.manager.notifications.happen import Happen
from tests.manager.notifications.receivers import MailServer, WebhookReceiver
from tests.manager.stand_in_farm import Farm
from tests.manager.web.people import API, Account
from workflows.domain.notifications import Happening, HappeningKind, Times, Way, message_of


async def test_a_person_hears_of_own_jobs_by_mail(
    api: httpx.AsyncClient, mail_server: MailServer, happen: Happen
) -> None:
    account, _ = await person(api)

    await happen(owner="another account")
    await happen(owner=account.id, name="sh010\r\nBcc: spy@x.example <b>")
    await eventually(lambda: _has_mail(mail_server))

    (mail,) = mail_server.mails
    assert mail["To"] == "ana@studio.example"
    assert mail["From"] == "farm@studio.example"
    assert "sh010 Bcc: spy@x.example" in str(mail["Subject"])
    assert mail["Bcc"] is None
    assert str(mail["Message-ID"]).endswith("@studio.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail_server.recipients == ["<ana@studio.example>"]
    assert mail_server.logins == ["\0farm\0s3cret-pw"]


async def _has_mail(server: MailServer) -> bool:
    return bool(server.mails)


async def test_a_disabled_person_hears_nothing(
    api: httpx.AsyncClient,
    mail_server: MailServer,
    receiver: WebhookReceiver,
    happen: Happen,
) -> None:
    account, _ = await person(api, rules=[{"kinds": ["job-failed"], "scope": "all"}])
    await api.patch(f"{API}/accounts/{account.id}", json={"is_disabled": True})
    made = await hook(api, receiver.url)

    await happen()
    await ended(api, made["id"])

    assert mail_server.mails == []


async def test_what_waits_for_a_person_is_not_sent_once_the_person_is_disabled(
    api: httpx.AsyncClient, farm: Farm
) -> None:
    account, _ = await person(api)
    database, times = farm.parts.database, Times()
    message = message_of(HappeningKind.TEST, [Happening(HappeningKind.TEST, "sh010")])
    soon = utc_now() + timedelta(hours=1)
    async with database.writing() as session:
        [rule] = await store.rules_of(session, account.id)
        outbox.add_delivery(session, rule.id, message, soon, times)
        assert await outbox.has_claimable(session, soon)

    await api.patch(f"{API}/accounts/{account.id}", json={"is_disabled": True})

    async with database.writing() as session:
        assert not await outbox.has_claimable(session, soon)
        assert await outbox.claim_due(session, soon, times) == []


async def test_a_refused_address_is_given_up_and_the_next_mail_is_tried(
    api: httpx.AsyncClient, mail_server: MailServer, happen: Happen
) -> None:
    account, _ = await person(api)
    mail_server.refuse = "550 no such mailbox"
    refused = await api.post(f"{API}/notifications/test-email", json={"to": "x@studio.example"})
    mail_server.refuse = ""
    taken = await api.post(f"{API}/notifications/test-email", json={"to": "x@studio.example"})

    sentence = "the mail server 127.0.0.1 refuses the address of the recipient (SMTP 550)"
    assert refused.json() == {"is_sent": False, "sentence": sentence}
    assert taken.json() == {"is_sent": True, "sentence": "taken by the server"}
    await happen(owner=account.id)
    await eventually(lambda: _mails(mail_server, 2))


async def test_a_mail_that_cannot_be_made_is_a_failed_try(farm: Farm) -> None:
    happening = Happening(HappeningKind.JOB_DONE, "sh010")
    stored_by_an_older_build = Claimed(
        id="msg_1",
        rule_id="",
        message=message_of(HappeningKind.JOB_DONE, [happening]),
        created=utc_now(),
        way=Way.EMAIL,
        address="=?x?q?a?=@studio.example",
        secret="",
        shape="plain",
    )

    outcome = await farm.parts.notifier.send(stored_by_an_older_build)

    assert not outcome.is_sent
    assert outcome.sentence == "it could not be made; the manager's log names the error"


async def _mails(server: MailServer, count: int) -> bool:
    return len(server.mails) >= count


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "ana@x.example\nBcc: x@y"},
        {"email": "ana"},
        {"email": "=?x?q?a?=@studio.example"},
        {"email": "ana.=?utf-8?q?b?=@studio.example"},
        {"rules": [{"kinds": []}]},
        {"rules": [{"kinds": ["job-done"], "scope": "project"}]},
        {"rules": [{"kinds": ["job-done"]}] * 21},
        {"rules": "all"},
    ],
)
async def test_what_a_person_cannot_mean_is_refused(
    api: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    headers = await (await Account.made(api, "viewer")).session_headers(api)

    answer = await api.put(f"{API}/me/notifications", json=wrong, headers=headers)

    assert answer.status_code == 400, answer.text


async def test_a_caller_without_an_account_has_no_mail(api: httpx.AsyncClient) -> None:
    assert (await api.get(f"{API}/me/notifications")).status_code == 403
    assert (await api.put(f"{API}/me/notifications", json={})).status_code == 403
