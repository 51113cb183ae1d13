"""Who may do what: permissions, roles, and the identities that hold them.

docs/access.md has the table of all addresses. A scope of a token is a permission that it may use.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What an identity may do. The words are also the scopes of tokens."""

    READ = "read"
    """Look at the farm: jobs, workers, logs, frames, events."""
    SUBMIT = "submit"
    """Submit jobs and upload their files, and read what a submission needs."""
    OWN_JOBS = "jobs:own"
    """Change the jobs that this identity has submitted."""
    ALL_JOBS = "jobs:all"
    """Change every job."""
    WORKERS = "workers"
    """Change workers and their tags, and let new workers in."""
    TEMPORAL = "temporal"
    """Reach Temporal itself, with which every job can be changed."""
    REGISTER = "register"
    """Register workers that may work at once."""
    ADMIN = "admin"
    """Change what the manager is: configuration, provisions, job types, people. See the audit."""


class Role(StrEnum):
    """What a person is to the farm. Each may do what those before it may do."""

    VIEWER = "viewer"
    ARTIST = "artist"
    WRANGLER = "wrangler"
    ADMIN = "admin"


_READER = frozenset({Permission.READ})
_ARTIST = _READER | {Permission.SUBMIT, Permission.OWN_JOBS}
_WRANGLER = _ARTIST | {
    Permission.ALL_JOBS,
    Permission.WORKERS,
    Permission.TEMPORAL,
    Permission.REGISTER,
}
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _READER,
    Role.ARTIST: _ARTIST,
    Role.WRANGLER: _WRANGLER,
    Role.ADMIN: frozenset(Permission),
}


class Kind(StrEnum):
    """What an identity stands for."""

    NOBODY = "nobody"
    PERSON = "person"
    SERVICE = "service"
    """A program of the studio, such as a pipeline, with an account of its own."""
    MACHINE = "machine"
    """A program on the manager's own machine that shows no credentials."""
    NETWORK = "network"
    """A program in one of the `legacy_networks` that shows no credentials."""


class Via(StrEnum):
    """By what a request proves its identity."""

    NOTHING = "nothing"
    SESSION = "session"
    TOKEN = "token"
    PATH = "path"
    """A token in the address, for clients that can send no header."""
    LOCAL_TOKEN = "local token"
    """The token in a file that only the manager's own user can read."""
    LOOPBACK = "loopback"
    NETWORK = "network"
    OIDC = "oidc"
    """The OpenID provider of the studio, at a login and at its end."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller of one request, and what it may do with that request."""

    kind: Kind = Kind.NOBODY
    id: str = ""
    """The id of the person's or service's account; empty without an account."""
    name: str = ""
    role: Role | None = None
    permissions: frozenset[Permission] = frozenset()
    via: Via = Via.NOTHING
    credential: str = ""
    """The id of the session or of the token that was shown; empty without one."""
    has_password: bool = False

    def may(self, *any_of: Permission) -> bool:
        return not self.permissions.isdisjoint(any_of)

    def owns(self, owner: str | None) -> bool:
        """Return whether what belongs to the account `owner` is this identity's own."""
        return bool(self.id) and self.id == owner

    def may_change_job(self, owner: str | None) -> bool:
        """Return whether this identity may change a job of the account `owner`."""
        is_own = self.may(Permission.OWN_JOBS) and self.owns(owner)
        return is_own or self.may(Permission.ALL_JOBS)


NOBODY = Identity()


def why_not(identity: Identity, any_of: tuple[Permission, ...]) -> str:
    """Return what an identity lacks that has none of these permissions: a scope, or a role."""
    words = " or ".join(f'"{each}"' for each in any_of)
    having = [each for each in Role if not PERMISSIONS[each].isdisjoint(any_of)]
    if identity.role not in having:
        role = f"the role {having[0]} has" if having == [Role.ADMIN] else _have(having)
        return f"it needs the permission {words}, which {role}"
    if identity.via is Via.PATH:
        return "a token in the address may only submit jobs"
    return f"the token lacks the scope {words}"


def _have(roles: list[Role]) -> str:
    return f"the roles {', '.join(roles[:-1])} and {roles[-1]} have"


def rights(role: Role, scopes: Iterable[Permission] | None = None) -> frozenset[Permission]:
    """Return what an account may do; `scopes` limits it to those of a token."""
    allowed = PERMISSIONS[role]
    return allowed if scopes is None else allowed & frozenset(scopes)
