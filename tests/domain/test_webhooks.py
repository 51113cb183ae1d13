"""Signatures as the Standard Webhooks specification has them, and addresses that are not called."""

import json
import re
from ipaddress import ip_address

import pytest

from workflows.domain.email_addresses import checked_email
from workflows.domain.notification_texts import body_of, plain_text
from workflows.domain.notifications import Happening, HappeningKind, Message, Shape, message_of
from workflows.domain.webhooks import (
    NotAllowed,
    check_number,
    checked_address,
    checked_secret,
    secret_of,
    shown_address,
    signature,
)


def test_the_signature_is_that_of_the_specifications_example() -> None:
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "number",
    [
        "169.254.169.254",
        "169.254.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "64:ff9b:1:a9fe:a9:fe00::",
        "64:ff9b:1:1a9:fe:a9fe::",
        "64:ff9b:1:12:a9:fea9:fe00:0",
        "::ffff:0:a9fe:a9fe",
        # Teredo: the server, and the client, of which each bit is turned over.
        "2001:0:a9fe:a9fe:0:1234:f7f7:f7f7",
        "2001:0:808:808:0:1234:5601:5601",
        "2001:db8::5efe:a9fe:a9fe",
        "fd12::200:5efe:169.254.169.254",
        "fd00:42::42",
        "fd00:c1::a9fe:a9fe",
        "fd20:ce::254",
        "2002:a9fe:a9fe::1",
        "::a9fe:a9fe",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "240.0.0.1",
        "255.255.255.255",
        "::ffff:0.0.0.0",
    ],
)
def test_metadata_and_link_local_addresses_are_not_called(number: str) -> None:
    with pytest.raises(NotAllowed):
        check_number(ip_address(number))


@pytest.mark.parametrize(
    "number",
    [
        "10.1.2.3",
        "192.168.0.7",
        "172.16.0.1",
        "127.0.0.1",
        "::1",
        "fd12::7",
        "8.8.8.8",
        "::ffff:10.1.2.3",
        "64:ff9b::10.1.2.3",
        "64:ff9b:1::10.1.2.3",
        "2002:a01:203::1",
        "2001:0:808:808:0:1234:f7f7:f7f7",
        "2606:4700::6810:84e5",
    ],
)
def test_a_studios_own_network_is_called(number: str) -> None:
    check_number(ip_address(number))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "hooks.example/x",
        "ftp://hooks.example/x",
        "file:///etc/passwd",
        "gopher://h/x",
        "https:///x",
        "https://user:pw@hooks.example/x",
        "https://hooks.example/x#y",
        "https://hooks.example/ x",
        "https://hooks.example/\r\nx: y",
        "https://höoks.example/",
        "https://hooks.example:99999/",
        "https://hooks.example:0/",
        "http://[::1/x",
        "http://169.254.169.254/latest",
        "http://[::ffff:169.254.169.254]/latest",
        "https://hooks.example/" + "x" * 2_050,
    ],
)
def test_what_is_no_address_is_refused_and_not_quoted(address: str) -> None:
    with pytest.raises(NotAllowed) as refusal:
        checked_address(address)

    assert "hooks" not in str(refusal.value)


def test_an_address_is_shown_without_its_path() -> None:
    address = checked_address("https://hooks.example:8443/services/T0/B0/s3cret?t=s3cret")

    assert shown_address(address) == "https://hooks.example:8443/…"


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "s3cret", "whsec_c2hvcnQ=", "whsec_%%%%", "whsec_" + "A" * 100]
)
def test_weak_secrets_are_refused(secret: str) -> None:
    with pytest.raises(NotAllowed):
        checked_secret(secret)


def test_our_own_secrets_are_ones() -> None:
    assert checked_secret(secret_of(b"x" * 32)).startswith("whsec_")


# --- texts ----------------------------------------------------------------------------------------

HOSTILE = Happening(
    HappeningKind.JOB_FAILED,
    "<!channel> @here *b* [x](https://spy.example) </b> `x`",
    "a <b> & @everyone",
    job_id="11111111-1111-4111-8111-111111111111",
)


def body(shape: Shape, message: Message, farm_url: str = "https://farm.studio") -> str:
    made = body_of(shape, message, farm="Tablao", farm_url=farm_url, created="2026-05-01T00:00:00Z")
    return json.dumps(made, ensure_ascii=False)


@pytest.mark.parametrize("shape", [Shape.SLACK, Shape.DISCORD, Shape.MATTERMOST])
def test_a_name_calls_no_chat_and_is_no_markup(shape: Shape) -> None:
    text = body(shape, message_of(HappeningKind.JOB_FAILED, [HOSTILE]))

    assert "<!channel>" not in text
    assert "@here" not in text
    assert "@everyone" not in text
    assert "](https://spy.example" not in text or shape is Shape.SLACK
    assert "https://farm.studio/app/jobs/11111111-1111-4111-8111-111111111111" in text


