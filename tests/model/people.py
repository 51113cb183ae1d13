"""The model's people: they ask until they are answered."""

from tests.model.database import Database, JobRecord
from tests.model.temporal import Temporal
from tests.model.workflow import WorkflowWorker
from workflows.domain.job.requests import Closing
from workflows.domain.job.transitions import Refused, check_job_action, check_task_action
from workflows.domain.messages import Change


class People:
    def __init__(self, db: Database, temporal: Temporal, workflows: WorkflowWorker) -> None:
        self.waiting: list[tuple[str, Change]] = []
        self.asked = 0
        self._db = db
        self._temporal = temporal
        self._workflows = workflows

    def ask(self, job_id: str, change: Change) -> None:
        self.asked += 1
        self.waiting.append((job_id, change))

    def tick(self, now: int) -> None:
        waiting, self.waiting = self.waiting, []
        for job_id, change in waiting:
            try:
                if not self._is_answered(job_id, change, now):
                    self.waiting.append((job_id, change))
            except Refused:
                continue

    def _is_answered(self, job_id: str, change: Change, now: int) -> bool:
        job = self._db.jobs.get(job_id)
        if job is None:
            return True
        if job.is_ended:
            self._change_ended(job, change)
            return True
        execution = self._temporal.executions.get(job_id)
        if not self._temporal.is_up or execution is None or execution.run != job.run:
            return False
        try:
            self._workflows.ask(execution, change, now)
        except Closing:
            return False
        return True

    def _change_ended(self, job: JobRecord, change: Change) -> None:
        if change.unblock:
            job.blocked = tuple(pair for pair in job.blocked if pair not in change.unblock)
        elif change.priority is not None:
            job.priority = change.priority
        else:
            _check(job, change)
            self._db.rerun(job, change)


def _check(job: JobRecord, change: Change) -> None:
    """Raises `Refused`: not possible in the present status."""
    if change.action is not None:
        check_job_action(job.status, change.action)
    elif change.task is not None and change.task_action is not None:
        if not 1 <= change.task <= len(job.columns):
            raise Refused
        check_task_action(job.columns.statuses[change.task - 1], change.task_action)
