"""Lists, adds, edits and deletes comments."""

from uuid import uuid4

from manager_api.comments import store as comments
from manager_api.comments.store import Subject
from manager_api.contract.comments import Comment, CommentList
from manager_api.contract.errors import Conflict, Forbidden
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import CommentRow
from workflows.domain.access import Identity
from workflows.domain.comments import MOST_COMMENTS, may_delete, may_edit
from workflows.domain.messages import LONGEST_WORD


class CommentService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, subject: Subject, caller: Identity) -> CommentList:
        """Return the comments on a job or worker, the oldest first."""
        async with self._database.reading() as session:
            await comments.check_exists(session, subject)
            rows = await comments.comments_on(session, subject)
        return CommentList(comments=[_answer(row, caller) for row in rows])

    async def add(self, subject: Subject, caller: Identity, text: str) -> Comment:
        """
        Raises:
            Conflict: the job or worker has as many comments as it may have.
        """
        row = CommentRow(
            id=str(uuid4()),
            job_id=subject.job_id,
            worker_id=subject.worker_id,
            author_id=caller.id,
            author=(caller.name or str(caller.kind))[:LONGEST_WORD],
            text=text,
            created=utc_now(),
        )
        async with self._database.writing() as session:
            await comments.check_exists(session, subject)
            if await comments.count(session, subject) >= MOST_COMMENTS:
                raise Conflict(f"there are {MOST_COMMENTS} comments already: delete some first")
            comments.add(session, row)
        return _answer(row, caller)

    async def edit(self, comment_id: str, caller: Identity, text: str) -> Comment:
        """
        Raises:
            Forbidden: another author wrote the comment.
        """
        async with self._database.writing() as session:
            row = await comments.comment_to_change(session, comment_id)
            if not may_edit(caller, row.author_id):
                raise Forbidden("only its author may edit a comment")
            comments.edit(session, row, text, utc_now())
        return _answer(row, caller)

    async def delete(self, comment_id: str, caller: Identity) -> None:
        """
        Raises:
            Forbidden: another author wrote the comment, and the caller is no wrangler.
        """
        async with self._database.writing() as session:
            row = await comments.comment_to_change(session, comment_id)
            if not may_delete(caller, row.author_id):
                raise Forbidden("only its author and wranglers may delete a comment")
            await comments.delete(session, row)


def _answer(row: CommentRow, caller: Identity) -> Comment:
    return Comment(
        id=row.id,
        author=row.author,
        text=row.text,
        created=row.created,
        edited=row.edited,
        may_edit=may_edit(caller, row.author_id),
        may_delete=may_delete(caller, row.author_id),
    )
