"""Reads answers as generated clients do: by their content type, and by nothing else.

Flamenco's worker is such a client. It parses a body because the answer calls itself JSON, also
where the status says that there is no body, and takes what it cannot parse for a failure.
"""

import json
from collections.abc import Mapping
from typing import Any

import httpx

JSON = "application/json"
#: Statuses whose answers end with their headers (RFC 9110, 15.3.5 and 15.4.5).
WITHOUT_BODY = frozenset({204, 304})


def decoded(answer: httpx.Response) -> Any:
    """The JSON's value, or the text; None if there is no body.

    Raises:
        AssertionError: the answer would mislead a generated client.
    """
    media_type = media_type_of(answer)
    if answer.status_code in WITHOUT_BODY:
        assert not media_type, f"{_name(answer)} has no body, but its type is {media_type}"
        assert not answer.content, f"{_name(answer)} has a body"
        assert "content-length" not in answer.headers, f"{_name(answer)} announces a body"
    if not media_type:
        assert not answer.content, f"{_name(answer)} has a body without a type"
        return None
    if answer.request.method == "HEAD":
        return None
    if media_type == JSON:
        return _parsed(answer)
    return answer.text if media_type.startswith("text/") else answer.content


def media_type_of(answer: httpx.Response) -> str:
    """Without its parameters; empty if the answer has none."""
    return str(answer.headers.get("content-type", "")).partition(";")[0]


def schema_of(answer: httpx.Response, operation: Mapping[str, Any]) -> Any:
    """The schema that the document has for this body; None if the answer has no body.

    Raises:
        AssertionError: the document has no such body for this status, or wants one.
    """
    media_type, status = media_type_of(answer), str(answer.status_code)
    described = operation["responses"].get(status)
    content = (described or {}).get("content", {})
    if answer.status_code >= 400 and not content and (media_type or described is None):
        # A generated client reads what is not described as the default: an error.
        content = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    if not content:
        assert not media_type, f"{_name(answer)} is {media_type}, but a body is not described"
        return None
    assert media_type in content, f"{_name(answer)} is {media_type!r}, not one of {list(content)}"
    return content[media_type]["schema"]


def _parsed(answer: httpx.Response) -> Any:
    try:
        return json.loads(answer.content)
    except ValueError as error:
        raise AssertionError(f"{_name(answer)} calls itself JSON: {answer.content!r}") from error


def _name(answer: httpx.Response) -> str:
    request = answer.request
    return f"{request.method} {request.url.path}, answered {answer.status_code},"
