"""Asks the doctors on workers' machines, and says what they have found."""

from manager_api.contract.doctor import WorkerExamination
from manager_api.contract.errors import Conflict
from manager_api.database.engine import Database
from manager_api.doctor.reports import report_of
from manager_api.workers import examination_store as examinations
from manager_api.workers import store as workers
from workflows.domain.doctor import read

_STOCK_WORKER = "a Flamenco Worker has no doctor"
_NOT_CONNECTED = (
    "this worker's host is not connected: start it, or call `tablao-worker doctor` on its machine"
)


class MachineDoctors:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def order(self, worker_id: str, *, is_connected: bool) -> None:
        """Order that the doctor on a worker's machine looks at it.

        Raises:
            WorkerNotFound: there is no such worker.
            Conflict: its machine has no doctor, or is not connected.
        """
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            if row.is_http:
                raise Conflict(_STOCK_WORKER)
            if not is_connected:
                raise Conflict(_NOT_CONNECTED)
            await examinations.order(session, row)

    async def examination(self, worker_id: str) -> WorkerExamination:
        """Return what the doctor on a worker's machine has found last.

        Raises:
            WorkerNotFound: there is no such worker.
        """
        async with self._database.reading() as session:
            await workers.existing_worker(session, worker_id)
            row = await examinations.of_worker(session, worker_id)
        if row is None:
            return WorkerExamination(asked=None, told=None, report=None)
        report = row.report and report_of(read(row.report), row.report["version"])
        return WorkerExamination(asked=row.asked, told=row.told, report=report or None)
