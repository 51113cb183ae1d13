"""How many workers one address may register: a program gone wrong would fill the database."""

import time
from collections.abc import Callable

from manager_api.contract.errors import TooMany
from manager_api.settings.addresses import counted_as
from workflows.domain.bounded_dict import BoundedDict

#: As many at once: a whole render farm may come through one address.
AT_ONCE = 200
#: One more after each such time, in seconds: some 1,400 a day.
ONE_MORE_EVERY_S = 60.0
#: All addresses together may register as many as so many addresses.
_FARMS = 10
#: Far more than those that count still: all together register fewer in the time until they do not.
_REMEMBERED_ADDRESSES = 10_000


class TooManyRegistrations(TooMany):
    def __init__(self, of: str, every_s: float) -> None:
        super().__init__(
            f"{of} registered too many workers in a short time; "
            f"one more may be registered every {every_s:g} s"
        )
        self._every_s = every_s

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": f"{self._every_s:g}"}


class RegistrationLimit:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: BoundedDict[str, tuple[float, float]] = BoundedDict(_REMEMBERED_ADDRESSES)
        """By address: how many of its registrations count still, and when that was so."""
        self._used_by_all = (0.0, clock())

    def count(self, address: str) -> None:
        """Count a registration.

        Raises:
            TooManyRegistrations: the address, or all together, registered too many workers already.
        """
        network, now = counted_as(address), self._clock()
        used = _still_used(self._used.get(network, (0.0, now)), now, ONE_MORE_EVERY_S)
        if used > AT_ONCE - 1:
            raise TooManyRegistrations("this address has", ONE_MORE_EVERY_S)
        every_s = ONE_MORE_EVERY_S / _FARMS
        used_by_all = _still_used(self._used_by_all, now, every_s)
        if used_by_all > AT_ONCE * _FARMS - 1:
            raise TooManyRegistrations("many addresses have", every_s)
        self._used.pop(network, None)  # so that the oldest is forgotten first
        self._used[network] = (used + 1, now)
        self._used_by_all = (used_by_all + 1, now)


def _still_used(before: tuple[float, float], now: float, one_less_every_s: float) -> float:
    used, since = before
    return max(0.0, used - (now - since) / one_less_every_s)
