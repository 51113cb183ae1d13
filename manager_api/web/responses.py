"""What answers have in common: their bodies, or that they have none."""

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute
from fastapi.utils import is_body_allowed_for_status_code


def leave_out_types_of_no_body(router: APIRouter) -> None:
    """Have routes whose success has no body answer without a content type.

    FastAPI leaves out the body only. Generated clients, Flamenco's worker among them, parse each
    answer that has a type, and take such a success for a failure.
    """
    for route in router.routes:
        if isinstance(route, APIRoute) and not is_body_allowed_for_status_code(route.status_code):
            route.response_class = Response
