"""Sends a job's files as Flamenco's add-on does: `python -m tests.manager.shaman.client --help`.

Only the standard library, so that eight of them start quickly.
"""

import argparse
import http.client
import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

#: The stock client's limits.
ROUNDS = 50
MAX_DEFERRED = 8
OCTETS = {"content-type": "application/octet-stream"}

Spec = dict[str, Any]


class Client:
    def __init__(self, address: str, sources: dict[str, str], seed: str) -> None:
        """
        Args:
            address: `host:port` of the manager.
            sources: files on this machine, by checksum.
            seed: makes the order in which files are sent.
        """
        self._connection = http.client.HTTPConnection(address, timeout=300)
        self._sources = sources
        self._random = random.Random(seed)
        self.answers: Counter[int] = Counter()

    def send_all(self, files: list[Spec]) -> None:
        for _ in range(ROUNDS):
            wanted = self.requirements(files)
            if not wanted:
                return
            self.send_round(wanted)
        raise AssertionError(f"{len(wanted)} files are still wanted")

    def requirements(self, files: list[Spec]) -> list[Spec]:
        answer = self._json("/api/v3/shaman/checkout/requirements", {"files": files})
        wanted: list[Spec] = answer["files"]
        self._random.shuffle(wanted)
        return sorted(wanted, key=lambda spec: str(spec["status"] == "uploading"))

    def send_round(self, wanted: list[Spec], *, lies: bool = False) -> None:
        deferred = 0
        for number, spec in enumerate(wanted):
            if self._status(spec) == "stored":
                continue
            may_defer = deferred < MAX_DEFERRED and number < len(wanted) - 1
            content = self._content(spec)
            answer = self.send(spec, content[::-1] if lies else content, may_defer=may_defer)
            deferred += answer == 425

    def send(self, spec: Spec, content: bytes, *, may_defer: bool) -> int:
        headers = OCTETS | {
            "x-shaman-can-defer-upload": str(may_defer).lower(),
            "x-shaman-original-filename": "a name",
        }
        status, _ = self._request("POST", _url(spec), content, headers)
        self.answers[status] += 1
        return status

    def send_half(self, spec: Spec) -> None:
        content = self._content(spec)
        self._connection.putrequest("POST", _url(spec))
        self._connection.putheader("content-type", OCTETS["content-type"])
        self._connection.putheader("content-length", str(len(content)))
        self._connection.endheaders(content[: len(content) // 2])

    def check_out(self, path: str, files: list[Spec]) -> str:
        body = {"checkoutPath": path, "files": files}
        return str(self._json("/api/v3/shaman/checkout/create", body)["checkoutPath"])

    def _status(self, spec: Spec) -> str:
        status, body = self._request("GET", _url(spec), None, {})
        assert status == 200, (status, body)
        return str(json.loads(body)["status"])

    def _content(self, spec: Spec) -> bytes:
        return Path(self._sources[spec["sha"]]).read_bytes()

    def _json(self, path: str, body: Any) -> Any:
        headers = {"content-type": "application/json"}
        status, answer = self._request("POST", path, json.dumps(body).encode(), headers)
        assert status == 200, (status, answer)
        return json.loads(answer)

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()


def _url(spec: Spec) -> str:
    return f"/api/v3/shaman/files/{spec['sha']}/{spec['size']}"


def main() -> None:
    options = _parser().parse_args()
    manifest = json.loads(options.manifest.read_text())
    client = Client(options.address, manifest["sources"], options.checkout)
    files: list[Spec] = manifest["files"]
    checkout = ""
    if options.lies:
        client.send_round(client.requirements(files), lies=True)
    elif options.stops_half_way:
        client.send_half(client.requirements(files)[0])
    else:
        client.send_all(files)
        checkout = client.check_out(options.checkout, files)
    sys.stdout.write(json.dumps({"answers": client.answers, "checkout": checkout}) + "\n")
    sys.stdout.flush()
    if options.stops_half_way:
        sys.stdin.read()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.manager.shaman.client", description=__doc__
    )
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("manifest", type=Path, help="JSON: `files`, and `sources` by checksum")
    parser.add_argument("checkout", help="the path to ask for")
    parser.add_argument("--lies", action="store_true", help="send other contents than announced")
    parser.add_argument("--stops-half-way", action="store_true", help="in the middle of a file")
    return parser


if __name__ == "__main__":
    main()
