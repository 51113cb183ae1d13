"""Our interface: a job's rendered frames, as a sequence to look at."""

from manager_api.contract.base import Answer


class Frame(Answer):
    frame: int
    path: str
    """As this manager calls the file."""
    exists: bool
    url: str | None
    """Of the image to look at, on this manager; another one when the frame is rendered again."""


class FrameSequence(Answer):
    frames: list[Frame]
    """In ascending order, also those that are not rendered yet."""
    total: int
    """How many there are, with those that are too many to be listed."""
    fps: float
    pattern: str
    """Path of all of them, with a # for each digit; empty if that is not known."""
    note: str
    """Why there is no frame to be seen, as a sentence; empty if there are some."""