ADDRESSES = [
    "http://spy.example",
    "see(HTTPS://spy.example/x)",
    "ftp://spy.example",
    "ssh://spy.example",
    "slack://open?team=T0",
    "www.spy.example",
    "www1.spy.example",
    "discord.gg/abc",
    "mailto:a@spy.example",
    "tel:123",
    "`http://spy.example`",
    "``http://spy.example",
    "[http://spy.example](<x>)",
]


def named(name: str) -> Message:
    happening = Happening(HappeningKind.JOB_FAILED, name, f"of {name}", job_id="1")
    return message_of(HappeningKind.JOB_FAILED, [happening])


@pytest.mark.parametrize("shape", [Shape.DISCORD, Shape.MATTERMOST])
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_in_a_name_is_code_in_markdown(shape: Shape, address: str) -> None:
    made = body_of(shape, named(f"shot {address} 1"), farm="f", farm_url="https://f.x", created="")
    title, item = (made.get("content") or made["text"]).splitlines()

    for line, spans in ((title, 1), (item, 2)):
        # Nothing is escaped in code, so every second part is a span.
        parts = re.split(r"(?<!\\)`", line)
        assert len(parts) == 2 * spans + 1
        outside = "".join(parts[::2])
        assert re.search(r"spy|discord\.|tel:|slack:", outside) is None
    assert "(https://f.x/app/jobs/1)" in item or "(<https://f.x/app/jobs/1>)" in item


@pytest.mark.parametrize("name", ["sh010_0030", "a.blend", "v1.2", "12:30", "@here: a/b"])
@pytest.mark.parametrize("shape", [Shape.DISCORD, Shape.MATTERMOST])
def test_a_name_without_an_address_is_no_code(shape: Shape, name: str) -> None:
    made = body_of(shape, named(name), farm="f", farm_url="https://f.x", created="")

    assert "`" not in str(made)


def test_slack_makes_no_links_of_its_own() -> None:
    many = [
        Happening(HappeningKind.JOB_FAILED, "&" * 200, "&http://spy.example" * 30, job_id=str(n))
        for n in range(20)
    ]
    made = body_of(
        Shape.SLACK, message_of(HappeningKind.JOB_FAILED, many), farm="f", farm_url="", created=""
    )

    assert made["text"].splitlines() == [each["text"]["text"] for each in made["blocks"]]
    assert all(
        (each["type"], each["text"]["type"], each["text"]["verbatim"])
        == ("section", "mrkdwn", True)
        for each in made["blocks"]
    )
    assert max(len(each["text"]["text"]) for each in made["blocks"]) <= 3_000
    assert len(made["blocks"]) <= 50


def test_discord_gets_no_more_than_it_takes() -> None:
    many = [
        Happening(HappeningKind.JOB_FAILED, "x" * 200, f"{n} www.{'y' * 490}", job_id=str(n))
        for n in range(2_000)
    ]
    made = body_of(
        Shape.DISCORD, message_of(HappeningKind.JOB_FAILED, many), farm="f", farm_url="", created=""
    )

    assert 1_000 < len(made["content"]) <= 2_000
    assert made["content"].endswith("\n…")
    assert all(line.count("`") in (0, 2) for line in made["content"].splitlines())
    assert made["allowed_mentions"] == {"parse": []}


def test_a_plain_message_has_type_time_and_data() -> None:
    made = json.loads(body(Shape.PLAIN, message_of(HappeningKind.JOB_FAILED, [HOSTILE])))

    assert (made["type"], made["timestamp"]) == ("job-failed", "2026-05-01T00:00:00Z")
    assert made["data"]["count"] == 1
    assert made["data"]["items"][0]["name"] == HOSTILE.name
    assert made["data"]["items"][0]["job_id"] == HOSTILE.job_id


def test_without_the_farms_address_there_are_no_links() -> None:
    message = message_of(HappeningKind.JOB_FAILED, [HOSTILE])

    assert "/app/" not in body(Shape.PLAIN, message, "")
    assert "/app/" not in plain_text(message, "")


def test_a_text_says_how_many_more_there_are() -> None:
    many = [Happening(HappeningKind.JOB_DONE, f"job {n}", job_id=str(n)) for n in range(1_500)]

    assert plain_text(message_of(HappeningKind.JOB_DONE, many), "").endswith("and 1,490 more")


# --- e-mail ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["ana@studio.example", " a.b+c@x-y.z ", "a@localhost"])
def test_plain_addresses_are_taken(text: str) -> None:
    assert checked_email(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "ana",
        "@x",
        "a@",
        "a@b@c",
        "a b@c.d",
        "a@b.c\nBcc: x@y.z",
        "a@b.c\r\n",
        "Ana <a@b.c>",
        "a@b.c,x@y.z",
        '"a"@b.c',
        "a@[127.0.0.1]",
        "a@-b.c",
        "ä@b.c",
        "a\0@b.c",
        "a" * 260 + "@b.c",
    ],
)
def test_what_could_be_more_than_one_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="written name@"):
        checked_email(text)
