"""What the SSDP responder makes of what strangers send, and how much it answers."""

import socket

import pytest

from manager_api.discovery.mdns import instance_name
from manager_api.discovery.place import Place
from manager_api.discovery.ssdp import AnswerLimit
from manager_api.discovery.ssdp_messages import is_for_us
from tests.manager.discovery.search import question

SERVICE = "urn:flamenco:manager:0"


@pytest.mark.parametrize("service", [SERVICE, "ssdp:all"])
def test_a_search_for_us_is_one(service: str) -> None:
    assert is_for_us(question(service))


def test_names_of_headers_may_be_written_in_any_case() -> None:
    assert is_for_us(question(SERVICE).replace(b"MAN:", b"Man:").replace(b"ST: ", b"st:"))


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x00" * 1400,
        b"\r\n\r\n",
        bytes(range(256)),
        b"M-SEARCH",
        question("urn:x:printer:1"),
        question("upnp:rootdevice"),
        question(SERVICE).replace(b'MAN: "ssdp:discover"', b"MAN: ssdp:discover"),
        question(SERVICE).replace(b"M-SEARCH", b"NOTIFY"),
        question(SERVICE).replace(b"\r\n", b"\n"),
        b"HTTP/1.1 200 OK\r\nST: " + SERVICE.encode() + b"\r\n\r\n",
        question(SERVICE) + b"X: " + b"y" * 4000,
    ],
    ids=lambda value: repr(value[:20]),
)
def test_anything_else_gets_no_answer(datagram: bytes) -> None:
    assert not is_for_us(datagram)


def test_one_asker_gets_five_answers_a_second() -> None:
    now = [1000.0]
    limit = AnswerLimit(lambda: now[0])

    first = [limit.allows("10.0.0.1") for _ in range(20)]
    other = limit.allows("10.0.0.2")
    now[0] += 1

    assert sum(first) == 5
    assert other
    assert limit.allows("10.0.0.1")


def test_all_together_get_two_hundred_answers_a_second() -> None:
    limit = AnswerLimit(lambda: 1000.0)

    answered = [limit.allows(f"10.0.{number // 250}.{number % 250}") for number in range(1000)]

    assert sum(answered) == 200


@pytest.mark.parametrize(
    ("host", "address", "is_on_loopback"),
    [("127.0.0.1", "127.0.0.1", True), ("localhost", "127.0.0.1", True)],
)
def test_a_manager_on_loopback_tells_of_loopback_only(
    host: str, address: str, is_on_loopback: bool
) -> None:
    place = Place.of(host, 8080)

    assert place.addresses() == [address]
    assert place.is_on_loopback == is_on_loopback


def test_an_address_that_is_not_ipv4_is_said() -> None:
    with pytest.raises(socket.gaierror):
        Place.of("::1", 8080)


def test_a_managers_name_fits_into_a_name_of_dns() -> None:
    long = instance_name("Soleá por Bulería. " * 9, "render.example.com" * 9, 8080)

    assert instance_name("Soleá", "north", 8080) == "Soleá at north 8080"
    assert instance_name("", "north\n.example", 1) == "Tablao at north--example 1"
    assert len(long.encode()) <= 63
    assert "." not in long
