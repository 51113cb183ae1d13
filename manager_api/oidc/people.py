"""What the provider's claims mean here: a person's name, and the role of its groups. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workflows.domain.access import Role

#: An account's name has 64 letters at most; the rest is for what makes it unique.
_LONGEST_NAME = 48
_MOST_GROUPS = 2_000
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._@+-]+")
_EDGES = "._@+-"
_NAME_CLAIMS = ("preferred_username", "name", "email")

Roles = Sequence[tuple[Role, frozenset[str]]]


def shown_name(claims: Mapping[str, Any]) -> str:
    """Return a name for a new account: in lower case, of letters and digits that look alike to all.

    It is only shown. Which account is whose is decided by the provider's subject.
    """
    for claim in _NAME_CLAIMS:
        value = claims.get(claim)
        if isinstance(value, str):
            plain = unicodedata.normalize("NFKD", value[:200]).encode("ascii", "ignore").decode()
            name = _NOT_IN_NAMES.sub("-", plain.lower()).strip(_EDGES)[:_LONGEST_NAME]
            if name := name.strip(_EDGES):
                return name
    return "person"


def names_like(name: str) -> Iterator[str]:
    """Yield the name, then the name with numbers."""
    yield name
    for number in range(2, 1_000):
        yield f"{name}-{number}"


def groups_of(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """Return the groups in a claim: a text, or a list of texts.

    A name with points may also be a path, such as `realm_access.roles`.
    """
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list):
        return frozenset()
    return frozenset(each for each in listed[:_MOST_GROUPS] if isinstance(each, str))


def role_of(groups: frozenset[str], roles: Roles, default: str) -> Role | None:
    """Return the highest role that one of the groups has.

    Args:
        default: the role of people with none of the groups; or `none`.
    """
    for role, named in roles:
        if groups & named:
            return role
    return None if default == "none" else Role(default)
