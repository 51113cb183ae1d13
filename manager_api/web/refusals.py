"""The error responses, in Flamenco's shapes.

Errors of handlers are answered with `{code, message}`, errors of the validation of requests, which
comes before any handler, with `{message}`.
"""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from manager_api.contract.errors import (
    DISK_FULL,
    FarmError,
    NoSuchTaskForImage,
    NotAuthorized,
    NotValid,
)
from manager_api.database.engine import DatabaseBusy, DatabaseFull
from manager_api.web.body_limit import BodyTooLarge
from manager_api.web.json_bodies import LargeBodyNotValid
from workflows.domain.job.transitions import Refused


def add_to(app: FastAPI) -> None:
    app.add_exception_handler(FarmError, _farm_error)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(DatabaseBusy, _busy)
    app.add_exception_handler(OSError, _disk)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(LargeBodyNotValid, _large_not_valid)
    app.add_exception_handler(BodyTooLarge, _too_large)
    app.add_exception_handler(HTTPException, _no_such_route)
    app.add_exception_handler(Exception, _bug)


# Starlette has one type for all handlers, so each asserts the type of its error.


def _farm_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FarmError)
    match error:
        case NotAuthorized():
            return _message(403, f"security requirements failed: {error}")
        case NotValid():
            return _message(400, str(error))
        case NoSuchTaskForImage():
            return JSONResponse(str(error), 404)
    return code_and_message(error.http_status, str(error), error.headers)


def _refused(_request: Request, error: Exception) -> JSONResponse:
    return code_and_message(422, str(error))


def _busy(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, DatabaseFull):
        return code_and_message(
            507, f"the manager's database cannot be written, nothing was stored: {error}"
        )
    return code_and_message(503, f"the database is busy: {error}", {"Retry-After": "1"})


def _disk(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)
    if error.errno not in DISK_FULL:
        raise error
    return code_and_message(507, "the manager's disk is full")


def _not_valid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return _message(400, _first_problem(error))


def _large_not_valid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LargeBodyNotValid)
    return _message(400, _first_problem(error.reason))


def _too_large(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BodyTooLarge)
    return code_and_message(413, error.detail)


def _no_such_route(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code in (404, 405):
        return _message(error.status_code, HTTPStatus(error.status_code).phrase)
    return _message(error.status_code, error.detail)


def _bug(_request: Request, _error: Exception) -> JSONResponse:
    # The server logs it, with its traceback.
    return _message(500, "Internal Server Error")


def _first_problem(error: RequestValidationError) -> str:
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"][1:])
    what = f'{problem["loc"][0]} "{place}"' if place else str(problem["loc"][0])
    detail = problem.get("ctx", {}).get("error", "")
    # Messages of our own validators are used without pydantic's prefix "Value error".
    message = str(detail) if problem["type"] in ("value_error", "json_invalid") else problem["msg"]
    return f"{what}: {message}"


def _message(status: int, message: str) -> JSONResponse:
    return JSONResponse({"message": message.partition("\n")[0]}, status)


def code_and_message(
    status: int, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return JSONResponse({"code": status, "message": message}, status, headers)


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, message: str) -> None:
    """Answer a request, or a WebSocket before its handshake, with a refusal.

    A WebSocket gets 421 for 403, which a host takes for the answer to a worker that was deleted.
    """
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get(
        "extensions", {}
    ):
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    if scope["type"] == "websocket" and status == HTTPStatus.FORBIDDEN:
        status = HTTPStatus.MISDIRECTED_REQUEST
    await code_and_message(status, message)(scope, receive, send)
