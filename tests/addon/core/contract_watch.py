"""A proxy between the add-on and a manager that checks every request against Flamenco's API.

A stock Flamenco would understand every request that passes.
"""

import json
import re
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped] # it publishes no types

from tests.addon.serving import InThread, Quiet
from tests.contract.contract_client import operations_of, read_contract


class ContractWatch(InThread):
    """The proxy: `with ContractWatch(manager_url) as watch: …`. Then check `watch.wrong`."""

    def __init__(self, manager_url: str) -> None:
        self._contract = read_contract()
        self._operations = {
            (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path))): (name, operation)
            for name, (method, path, operation) in operations_of(self._contract).items()
        }
        self._http = httpx.Client(base_url=manager_url, timeout=60)
        self.operations: list[str] = []
        """Ids of operations, in the order of the requests."""
        self.bodies: dict[str, list[Any]] = {}
        """The requests' bodies by operation id."""
        self.wrong: list[str] = []
        """The requests that a stock Flamenco would not understand."""
        self.refuse: dict[str, int] = {}
        """The status with which to refuse an operation, by its id; 0: without an answer."""
        watch = self

        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = watch.pass_on(self.command, self.path, body, dict(self.headers))
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status_code)
                for name in ("Content-Type", "Location"):
                    if name in answer.headers:
                        self.send_header(name, answer.headers[name])
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_POST = do_GET  # noqa: N815 # http.server looks for this name
            do_PUT = do_GET  # noqa: N815
            do_DELETE = do_GET  # noqa: N815

        self.serve(ThreadingHTTPServer(("127.0.0.1", 0), Handler))

    def __exit__(self, *reason: object) -> None:
        super().__exit__(*reason)
        self._http.close()

    def pass_on(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Response | None:
        """Pass a request on, and return the manager's answer; None if no answer must be sent."""
        name = self._look_at(method, path, body, headers)
        if name in self.refuse:
            if not self.refuse[name]:
                return None
            refusal = {"code": self.refuse[name], "message": f"{name} is refused by a test"}
            return httpx.Response(self.refuse[name], json=refusal)
        kept = {
            name: text
            for name, text in headers.items()
            if name.lower() not in ("host", "connection")
        }
        return self._http.request(method, path, content=body, headers=kept)

    def _look_at(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> str:
        # Files of jobs are not part of the API; Flamenco serves them under the same path.
        if path.startswith("/job-files/"):
            return "job-files"
        known = [
            found
            for (its_method, pattern), found in self._operations.items()
            if its_method == method and pattern.fullmatch(path)
        ]
        if not known:
            self.wrong.append(f"{method} {path} is none of Flamenco's operations")
            return ""
        # As in Flamenco, an exact path goes before a pattern.
        name, operation = min(known, key=lambda each: "{" in str(each))
        self.operations.append(name)
        if described := operation.get("requestBody", {}).get("content"):
            self._look_at_body(name, described, body, headers)
        return name

    def _look_at_body(
        self, name: str, described: Mapping[str, Any], body: bytes, headers: Mapping[str, str]
    ) -> None:
        media_type = headers.get("Content-Type", "").partition(";")[0]
        if media_type not in described:
            self.wrong.append(f"{name} takes {list(described)}, not {media_type!r}")
        elif media_type == "application/json":
            value = json.loads(body)
            self.bodies.setdefault(name, []).append(value)
            schema = described[media_type]["schema"]
            try:
                jsonschema.validate(value, {**schema, "components": self._contract["components"]})
            except jsonschema.ValidationError as problem:
                self.wrong.append(f"{name}: {problem.message}")
