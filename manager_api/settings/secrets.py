"""A stored secret belongs to the address that it is sent to.

A client that may change settings sees no secret. But a client that changes an address alone would
have the secret sent to a place of its choice. An address that holds its own password is safe: a
changed one must bring the password itself (file.py).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from manager_api.settings.about import settings_of
from manager_api.settings.file import MASK
from manager_api.settings.model import ManagerSettings

#: The secrets that are sent to an address of their own, each with the address's name.
_SENT = {
    each.name: each.about.sent_to for each in settings_of(ManagerSettings) if each.about.sent_to
}


def secrets_in(values: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the secrets that a client gives, among settings or a page of them."""
    return frozenset(name for name, value in _leaves(values, "") if name in _SENT and value != MASK)


def check_secrets_stay(
    before: ManagerSettings, after: ManagerSettings, given: Collection[str]
) -> None:
    """Check that no secret is sent to an address that the client alone has chosen.

    Args:
        given: the names of the secrets that the client gives with its change.

    Raises:
        ValueError: the message is a sentence for the client.
    """
    old, new = _values(before), _values(after)
    for secret, address in _SENT.items():
        is_elsewhere = new[address] not in ("", old[address])
        if is_elsewhere and new[secret] and secret not in given:
            raise ValueError(
                f"Setting {address}: the stored {secret} is not sent to another address. "
                f"Give {secret} together with the new address."
            )


def _values(settings: ManagerSettings) -> dict[str, Any]:
    return dict(_leaves(settings.model_dump(mode="json", by_alias=True), ""))


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
