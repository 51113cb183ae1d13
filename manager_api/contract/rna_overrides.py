"""Our interface: assignments to Blender's properties that a job's frames are rendered with."""

from typing import Annotated

from pydantic import Field

from manager_api.contract.base import Answer, Request

MOST_LINES = 1000


class RnaOverrides(Answer):
    overrides: list[str]
    """A line each; blank ones and comments (`# …`) are kept, and do nothing."""


class RnaOverridesRequest(Request):
    overrides: Annotated[list[str], Field(max_length=MOST_LINES)]
    """Lines such as `bpy.context.scene.cycles.samples = 64`; all of them, not only new ones."""
