"""Makes one question by multicast DNS, "where is a Tablao?", and reads its answers.

Sources: RFC 1035 section 4 for the messages; RFC 6762 section 6.7 for one-shot questions: a
question from a port other than 5353 is answered once, to that port.
"""

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass

GROUP = ("224.0.0.251", 5353)
SERVICE = "_tablao._tcp.local"

_A, _PTR, _TXT, _SRV = 1, 12, 16, 33
_INTERNET = 1
_HEADER = struct.Struct("!6H")
_IS_ANSWER = 0x8000
_LONGEST_DATAGRAM = 9000
_MOST_RECORDS = 64
#: In bytes: RFC 1035 section 3.1.
_LONGEST_NAME = 255


class _Malformed(ValueError):
    pass


@dataclass(frozen=True)
class _Record:
    name: str
    type: int
    begin: int
    """The beginning of its data in the datagram."""
    end: int


def question() -> bytes:
    labels = b"".join(bytes([len(each)]) + each.encode() for each in SERVICE.split("."))
    return _HEADER.pack(0, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", _PTR, _INTERNET)


def urls_in(datagram: bytes, sender: str) -> list[str]:
    """Return the URLs of managers in an answer; none if it is malformed, or about something else.

    Args:
        sender: the sender's address; used if the answer gives no address.
    """
    try:
        return list(dict.fromkeys(_urls(datagram, sender)))
    except (_Malformed, struct.error, IndexError, UnicodeDecodeError):
        return []


def _urls(datagram: bytes, sender: str) -> Iterator[str]:
    records = _records(datagram)
    instances = {
        _name_at(datagram, each.begin)[0]
        for each in records
        if each.type == _PTR and each.name == SERVICE
    }
    addresses: dict[str, list[str]] = {}
    for each in records:
        if each.type == _A and each.end - each.begin == 4:
            found = str(ipaddress.IPv4Address(datagram[each.begin : each.end]))
            addresses.setdefault(each.name, []).append(found)
    told = {
        each.name: _texts(datagram[each.begin : each.end]) for each in records if each.type == _TXT
    }
    for each in records:
        if each.type == _SRV and each.name in instances:
            _, _, port = struct.unpack_from("!3H", datagram, each.begin)
            target, _ = _name_at(datagram, each.begin + 6)
            texts = told.get(each.name, {})
            if public := texts.get("url"):
                yield public
                continue
            scheme = "https" if texts.get("scheme") == "https" else "http"
            for address in addresses.get(target, [sender]):
                yield f"{scheme}://{address}:{port}"


def _texts(data: bytes) -> dict[str, str]:
    """Return the texts `name=value` of a TXT record by their names."""
    found = {}
    at = 0
    while at < len(data):
        text = data[at + 1 : at + 1 + data[at]].decode()
        name, _, value = text.partition("=")
        found[name] = value
        at += 1 + data[at]
    return found


def _records(datagram: bytes) -> list[_Record]:
    if len(datagram) > _LONGEST_DATAGRAM:
        raise _Malformed("too long")
    _, flags, questions, *sections = _HEADER.unpack_from(datagram)
    if not flags & _IS_ANSWER or questions + sum(sections) > _MOST_RECORDS:
        raise _Malformed("no answer to us")
    at = _HEADER.size
    for _ in range(questions):
        at = _name_at(datagram, at)[1] + 4
    records = []
    for _ in range(sum(sections)):
        name, at = _name_at(datagram, at)
        kind, _, _, length = struct.unpack_from("!2HIH", datagram, at)
        begin, at = at + 10, at + 10 + length
        if at > len(datagram):
            raise _Malformed("cut off")
        records.append(_Record(name, kind, begin, at))
    return records


def _name_at(datagram: bytes, at: int) -> tuple[str, int]:
    """Return a name in small letters, and the position in the datagram after it."""
    labels: list[str] = []
    after, lowest, length = 0, at, 0
    while size := datagram[at]:
        if size >= 0xC0:
            after = after or at + 2
            at = struct.unpack_from("!H", datagram, at)[0] & 0x3FFF
            # A pointer must lead to an earlier position, so that no name is an endless circle.
            if at >= lowest:
                raise _Malformed("a name without end")
            lowest = at
            continue
        length += size + 1
        if size > 63 or length > _LONGEST_NAME:
            raise _Malformed("a name that is too long")
        labels.append(datagram[at + 1 : at + 1 + size].decode().lower())
        at += size + 1
    return ".".join(labels), after or at + 1
