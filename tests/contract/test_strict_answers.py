"""The strict client refuses what a generated client stumbles over."""

from typing import Any

import httpx
import pytest

from tests.contract.strict_answers import decoded, schema_of

JSON = {"content-type": "application/json"}
OPERATION: dict[str, Any] = {
    "responses": {
        "200": {"content": {"application/json": {"schema": {"type": "object"}}}},
        "204": {"description": "Done"},
        "425": {"description": "Later"},
    }
}


def answer(status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> Any:
    request = httpx.Request("POST", "http://farm/api/v3/worker/sign-off")
    return httpx.Response(status, content=content or None, headers=headers, request=request)


@pytest.mark.parametrize(
    "misleading",
    [
        answer(204, headers=JSON),
        answer(304, headers=JSON),
        answer(204, b"null"),
        answer(204, headers={"content-length": "0"}),
        answer(200, headers=JSON),
        answer(200, b"{", JSON),
        answer(200, b"{}"),
    ],
)
def test_an_answer_that_misleads_is_refused(misleading: httpx.Response) -> None:
    with pytest.raises(AssertionError):
        decoded(misleading)


@pytest.mark.parametrize(
    "unknown",
    [
        answer(200),
        answer(200, b"text", {"content-type": "text/plain"}),
        answer(208, b"{}", JSON),
        answer(409),
        answer(409, b"text", {"content-type": "text/plain"}),
    ],
)
def test_a_body_that_is_not_described_is_refused(unknown: httpx.Response) -> None:
    with pytest.raises(AssertionError):
        schema_of(unknown, OPERATION)


def test_what_is_described_is_read() -> None:
    refusal = {"$ref": "#/components/schemas/Error"}

    assert decoded(answer(200, b'{"a": 1}', JSON)) == {"a": 1}
    assert decoded(answer(204)) is None
    assert schema_of(answer(200, b"{}", JSON), OPERATION) == {"type": "object"}
    assert schema_of(answer(204), OPERATION) is None
    assert schema_of(answer(425), OPERATION) is None
    assert schema_of(answer(422, b"{}", JSON), OPERATION) == refusal
