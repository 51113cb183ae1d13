"""Our interface: assignments to Blender properties that count for a job's renders."""

from typing import Annotated

from pydantic import FailFast

from manager_api.contract.base import Answer, Request, at_most

MOST_LINES = 1000


class RnaOverrides(Answer):
    overrides: list[str]
    """One line each; blank lines and comments (`# …`) are kept, and do nothing."""


class RnaOverridesRequest(Request):
    overrides: Annotated[list[str], FailFast(), at_most(MOST_LINES, "lines")]
    """All lines, not only new ones; for example `bpy.context.scene.cycles.samples = 64`."""
