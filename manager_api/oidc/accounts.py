"""The accounts of people who log in by the OpenID provider.

Such a person is known by issuer and subject alone. A local account with the same name or address is
another person's.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy.exc import IntegrityError

from manager_api.access import store as accounts_store
from manager_api.database.engine import Database, Session, utc_now
from manager_api.database.tables import AccountRow, SessionRow
from manager_api.database.trail import Entry
from manager_api.oidc import store
from manager_api.oidc.people import names_like, shown_name
from manager_api.oidc.refusals import NotLoggedIn, WhyNot
from workflows.domain.access import Identity, Kind, Role, Via

#: Another login may take the name, or make the account, at the same moment.
_TRIES = 5

NewSession = Callable[[str], SessionRow]


@dataclass(frozen=True, slots=True)
class Person:
    """What a valid ID token proves."""

    issuer: str
    subject: str
    claims: Mapping[str, Any]
    role: Role | None
    """The role of the person's groups; None: none of them has one."""


async def log_in(database: Database, person: Person, new_session: NewSession, entry: Entry) -> None:
    """Store a new session, and the role that the person has now; the first login makes the account.

    Args:
        new_session: makes the session for the id of an account.
        entry: the audit's; it is stored with what it tells.

    Raises:
        NotLoggedIn: the person has no role, or the account is disabled.
    """
    for _ in range(_TRIES):
        try:
            async with database.writing() as session:
                row = await store.account_for_change(session, person.issuer, person.subject)
                if row is None or not row.is_disabled:
                    await _decide(session, person, row, new_session, entry)
        except IntegrityError:
            continue
        name = row.name if row else shown_name(person.claims)
        if row is not None and row.is_disabled:
            raise NotLoggedIn(WhyNot.DISABLED, "the account is disabled", name)
        if person.role is None:
            raise NotLoggedIn(WhyNot.NO_ROLE, "none of the person's groups has a role", name)
        return
    raise NotLoggedIn(WhyNot.BUSY, "too many logins at the same moment")


async def _decide(
    session: Session,
    person: Person,
    row: AccountRow | None,
    new_session: NewSession,
    entry: Entry,
) -> None:
    if person.role is None:
        if row is not None and not row.has_lost_role:
            await _lose_role(session, row, entry)
        return
    before = None if row is None else {"role": "none" if row.has_lost_role else row.role}
    if row is None:
        row = await _new(session, person, person.role)
    now = utc_now()
    row.role, row.has_lost_role, row.last_login = person.role, False, now
    after = {"role": person.role}
    if before != after:
        entry.before, entry.after = before, after
    session.add(row)
    await session.flush()
    session.add_all([new_session(row.id), _by(entry, row).row(now)])


async def _lose_role(session: Session, row: AccountRow, entry: Entry) -> None:
    entry.before, entry.after = {"role": row.role}, {"role": "none"}
    row.has_lost_role = True
    await accounts_store.end_sessions(session, row.id)
    session.add(_by(entry, row).row(utc_now()))


def _by(entry: Entry, row: AccountRow) -> Entry:
    entry.caller = Identity(kind=Kind.PERSON, id=row.id, name=row.name, role=row.role, via=Via.OIDC)
    return entry


async def _new(session: Session, person: Person, role: Role) -> AccountRow:
    return AccountRow(
        id=str(uuid4()),
        name=await _free_name(session, shown_name(person.claims)),
        kind=Kind.PERSON,
        role=role,
        issuer=person.issuer,
        subject=person.subject,
        is_disabled=False,
        created=utc_now(),
    )


async def _free_name(session: Session, wanted: str) -> str:
    taken = await store.taken_names(session, wanted)
    free = (name for name in names_like(wanted) if name not in taken)
    return next(free, f"{wanted}-{secrets.token_hex(4)}")
