"""The published OpenAPI document: FastAPI's, completed with our error responses."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

_JSON = "application/json"
_ERROR = {"$ref": "#/components/schemas/Error"}
#: The answer to a request that is not valid, and to one without valid credentials.
_WITHOUT_CODE = {"$ref": "#/components/schemas/SecurityError"}
_NOT_FITTING = {
    "description": "The request does not fit, and the message says why",
    "content": {_JSON: {"schema": {"anyOf": [_ERROR, _WITHOUT_CODE]}}},
}
_OTHER_ERROR = {"description": "Another error", "content": {_JSON: {"schema": _ERROR}}}


def describe(app: FastAPI) -> None:
    """Make the application publish this document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # the way FastAPI documents


def _document(app: FastAPI) -> dict[str, Any]:
    public_path = app.state.parts.settings.public_path
    document = get_openapi(
        title=app.title,
        version=app.version,
        routes=app.routes,
        servers=[{"url": public_path}] if public_path else None,
    )
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _without_default_validation(operation["responses"])
            if path.startswith("/api/"):
                _with_refusals(operation)
    for schema in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(schema, None)
    return document


def _without_default_validation(responses: dict[str, Any]) -> None:
    """Remove FastAPI's response 422. A request that is not valid gets 400; 422 means refused."""
    if "HTTPValidationError" in str(responses.get("422", {})):
        del responses["422"]


def _with_refusals(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if operation.get("parameters") or "requestBody" in operation:
        responses["400"] = _NOT_FITTING
    responses.setdefault("default", _OTHER_ERROR)
    for status, response in responses.items():
        # FastAPI documents an error with the media type of the operation's success.
        if not status.startswith("2") and _JSON not in response.get("content", {_JSON: None}):
            response["content"] = {_JSON: {"schema": _ERROR}}
