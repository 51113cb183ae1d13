"""Searches as a stock worker does: `python -m tests.manager.discovery.search ADDRESS ANSWERS [ST]`.

Asks once a second by the interface with that address, until it has so many different answers and
has then heard nothing new for half a second; prints them as JSON.
"""

import json
import socket
import sys
import time

GROUP = ("239.255.255.250", 1900)
DEADLINE_S = 60.0
QUIET_S = 0.5


def question(service: str) -> bytes:
    lines = [
        "M-SEARCH * HTTP/1.1",
        "HOST: 239.255.255.250:1900",
        'MAN: "ssdp:discover"',
        "MX: 3",
        f"ST: {service}",
        *("", ""),
    ]
    return "\r\n".join(lines).encode()


def search(address: str, wanted: int, service: str) -> list[str]:
    answers: dict[str, None] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        interface = socket.inet_aton(address)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        deadline = time.monotonic() + DEADLINE_S
        while len(answers) < wanted and time.monotonic() < deadline:
            asking.sendto(question(service), GROUP)
            _collect(asking, answers, 1.0, wanted)
        _collect(asking, answers, QUIET_S)
    return list(answers)


def _collect(
    asking: socket.socket, answers: dict[str, None], patience_s: float, enough: int = sys.maxsize
) -> None:
    asking.settimeout(patience_s)
    while len(answers) < enough:
        try:
            answers[asking.recv(4096).decode()] = None
        except TimeoutError:
            return


if __name__ == "__main__":
    address, wanted, *service = sys.argv[1:]
    found = search(address, int(wanted), *(service or ["urn:flamenco:manager:0"]))
    json.dump(found, sys.stdout)
