"""A stored secret belongs to the address that it is sent to.

A client that may change settings sees no secret. But a client that changes an address alone would
have the secret sent to a place of its choice. An address that holds its own password is safe: a
changed one must bring the password itself (file.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from manager_api.database.shown_address import MASK
from manager_api.settings.about import settings_of
from manager_api.settings.file import masked
from manager_api.settings.model import ManagerSettings

#: The secrets that are sent to an address of their own, each with the address's name.
_SENT = {
    each.name: each.about.sent_to for each in settings_of(ManagerSettings) if each.about.sent_to
}


def secrets_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the secrets that a client gives, by name, among settings or a page of them."""
    return {
        name: value
        for name, value in _leaves(values, "")
        if name in _SENT and value is not None and value != MASK
    }


def check_secrets_stay(
    before: ManagerSettings, after: ManagerSettings, given: Mapping[str, Any]
) -> None:
    """Check that no secret is sent to an address that the client alone has chosen.

    Args:
        given: the secrets that the client gives with its change, by name. Only a secret that is
            then in force counts: one from the environment replaces it.

    Raises:
        ValueError: the message is a sentence for the client.
    """
    old, new = _values(before), _values(after)
    for secret, address in _SENT.items():
        is_elsewhere = new[address] not in ("", old[address])
        if is_elsewhere and new[secret] and given.get(secret) != new[secret]:
            raise ValueError(
                f"Setting {address}: the stored {secret} is not sent to another address. "
                f"Give {secret} together with the new address."
            )


def difference(
    before: ManagerSettings, after: ManagerSettings
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings that differ, by name, with masked secrets: before, and after."""
    old, new = (
        dict(_leaves(masked(each.model_dump(mode="json", by_alias=True)), ""))
        for each in (before, after)
    )
    nothing = object()
    names = [name for name in old | new if old.get(name, nothing) != new.get(name, nothing)]
    return (
        {name: old[name] for name in names if name in old},
        {name: new[name] for name in names if name in new},
    )


def _values(settings: ManagerSettings) -> dict[str, Any]:
    return dict(_leaves(settings.model_dump(mode="json", by_alias=True), ""))


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
