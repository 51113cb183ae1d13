"""The times that the farm sets for runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunTimes:
    """The times of one run, in seconds."""

    end_grace_s: float = 60.0
    """How long Blender may take to end after its last frame; 0 for any time."""
