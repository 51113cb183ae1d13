"""Lists and changes saved views. Everyone may use shared views; only its owner may use another."""

from uuid import uuid4

from manager_api.contract.views import Page, View, ViewRequest, Views
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import SavedViewRow
from manager_api.views import store as views


class ViewService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, owner: str) -> Views:
        async with self._database.reading() as session:
            rows = await views.views_for(session, owner)
        return Views(views=[_answer(row, owner) for row in rows])

    async def owner(self, account: str, claimed: str) -> str:
        """Return who asks: an account, or a text that the caller's browser made.

        Args:
            account: empty for callers without an account.

        Raises:
            Forbidden: a caller without an account claims to be one.
        """
        if account:
            return account
        async with self._database.reading() as session:
            await views.check_claim(session, claimed)
        return claimed

    async def create(self, asked: ViewRequest) -> View:
        row = SavedViewRow(id=str(uuid4()), owner=asked.owner)
        async with self._database.writing() as session:
            _fill(row, asked)
            views.add(session, row)
        return _answer(row, asked.owner)

    async def change(self, view_id: str, asked: ViewRequest) -> View:
        async with self._database.writing() as session:
            row = await views.existing_view(session, view_id, asked.owner)
            if row.is_shared and not asked.is_shared:
                row.owner = asked.owner  # else the view would vanish for the person who unshares it
            _fill(row, asked)
            views.tell(session, row.page)
        return _answer(row, asked.owner)

    async def remove(self, view_id: str, owner: str) -> None:
        async with self._database.writing() as session:
            row = await views.existing_view(session, view_id, owner)
            await views.delete(session, row)


def _fill(row: SavedViewRow, asked: ViewRequest) -> None:
    row.page, row.name, row.query = str(asked.page), asked.name, asked.query
    row.is_shared, row.updated = asked.is_shared, utc_now()


def _answer(row: SavedViewRow, owner: str) -> View:
    return View(
        id=row.id,
        page=Page(row.page),
        name=row.name,
        query=row.query,
        is_shared=row.is_shared,
        is_own=row.owner == owner,
        updated=row.updated,
    )
