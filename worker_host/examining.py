"""Lets the doctor look at this machine when a person asks for it through the manager."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from workflows.domain.control import Examined
from workflows.domain.doctor import broken, told

#: The check that is broken if no other could be made.
DOCTOR = "doctor"

logger = logging.getLogger(__name__)

Examine = Callable[[], Awaitable[Mapping[str, Any]]]
"""Looks at this machine, which takes up to some minutes; returns `workflows.domain.doctor.told`."""
Tell = Callable[[Examined], Awaitable[bool]]
"""Sends a message; returns whether it could be sent."""


class Examining:
    def __init__(self, examine: Examine, tell: Tell) -> None:
        self._examine = examine
        self._tell = tell
        self._is_busy = False
        self._untold: Examined | None = None
        """The newest report, if it could not be sent."""

    async def carry_out(self) -> None:
        """Look at this machine and report. While that goes on, a second request shares it."""
        if self._is_busy:
            return
        self._is_busy = True
        try:
            self._untold = Examined(await self._examine())
        except Exception as problem:
            # Each check answers for itself. What goes wrong around them is told as well.
            logger.exception("the doctor of this machine failed")
            said = f"The doctor of this machine failed: {str(problem) or 'it did not say why'}."
            advice = "Call `tablao-worker doctor` on it; the host's log has the whole error."
            self._untold = Examined(told([broken(DOCTOR, said, advice)], ""))
        finally:
            self._is_busy = False
        await self.welcomed()

    async def welcomed(self) -> None:
        """Say what was not said yet, as the farm listens."""
        report = self._untold
        if report is not None and await self._tell(report) and self._untold is report:
            self._untold = None
