"""The add-on finds managers in its networks, and ignores malformed and foreign datagrams."""

import contextlib
import json
import struct
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core import mdns, ssdp
from addon.core.mdns import SERVICE
from tests.farm.processes import wait_until
from tests.manager.discovery.networks import Cable, Machine

PORT = 8080
INSTANCE = f"Soleares.{SERVICE}"


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[Machine, Machine]]:
    with Cable() as machines:
        yield machines


@contextlib.contextmanager
def advertised(machine: Machine, listen: str) -> Iterator[None]:
    process = machine.start("-m", "tests.manager.discovery.advertise", listen)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.communicate(timeout=60)


def found_from(machine: Machine, search_s: float, *way: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        machine.run("-m", "tests.addon.core.find", str(search_s), *way)
    )
    return found


def test_a_manager_on_the_network_is_found_by_each_way(machines: tuple[Machine, Machine]) -> None:
    farm, artist = machines

    with advertised(farm, f":{PORT}"):
        found = {
            way: wait_until(partial(found_from, artist, 1.5, way), 60) for way in ("ssdp", "mdns")
        }

    manager = {
        "address": f"http://{farm.address}:{PORT}",
        "name": "Soleares",
        "product": "Tablao of a test",
    }
    assert found == {"ssdp": [manager], "mdns": [manager]}


def test_a_manager_for_this_machine_alone_is_found_there_and_only_there(
    machines: tuple[Machine, Machine],
) -> None:
    farm, artist = machines

    with advertised(farm, f"127.0.0.1:{PORT}"):
        here, there = found_from(farm, 1), found_from(artist, 1)

    assert [each["name"] for each in here] == ["Soleares"]
    assert there == []


def test_nothing_is_found_where_there_is_nothing(machines: tuple[Machine, Machine]) -> None:
    _, artist = machines

    assert found_from(artist, 0.5) == []


# --- mDNS ----------------------------------------------------------------------------------------


def name(text: str) -> bytes:
    return b"".join(bytes([len(each)]) + each.encode() for each in text.split(".")) + b"\0"


def record(owner: str, kind: int, data: bytes) -> bytes:
    return name(owner) + struct.pack("!2HIH", kind, 1, 10, len(data)) + data


def answer(*records: bytes) -> bytes:
    return struct.pack("!6H", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)


POINTER = record(SERVICE, 12, name(INSTANCE))
PLACE = record(INSTANCE, 33, struct.pack("!3H", 0, 0, 8080) + name("farm.local"))
ADDRESS = record("farm.local", 1, bytes([10, 0, 0, 5]))


def test_an_answer_of_mdns_says_where_a_manager_is() -> None:
    assert mdns.urls_in(answer(POINTER, PLACE, ADDRESS), "10.0.0.9") == ["http://10.0.0.5:8080"]


@pytest.mark.parametrize(
    ("texts", "urls"),
    [
        (("version=1", "scheme=https"), ["https://10.0.0.5:8080"]),
        (("scheme=gopher",), ["http://10.0.0.5:8080"]),
        (
            ("scheme=http", "url=https://farm.studio/tablao"),
            ["https://farm.studio/tablao"],
        ),
    ],
)
def test_an_answer_of_mdns_may_say_more_of_the_address(
    texts: tuple[str, ...], urls: list[str]
) -> None:
    told = record(INSTANCE, 16, b"".join(bytes([len(each)]) + each.encode() for each in texts))

    assert mdns.urls_in(answer(POINTER, PLACE, ADDRESS, told), "10.0.0.9") == urls


def test_an_answer_without_an_address_is_about_its_sender() -> None:
    assert mdns.urls_in(answer(POINTER, PLACE), "10.0.0.9") == ["http://10.0.0.9:8080"]


def test_other_services_are_no_managers() -> None:
    printer = PLACE.replace(name(INSTANCE), name("Soleares._ipp._tcp.local"), 1)

    assert mdns.urls_in(answer(POINTER, printer, ADDRESS), "10.0.0.9") == []


def test_questions_of_others_are_no_answers() -> None:
    assert mdns.urls_in(mdns.question(), "10.0.0.9") == []


def test_a_name_that_points_at_itself_ends() -> None:
    circle = struct.pack("!6H", 0, 0x8400, 0, 1, 0, 0) + b"\xc0\x0c" + bytes(10)

    assert mdns.urls_in(circle, "10.0.0.9") == []


@given(st.binary(max_size=400))
def test_whatever_arrives_by_mdns_is_survived(datagram: bytes) -> None:
    assert mdns.urls_in(datagram, "10.0.0.9") == []


@given(st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_a_damaged_answer_of_mdns_is_survived(place: int, damage: bytes) -> None:
    datagram = bytearray(answer(POINTER, PLACE, ADDRESS))
    datagram[place : place + len(damage)] = damage

    assert len(mdns.urls_in(bytes(datagram), "10.0.0.9")) <= 1


# --- SSDP ----------------------------------------------------------------------------------------


def ssdp_answer(location: str, device: str = "aa80bc5f-d0af-46b8-8630-23bd7e80ec4d") -> bytes:
    usn = f"uuid:{device}::urn:flamenco:manager:0"
    return f"HTTP/1.1 200 OK\r\nLocation: {location}\r\nUSN: {usn}\r\n\r\n".encode()


def test_an_answer_of_ssdp_says_where_a_manager_is() -> None:
    datagram = ssdp_answer("http://10.0.0.5:8080/upnp/description.xml")

    assert ssdp.urls_in(datagram, "10.0.0.9") == ["http://10.0.0.5:8080"]


def test_an_answer_of_ssdp_may_name_a_folder_of_a_larger_site() -> None:
    datagram = ssdp_answer("https://farm.studio/tablao/upnp/description.xml")

    assert ssdp.urls_in(datagram, "10.0.0.9") == ["https://farm.studio/tablao"]


@pytest.mark.parametrize(
    "datagram",
    [
        ssdp_answer("http://10.0.0.5:8080/", device="a-television"),
        ssdp_answer("http://10.0.0.5:no-port/"),
        ssdp_answer("file:///etc/passwd"),
        ssdp_answer(""),
        ssdp.question(),
        b"\xff" * 3000,
    ],
    ids=["another device", "no port", "no web address", "no address", "a question", "too long"],
)
def test_other_answers_of_ssdp_are_no_managers(datagram: bytes) -> None:
    assert ssdp.urls_in(datagram, "10.0.0.9") == []
