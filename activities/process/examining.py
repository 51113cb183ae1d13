"""Carries out a doctor's checks beside each other, each bounded in time.

A check may look at a lost mount, where a call hangs in the kernel. Such a call has a thread of its
own, which neither holds up the other checks nor the end of the process.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from workflows.domain.doctor import Finding, broken

T = TypeVar("T")

#: How long a look at a file system may take, in seconds.
LOOK_S = 5.0
#: How long a check may take unless it says otherwise, in seconds.
CHECK_S = 15.0

logger = logging.getLogger(__name__)


class StillHangs(TimeoutError):
    """A call did not return in time. The text is a clause: what hangs."""


@dataclass(frozen=True, slots=True)
class Check:
    """One or several checks that look at the same thing."""

    ids: tuple[str, ...]
    """Each has one finding, in this order."""
    examine: Callable[[], Awaitable[Sequence[Finding]]]
    """Called once for each round of checks."""
    within_s: float = CHECK_S


class HangingCalls:
    """Makes calls that may hang. While one of a name hangs, no second one is begun.

    Args:
        within_s: how long a call is waited for unless it says otherwise, in seconds.
    """

    def __init__(self, within_s: float = LOOK_S) -> None:
        self._within_s = within_s
        self._under_way: set[str] = set()

    async def call(self, name: str, function: Callable[[], T], within_s: float = 0.0) -> T:
        """Return what `function` returns, which is called in a thread of its own.

        Args:
            name: what the call looks at.
            within_s: how long to wait, in seconds; 0: as long as for other calls.

        Raises:
            StillHangs: it did not return in time, or one of this name still hangs.
        """
        if name in self._under_way:
            raise StillHangs(f"a look at {name} still hangs")
        within_s = within_s or self._within_s
        outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._under_way.add(name)
        threading.Thread(
            target=self._carry_out, args=(name, function, outcome), daemon=True
        ).start()
        try:
            async with asyncio.timeout(within_s):
                return await outcome
        except TimeoutError as hanging:
            if outcome.done() and not outcome.cancelled():
                raise  # the function's own
            raise StillHangs(f"{name} does not answer within {within_s:g} s") from hanging

    def _carry_out(
        self, name: str, function: Callable[[], T], outcome: "asyncio.Future[T]"
    ) -> None:
        try:
            settle: Callable[[], None] = partial(outcome.set_result, function())
        except Exception as error:
            settle = partial(outcome.set_exception, error)
        # Before the caller knows it, who may make the next call of this name at once.
        self._under_way.discard(name)
        # The loop may have ended while the call hung.
        with contextlib.suppress(RuntimeError):
            outcome.get_loop().call_soon_threadsafe(_unless_given_up, outcome, settle)


def _unless_given_up(outcome: "asyncio.Future[T]", settle: Callable[[], None]) -> None:
    if not outcome.done():
        settle()


async def examined(checks: Sequence[Check]) -> list[Finding]:
    """Return the findings of all checks, in their order. No check can fail or hang the others."""
    found = await asyncio.gather(*map(_examined, checks))
    return [finding for findings in found for finding in findings]


async def _examined(check: Check) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(check.within_s):
            findings = await check.examine()
    except StillHangs as hanging:
        problem = f"It hangs: {hanging}."
        advice = "Look at the disk or the mount that it names, and mount it again if it is lost."
    except TimeoutError:
        problem = f"It did not answer within {check.within_s:g} s."
        advice = "Look whether its machine is overloaded, then call the doctor once more."
    except Exception as error:
        logger.exception("a check of the doctor failed", extra={"check": check.ids[0]})
        problem = f"It could not be looked at: {str(error) or 'it did not say why'}."
        advice = "Mend what it says; if it says nothing of use, the log has the whole error."
    else:
        return findings
    return [broken(each, problem, advice) for each in check.ids]
