"""Our interface: a job's rendered frames, as a sequence to view."""

from datetime import datetime

from manager_api.contract.base import Answer
from manager_api.contract.tasks import TaskWorker
from workflows.domain.statuses import TaskStatus


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


class FrameTask(Answer):
    """A task that renders frames."""

    index_in_job: int
    status: TaskStatus
    frames: list[int]
    """The frames that its commands name."""
    seconds: float | None = None
    """How long the completed task took, for all its frames together; unset if it is not known."""
    worker: TaskWorker | None = None


class FrameTasks(Answer):
    tasks: list[FrameTask]
    """The tasks whose commands name frames, in the job's order."""
    is_complete: bool
    """Whether no frames are left out because there are too many."""


class FrameVersion(Answer):
    """A picture of a frame's file as it was, before it was rendered again."""

    saved: datetime
    """When the file was last changed."""
    width: int
    """The largest width that is kept, in pixels; the picture itself may be narrower."""
    url: str
    """The path of the picture, on this manager."""


class FrameVersions(Answer):
    versions: list[FrameVersion]
    """The newest first. Only of files that were looked at through the manager while they were so.
    The file as it is now is not among them.
    """
