"""Our interface: a job's rendered frames, as a sequence to view."""

from manager_api.contract.base import Answer


class Frame(Answer):
    frame: int
    path: str
    """The file's path on this manager's machine."""
    exists: bool
    url: str | None
    """The path of the image to show, on this manager. It changes if the frame is rendered again."""


class FrameSequence(Answer):
    frames: list[Frame]
    """All frames in ascending order, also those that are not rendered yet."""
    total: int
    """The number of frames, including those that are too many to be listed."""
    fps: float
    pattern: str
    """The path of the frames' files, with a # for each digit; empty if it is not known."""
    note: str
    """Why no frame can be shown, as a sentence; empty if some can."""
