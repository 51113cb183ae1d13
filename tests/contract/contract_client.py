"""Speaks to a running manager in the words of Flamenco's interface, and holds it to them.

Each answer is read as generated clients read it and compared with the operation's description: the
status must be one of those that are known, the body must fit the schema. What was exchanged is
remembered, so that a test can tell what has never been tried.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped] # it publishes no types

from tests.contract.document import CONTRACT
from tests.contract.known_statuses import KNOWN
from tests.contract.strict_answers import decoded, schema_of

#: Where the document contradicts itself: fields that are required and not described.
_REQUIRED_BUT_UNKNOWN = {
    "ManagerVariable": "name",
    "RegisteredWorker": "current_task",
    "JobTasksSummary": "jobs",
    "EventLastRenderedUpdate": "task_id",
}


def read_contract() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(CONTRACT.read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    for schema, name in _REQUIRED_BUT_UNKNOWN.items():
        schemas[schema]["required"].remove(name)
    # Between registration and first sign-on a worker's status is empty.
    schemas["WorkerStatus"]["enum"].append("")
    return document


def operations_of(document: Mapping[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) by operation id."""
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    }


class ContractClient:
    def __init__(self, url: str, user: httpx.Auth) -> None:
        self._http = httpx.Client(base_url=url, timeout=60.0, auth=user)
        self._contract = read_contract()
        self._operations = operations_of(self._contract)
        self.exchanged: Counter[tuple[str, int]] = Counter()
        """(operation, status) that were answered."""

    def close(self) -> None:
        self._http.close()

    def call(self, name: str, expected: int, **arguments: Any) -> Any:
        """The answer's JSON, or its text; None if it has no body.

        Args:
            name: the operation's id.
            expected: the status that the answer must have.
            arguments: `json`, `content`, `headers` and `auth` as httpx has them; the others are
                parts of the path.
        """
        return self._exchange(name, {expected}, **arguments)[1]

    def any_of(self, name: str, expected: set[int], **arguments: Any) -> Any:
        """As `call`, where several answers are right; None for a refusal."""
        status, body = self._exchange(name, expected, **arguments)
        return body if status < 300 else None

    def _exchange(
        self,
        name: str,
        expected: set[int],
        *,
        json: Any = None,
        content: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: httpx.BasicAuth | None = None,
        **parts: object,
    ) -> tuple[int, Any]:
        method, path, operation = self._operations[name]
        if json is not None and max(expected) < 300:
            self._check(json, operation["requestBody"]["content"]["application/json"]["schema"])
        answer = self._http.request(
            method.upper(),
            path.format_map(parts),
            json=json,
            content=content,
            headers=headers,
            auth=auth or httpx.USE_CLIENT_DEFAULT,
        )
        status = answer.status_code
        assert status in expected, f"{name}: {status} {answer.text[:500]}"
        assert status in KNOWN[name], f"{name} is not known to answer {status}"
        self.exchanged[name, status] += 1
        return status, self._body(answer, operation)

    def _body(self, answer: httpx.Response, operation: Mapping[str, Any]) -> Any:
        value = decoded(answer)
        schema = schema_of(answer, operation)
        if schema is not None:
            self._check(value, _without_code(answer.status_code, value) or schema)
        return value

    def _check(self, value: Any, schema: Mapping[str, Any]) -> None:
        jsonschema.validate(
            value,
            {**schema, "components": self._contract["components"]},
            format_checker=jsonschema.FormatChecker(),
        )


def _without_code(status: int, value: Any) -> dict[str, Any] | None:
    """Errors of validation and of authorization have no code; that is Flamenco's way."""
    if status == 404 and isinstance(value, str):
        return {"type": "string"}
    if status in {400, 403} and "code" not in value:
        return {"$ref": "#/components/schemas/SecurityError"}
    return None
