"""Worker tags: created, renamed, deleted, given to workers."""

from uuid import uuid4

from sqlalchemy.exc import IntegrityError

from manager_api.contract.errors import Conflict
from manager_api.contract.worker_management import WorkerTagList, WorkerTagRequest
from manager_api.contract.workers import WorkerTag
from manager_api.database.engine import Database, Session
from manager_api.workers import store as workers
from manager_api.workers import tag_store as tags
from manager_api.workers.farm_workers import tag_answer


class WorkerTagService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> WorkerTagList:
        async with self._database.reading() as session:
            rows = await tags.all_tags(session)
        return WorkerTagList(tags=[tag_answer(row) for row in rows])

    async def get(self, tag_id: str) -> WorkerTag:
        async with self._database.reading() as session:
            return tag_answer(await tags.existing_tag(session, tag_id))

    async def create(self, asked: WorkerTagRequest, tag_id: str | None) -> WorkerTag:
        """Create a tag.

        Args:
            tag_id: the id that the client chose; None: a new random one.

        Raises:
            Conflict: another tag has the id or the name.
        """
        new_id = tag_id or str(uuid4())
        try:
            async with self._database.writing() as session:
                if await tags.tag(session, new_id) is not None:
                    raise Conflict(f'there is a worker tag with the id "{new_id}" already')
                row = await tags.insert_tag(session, new_id, asked.name, asked.description or "")
        except IntegrityError as error:
            raise _name_taken(asked.name) from error
        return tag_answer(row)

    async def update(self, tag_id: str, asked: WorkerTagRequest) -> None:
        try:
            async with self._database.writing() as session:
                row = await tags.existing_tag_to_change(session, tag_id)
                await tags.update_tag(session, row, asked.name, asked.description)
        except IntegrityError as error:
            raise _name_taken(asked.name) from error

    async def delete(self, tag_id: str, *, force: bool) -> None:
        """Delete a tag.

        Args:
            force: delete it even if unfinished jobs have it. Every worker may then serve them.

        Raises:
            Conflict: unfinished jobs have the tag, and `force` is not set.
        """
        async with self._database.writing() as session:
            row = await tags.existing_tag_to_delete(session, tag_id)
            if not force:
                await _check_unused(session, tag_id)
            await tags.delete_tag(session, row)

    async def set_of_worker(self, worker_id: str, tag_ids: list[str]) -> None:
        """Replace a worker's tags; ignore ids of unknown tags, as Flamenco does."""
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            await workers.set_tags(session, row, [each.lower() for each in tag_ids])


async def _check_unused(session: Session, tag_id: str) -> None:
    unfinished = await tags.unfinished_jobs_of(session, tag_id)
    if unfinished:
        raise Conflict(
            f"{len(unfinished)} unfinished jobs have this worker tag, and every worker could "
            "serve them without it; end them, change their tag, or delete it with force=true"
        )


def _name_taken(name: str) -> Conflict:
    return Conflict(f'there is a worker tag named "{name}" already')
