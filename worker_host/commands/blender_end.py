"""Decides when a Blender that does not end has nothing left to do. Standard library only.

A thread of an add-on keeps Blender's process alive: Blender then waits for the thread before it
ends, and may wait for ever.
"""

from collections.abc import Sequence

from worker_host.commands.blender_frames import FrameAccount
from workflows.domain.blender_arguments import ends_with_frames, frames_of


class BlendersEnd:
    """The end of one Blender.

    Args:
        account: what Blender has said so far.
        arguments: Blender's arguments, which name the frames.
        grace_s: how long Blender may take to end; 0 for any time.
    """

    def __init__(self, account: FrameAccount, arguments: Sequence[str], grace_s: float) -> None:
        self._account = account
        # Where more than the frames is to be done, only Blender knows when it is at its end.
        self._frames = frames_of(arguments) if ends_with_frames(arguments) else None
        self._grace_s = grace_s
        self._steps = -1
        self._since: float | None = None

    def overdue(self, now_s: float) -> str:
        """Return why the program is to be stopped although it is done; empty if it may go on.

        Args:
            now_s: in seconds of any origin.
        """
        if self._grace_s <= 0:
            return ""
        if self._steps != self._account.steps:
            # Blender goes on: a handler may render once more.
            self._steps = self._account.steps
            self._since = now_s if self._is_at_its_end() else None
        if self._since is None or now_s - self._since < self._grace_s:
            return ""
        if self._account.has_quit:
            return f"Blender said that it quits, but has not ended for {self._grace_s:g} s"
        if not self._account.are_saved_whole():
            self._since = now_s  # a slow storage may still get the rest of a file
            return ""
        return (
            f"Blender has all its frames, and they are whole, but it has not ended for "
            f"{self._grace_s:g} s"
        )

    def _is_at_its_end(self) -> bool:
        if self._account.has_quit:
            return True
        return self._frames is not None and self._account.has_all(self._frames)
