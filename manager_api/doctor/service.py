"""The manager's doctor: looks at every part of the farm, and says what to do."""

from collections.abc import Sequence

from activities.process.examining import Check, HangingCalls
from manager_api.contract.doctor import DoctorReport
from manager_api.database.engine import Database
from manager_api.doctor.database import DatabaseChecks, while_it_answers
from manager_api.doctor.reach import reach_checks
from manager_api.doctor.reports import report_of
from manager_api.doctor.rounds import Rounds
from manager_api.doctor.services import job_type_check, notification_check
from manager_api.doctor.storage import storage_checks
from manager_api.doctor.temporal import ReadTemporal, temporal_check
from manager_api.doctor.workers import WorkerChecks
from manager_api.job_types.registry import JobTypeRegistry
from manager_api.settings.model import ManagerSettings
from manager_api.upgrades.managers import ManagerPresence
from manager_api.workers.farm_workers import ConnectedHosts


class Doctor:
    """
    Args:
        rounds: of this manager; its rounds are shared by all callers.
        read_temporal: asks Temporal.
        hosts: those that are connected to this manager.
    """

    def __init__(
        self,
        rounds: Rounds,
        settings: ManagerSettings,
        database: Database,
        presence: ManagerPresence,
        job_types: JobTypeRegistry,
        read_temporal: ReadTemporal,
        hosts: ConnectedHosts,
    ) -> None:
        self._rounds = rounds
        self._settings = settings
        self._database = database
        self._presence = presence
        self._job_types = job_types
        self._read_temporal = read_temporal
        self._hosts = hosts

    async def report(self) -> DoctorReport:
        """Look at everything, beside each other; it takes some seconds at most."""
        findings = await self._rounds.findings(self.checks)
        return report_of(findings, self._presence.version)

    def checks(self, calls: HangingCalls) -> Sequence[Check]:
        """Return all checks, in the order in which they are shown."""
        return [
            temporal_check(self._read_temporal),
            *DatabaseChecks(self._database, self._presence, calls).checks(),
            *storage_checks(self._settings, calls),
            *reach_checks(self._settings, calls),
            while_it_answers(notification_check(self._database, self._settings)),
            job_type_check(self._job_types),
            while_it_answers(WorkerChecks(self._database, self._presence, self._hosts).check()),
        ]
