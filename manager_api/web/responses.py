"""Descriptions of responses for the OpenAPI document, and responses without a body."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute, request_response
from fastapi.utils import is_body_allowed_for_status_code

from manager_api.contract.meta import Error, SecurityError

Responses = dict[int | str, dict[str, Any]]


def refusal(status: int, description: str = "") -> Responses:
    """Describe an error response with code and message.

    Args:
        description: empty: the standard phrase of the status.
    """
    described = {"description": description} if description else {}
    return {status: {"model": Error, **described}}


def without_body(status: int, description: str) -> Responses:
    return {status: {"description": description}}


ERROR: Responses = {"default": {"model": Error}}
#: The answer to a worker without valid credentials.
NOT_AUTHORIZED: Responses = {403: {"model": SecurityError}}
#: The answer to a request that is not valid; it may have only a message.
NOT_VALID: Responses = {400: {"model": Error | SecurityError}}
NOT_FOUND = refusal(404)
OVERTAKEN = refusal(409)
NOT_POSSIBLE = refusal(422, "Not possible in the current status")


def leave_out_types_of_no_body(router: APIRouter) -> None:
    """Leave out the content type of responses that have no body.

    FastAPI leaves out only the body. Generated clients, such as Flamenco's worker, parse every
    response that has a content type, so they would take such a success for a failure.
    """
    for route in router.routes:
        if isinstance(route, APIRoute) and not is_body_allowed_for_status_code(route.status_code):
            route.response_class = Response
            route.app = request_response(route.get_route_handler())
