"""Reads large JSON bodies in threads: parsing them takes seconds, and other requests must go on."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from manager_api.contract.base import MAX_VALUES

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

#: In bytes. A smaller body is read in less time than a thread takes to begin.
_LARGE = 32 * 1024
#: Few threads, since only one of them computes at a time.
_readers = ThreadPoolExecutor(2, thread_name_prefix="large body")


_TOO_MANY = {
    "type": "too_many",
    "loc": ("body",),
    "msg": f"more than {MAX_VALUES:,} values",
    "input": None,
}


class LargeBodyNotValid(HTTPException):
    """A large body does not match the interface. FastAPI replaces all but HTTPExceptions."""

    def __init__(self, reason: RequestValidationError) -> None:
        super().__init__(400)
        self.reason = reason


class JsonRoute(APIRoute):
    """A route that may have a JSON body."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        field = self.body_field
        if field is None:
            return handle

        def read(body: bytes) -> Any:
            # Parsing holds up all other threads, and values take far more memory than their text.
            if body.count(b",") >= MAX_VALUES:
                raise LargeBodyNotValid(RequestValidationError([_TOO_MANY]))
            value, errors = field.validate(json.loads(body), loc=("body",))
            if errors:
                raise LargeBodyNotValid(RequestValidationError(errors))
            return value

        async def handled(request: Request) -> Response:
            return await handle(_JsonRequest(request, read))

        return handled


class _JsonRequest(Request):
    def __init__(self, request: Request, read: Callable[[bytes], Any]) -> None:
        super().__init__(request.scope, request.receive)
        self._read = read

    async def json(self) -> Any:
        """Return the body's JSON; of a large body the model that it was checked as."""
        body = await self.body()
        if len(body) < _LARGE:
            return json.loads(body)
        return await asyncio.get_running_loop().run_in_executor(_readers, self._read, body)
