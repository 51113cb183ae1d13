"""What answers have in common: how the document describes them, and whether they have a body."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute
from fastapi.utils import is_body_allowed_for_status_code

from manager_api.contract.meta import Error, SecurityError

Responses = dict[int | str, dict[str, Any]]


def refusal(status: int, description: str = "") -> Responses:
    """A refusal with code and message; without a description it is the status's phrase."""
    described = {"description": description} if description else {}
    return {status: {"model": Error, **described}}


def without_body(status: int, description: str) -> Responses:
    return {status: {"description": description}}


ERROR: Responses = {"default": {"model": Error}}
#: Of a worker that does not prove who it is.
NOT_AUTHORIZED: Responses = {403: {"model": SecurityError}}
#: Only a message is told of what does not fit a model or an address.
NOT_VALID: Responses = {400: {"model": Error | SecurityError}}
NOT_FOUND = refusal(404)
OVERTAKEN = refusal(409)
NOT_POSSIBLE = refusal(422, "Not possible in the current status")


def leave_out_types_of_no_body(router: APIRouter) -> None:
    """Have routes whose success has no body answer without a content type.

    FastAPI leaves out the body only. Generated clients, Flamenco's worker among them, parse each
    answer that has a type, and take such a success for a failure.
    """
    for route in router.routes:
        if isinstance(route, APIRoute) and not is_body_allowed_for_status_code(route.status_code):
            route.response_class = Response
