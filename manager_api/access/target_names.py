"""What the targets of requests are called, for the audit."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import (
    AccountRow,
    JobRow,
    JoinTokenRow,
    NotificationRuleRow,
    SavedViewRow,
    TaskRow,
    TokenRow,
    WorkerRow,
    WorkerTagRow,
)

#: By the parameters of addresses; the first of them that are in an address are looked up.
_NAMED: Mapping[str, tuple[Any, ...]] = {
    "task_id": (TaskRow,),
    "job_id": (JobRow,),
    "worker_id": (WorkerRow,),
    "tag_id": (WorkerTagRow,),
    "account_id": (AccountRow,),
    "token_id": (TokenRow, JoinTokenRow),
    "view_id": (SavedViewRow,),
    "webhook_id": (NotificationRuleRow,),
}
_LONGEST = 1_000


async def name_of_target(session: AsyncSession, parameters: Mapping[str, Any]) -> str:
    """Return the names of what a request's address names by ids; empty if it names nothing.

    A task has its job's name after its own.
    """
    found: list[str] = []
    for parameter, tables in _NAMED.items():
        if parameter in parameters:
            wanted = str(parameters[parameter]).lower()
            for table in tables:
                found += await session.scalars(select(table.name).where(table.id == wanted))
            if parameter == "task_id":
                of_task = select(JobRow.name).join(TaskRow).where(TaskRow.id == wanted)
                found += await session.scalars(of_task)
    return ", ".join(found)[:_LONGEST]
