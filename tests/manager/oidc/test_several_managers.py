"""Several managers on one database, SQLite and PostgreSQL: what counts once counts once in all."""

import asyncio

import pytest
from sqlalchemy import select

from manager_api.access.identities import Identities
from manager_api.access.local_admin import LocalAdmin
from manager_api.database.engine import Database
from manager_api.database.tables import AccountRow, AuditRow, SessionRow
from manager_api.database.trail import Entry
from manager_api.oidc.back_channel import BackChannel
from manager_api.oidc.refusals import NotLoggedIn, WhyNot
from manager_api.oidc.service import Answered, Begun, Finished, OidcLogins
from manager_api.settings.sections import Oidc
from tests.manager.oidc.provider import CLIENT, SECRET, FakeProvider, signed

BACK = "http://localhost:8080/api/tablao/v1/login/oidc/callback"


class Farm:
    """Managers of one farm."""

    def __init__(self, db: Database, provider: FakeProvider) -> None:
        settings = Oidc(
            issuer=provider.issuer, client_id=CLIENT, client_secret=SECRET, artist_groups="artists"
        )
        self.identities = Identities(db, LocalAdmin(), lambda: settings.issuer)
        self.managers = [OidcLogins(db, self.identities, lambda: settings) for _ in range(4)]
        self.db = db
        self._provider = provider

    async def begin(self) -> tuple[Begun, str]:
        begun = await self.managers[0].begin("/jobs", BACK, "10.0.0.7", "")
        return begun, self._provider.authorized(begun.address)["state"]


@pytest.fixture
def managers(db: Database, provider: FakeProvider) -> Farm:
    return Farm(db, provider)


async def test_a_login_is_finished_by_one_of_them(managers: Farm) -> None:
    begun, state = await managers.begin()

    found = await asyncio.gather(
        *(
            each.finish(Answered(state, code=state), begun.cookie, "Firefox", Entry(action="x"))
            for each in managers.managers
        ),
        return_exceptions=True,
    )
    async with managers.db.reading() as session:
        entries = (await session.scalars(select(AuditRow))).all()

    assert [type(each) for each in found].count(Finished) == 1
    refused = [each.why for each in found if isinstance(each, NotLoggedIn)]
    assert refused == [WhyNot.OLD] * 3
    assert [(each.name, each.via) for each in entries] == [("lola", "oidc")]


async def test_first_logins_at_several_make_one_account(managers: Farm) -> None:
    begun = [await managers.begin() for _ in managers.managers]

    found = await asyncio.gather(
        *(
            each.finish(Answered(state, code=state), its.cookie, "Firefox", Entry(action="x"))
            for each, (its, state) in zip(managers.managers, begun, strict=True)
        )
    )
    async with managers.db.reading() as session:
        accounts = (await session.scalars(select(AccountRow))).all()
        sessions = (await session.scalars(select(SessionRow))).all()

    assert [each.wanted for each in found] == ["/jobs"] * 4
    assert [(each.name, each.role) for each in accounts] == [("lola", "artist")]
    assert len(sessions) == 4


async def test_a_logout_token_counts_at_one_of_them(managers: Farm, provider: FakeProvider) -> None:
    begun, state = await managers.begin()
    answer = Answered(state, code=state)
    await managers.managers[0].finish(answer, begun.cookie, "Firefox", Entry(action="x"))
    token = signed(provider.logout_claims())
    channels = [
        BackChannel(managers.db, managers.identities, each.provider) for each in managers.managers
    ]

    found = await asyncio.gather(
        *(each.log_out(token) for each in channels), return_exceptions=True
    )
    async with managers.db.reading() as session:
        sessions = (await session.scalars(select(SessionRow))).all()

    assert found.count(None) == 1
    assert sum(isinstance(each, NotLoggedIn) for each in found) == 3
    assert sessions == []
