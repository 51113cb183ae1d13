"""The trouble of a webhook or an e-mail is a sentence that says which machine did what."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from manager_api.notifications import email, webhook
from manager_api.notifications.outbox import Claimed, Outcome
from manager_api.settings.notifications import Smtp
from tests.manager.notifications.receivers import MailServer, WebhookReceiver
from workflows.domain.notifications import Happening, HappeningKind, Way, message_of
from workflows.domain.webhooks import secret_of


def delivery(address: str, way: Way) -> Claimed:
    return Claimed(
        id="msg_1",
        rule_id="",
        message=message_of(HappeningKind.TEST, [Happening(HappeningKind.TEST, "x")]),
        created=datetime(2026, 5, 1, tzinfo=UTC),
        way=way,
        address=address,
        secret=secret_of(b"x" * 32),
        shape="plain",
    )


async def posted(address: str) -> Outcome:
    return await webhook.send(delivery(address, Way.WEBHOOK), {}, 0)


@asynccontextmanager
async def answering(said: bytes) -> AsyncIterator[str]:
    """A server that says this to each request, and breaks off; yields its name and port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_name_that_does_not_exist() -> None:
    outcome = await posted("https://hooks.invalid/s3cret")

    assert outcome.sentence in {
        "the address hooks.invalid does not answer: its name is not known",
        "the address hooks.invalid does not answer: its name cannot be looked up at the moment",
    }


@pytest.mark.parametrize(
    ("address", "said", "sentence"),
    [
        ("https://{}/x", b"ole", "it does not speak TLS, or no version of it that is safe"),
        ("http://{}/x", b"ole\r\n\r\n", "it does not answer as HTTP has it, or breaks off"),
        ("http://{}/x", b"", "it does not answer as HTTP has it, or breaks off"),
    ],
)
async def test_a_server_that_is_no_webhooks_receiver(
    address: str, said: bytes, sentence: str
) -> None:
    async with answering(said) as place:
        outcome = await posted(address.format(place))

    assert outcome.sentence == f"the address 127.0.0.1 does not answer: {sentence}"


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (302, "127.0.0.1 answers with a redirect (HTTP 302), which is not followed"),
        (403, "127.0.0.1 refuses the message with HTTP 403 (Forbidden)"),
        (410, "127.0.0.1 says that this address is gone (HTTP 410)"),
        (799, "127.0.0.1 refuses the message with HTTP 799"),
    ],
)
async def test_an_answer_that_is_no_success(status: int, sentence: str) -> None:
    with WebhookReceiver(status=status) as receiver:
        outcome = await posted(receiver.url)

    assert (outcome.sentence, outcome.status) == (sentence, status)


async def test_a_receiver_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "WITHIN_S", 0.2)
    is_ended = asyncio.Event()

    async def wait(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await is_ended.wait()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    async with server:
        outcome = await posted(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x")
        is_ended.set()

    assert outcome.sentence == "the address 127.0.0.1 does not answer: no answer within 0 s"


# --- e-mail ---------------------------------------------------------------------------------------


async def mailed(server: MailServer, **changed: object) -> Outcome:
    settings = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "sender": "farm@studio.example",
        "user": "farm",
        "password": "s3cret-pw",
    }
    smtp = Smtp.model_validate(settings | changed)
    return await email.send(delivery("ana@studio.example", Way.EMAIL), smtp, "Tablao", "")


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"AUTH": "535 no"}, "refuses the login (SMTP 535)"),
        ({"MAIL": "550 no"}, "refuses the sender's address, smtp.sender (SMTP 550)"),
        ({"RCPT": "550 no"}, "refuses the address of the recipient (SMTP 550)"),
        ({"DATA": "554 spam"}, "refuses the message (SMTP 554)"),
        ({"EHLO": "550 no", "HELO": "550 no"}, "refuses the connection (SMTP 550)"),
        ({"EHLO": "250 test"}, "cannot be used: it offers no login that the manager knows"),
        ({"EHLO": "250-test\n250 AUTH X"}, "cannot be used: it offers no login that the manager"),
        ({"MAIL": ""}, "broke off the connection"),
    ],
)
async def test_a_mail_server_that_refuses(answers: dict[str, str], sentence: str) -> None:
    with MailServer(answers=answers) as server:
        outcome = await mailed(server)

    assert outcome.sentence.startswith(f"the mail server 127.0.0.1 {sentence}")


@pytest.mark.parametrize(
    ("security", "sentence"),
    [
        ("starttls", "cannot be used: it offers no TLS by STARTTLS"),
        ("tls", "does not answer: it does not speak TLS"),
    ],
)
async def test_a_mail_server_without_tls(security: str, sentence: str) -> None:
    with MailServer() as server:
        outcome = await mailed(server, security=security)

    assert outcome.sentence.startswith(f"the mail server 127.0.0.1 {sentence}")


async def test_a_mail_server_that_is_away() -> None:
    with MailServer() as server:
        pass
    outcome = await mailed(server)

    assert outcome.sentence == "the mail server 127.0.0.1 does not answer: connection refused"
