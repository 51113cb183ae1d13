"""Passwords of people: their hashes, and how often they may be tried.

Argon2id with its library's parameters, which are those of RFC 9106 for little memory. A hash takes
64 MB and a tenth of a second of a core, so two are made at a time.
"""

import asyncio
import secrets
import time
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from manager_api.contract.errors import TooMany
from manager_api.settings.addresses import counted_as
from workflows.domain.bounded_dict import BoundedDict

_AT_A_TIME = 2
#: Wrong passwords in a row that cost no time.
_FREE_TRIES = 5
#: After each further wrong password, the next may be tried after this time, in seconds.
_PAUSE_S = 30.0
#: Many people may work at one address.
_FREE_TRIES_OF_ADDRESS = 50
_REMEMBERED = 10_000


class TooManyTries(TooMany):
    def __init__(self) -> None:
        super().__init__(f"too many wrong passwords; try again in {_PAUSE_S:g} s")

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": f"{_PAUSE_S:g}"}


class Passwords:
    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turn = asyncio.Semaphore(_AT_A_TIME)
        self._nobodys_hash = ""

    async def hashed(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, stored: str | None) -> bool:
        """Return whether a password is the stored one.

        An account that does not exist, or has no password, takes as long as another.
        """
        if not self._nobodys_hash:
            self._nobodys_hash = await self.hashed(secrets.token_hex())
        async with self._turn:
            found = await asyncio.to_thread(self._verified, password, stored or self._nobodys_hash)
        return found and stored is not None

    def _verified(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False


class TryLimit:
    """Counts wrong passwords of an account and of an address.

    A try counts as wrong until its password turns out to be right. So tries at the same time are
    limited like tries one after the other, and an account is never locked for long.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: BoundedDict[str, tuple[float, float]] = BoundedDict(_REMEMBERED)
        """By account or address: how many wrong ones count still, and when that was so."""

    def begin(self, account: str, address: str) -> None:
        """Count a try. Call it before the password is looked at, and `right` if it is right.

        Raises:
            TooManyTries: one of both has tried too often; a right password is refused, too.
        """
        counters = _counters(account, address)
        if any(self._still(name) > free - 1 for name, free in counters):
            raise TooManyTries
        for name, _ in counters:
            self._store(name, self._still(name) + 1)

    def right(self, account: str, address: str) -> None:
        """Forget the account's tries, and this one of the address."""
        (of_account, _), (of_address, _) = _counters(account, address)
        self._wrong.pop(of_account, None)
        self._store(of_address, max(0.0, self._still(of_address) - 1))

    def _store(self, name: str, count: float) -> None:
        self._wrong.pop(name, None)  # so that the oldest is forgotten first
        self._wrong[name] = (count, self._clock())

    def _still(self, name: str) -> float:
        count, since = self._wrong.get(name, (0.0, 0.0))
        return max(0.0, count - (self._clock() - since) / _PAUSE_S)


def _counters(account: str, address: str) -> tuple[tuple[str, int], ...]:
    network = counted_as(address)
    return (f"account {account}", _FREE_TRIES), (f"address {network}", _FREE_TRIES_OF_ADDRESS)
