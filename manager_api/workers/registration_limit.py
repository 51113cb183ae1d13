"""How many workers one address may register: a program gone wrong would fill the database."""

import time
from collections.abc import Callable

from manager_api.contract.errors import TooMany
from workflows.domain.bounded_dict import BoundedDict

#: As many at once: a whole render farm may come through one address.
AT_ONCE = 200
#: One more after each such time, in seconds: some 1,400 a day.
ONE_MORE_EVERY_S = 60.0
_REMEMBERED_ADDRESSES = 10_000


class TooManyRegistrations(TooMany):
    def __init__(self) -> None:
        super().__init__(
            f"this address has registered {AT_ONCE} workers in a short time; "
            f"it may register one more every {ONE_MORE_EVERY_S:g} s"
        )

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": f"{ONE_MORE_EVERY_S:g}"}


class RegistrationLimit:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: BoundedDict[str, tuple[float, float]] = BoundedDict(_REMEMBERED_ADDRESSES)
        """By address: how many of its registrations count still, and when that was so."""

    def count(self, address: str) -> None:
        """Count a registration.

        Raises:
            TooManyRegistrations: the address has registered too many workers already.
        """
        now = self._clock()
        used, since = self._used.get(address, (0.0, now))
        used = max(0.0, used - (now - since) / ONE_MORE_EVERY_S)
        if used > AT_ONCE - 1:
            raise TooManyRegistrations
        self._used[address] = (used + 1, now)
