"""Hears what is told to the group of SSDP: `-m tests.manager.discovery.listen ADDRESS MESSAGES`.

Says "ready" when it listens by the interface with that address, then each message as JSON.
"""

import json
import socket
import sys

GROUP, PORT = "239.255.255.250", 1900


def listen(address: str, messages: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ears.bind((GROUP, PORT))
        membership = socket.inet_aton(GROUP) + socket.inet_aton(address)
        ears.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        ears.settimeout(60)
        _say("ready")
        for _ in range(messages):
            _say(json.dumps(ears.recv(4096).decode()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    listen(sys.argv[1], int(sys.argv[2]))
