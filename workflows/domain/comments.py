"""Who may change a comment, and how much of it there may be."""

from workflows.domain.access import Identity, Permission

#: Characters of one comment.
LONGEST_COMMENT = 4_000
#: Comments on one job or worker.
MOST_COMMENTS = 500


def may_edit(caller: Identity, author_id: str) -> bool:
    """Return whether the caller may change the text: an author its own.

    Callers without an account who may change all jobs, such as scripts on the manager's machine,
    are one author.
    """
    if author_id:
        return caller.owns(author_id)
    return not caller.id and caller.may(Permission.ALL_JOBS)


def may_delete(caller: Identity, author_id: str) -> bool:
    """Return whether the caller may delete the comment: an author its own, a wrangler each one."""
    return caller.may(Permission.ALL_JOBS) or may_edit(caller, author_id)
