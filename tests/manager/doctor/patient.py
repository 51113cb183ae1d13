"""A farm that a test makes ill, and its doctor."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import text, update

from manager_api.contract.doctor import DoctorCheck
from manager_api.database.engine import Database
from manager_api.database.tables import WorkerRow
from manager_api.doctor.rounds import Rounds
from manager_api.doctor.service import Doctor
from manager_api.doctor.temporal import ReadTemporal, no_temporal
from manager_api.job_types.farm import farm_job_types
from manager_api.settings.model import ManagerSettings
from manager_api.settings.storage_folders import make_storage_folders
from manager_api.upgrades.managers import ManagerPresence
from manager_api.version import VERSION
from manager_api.workers import store as workers
from manager_api.workers.farm_workers import ConnectedHosts, NoHosts
from manager_api.workers.store import NewWorker
from workflows.domain.statuses import WorkerStatus


class Patient:
    def __init__(self, data_dir: Path, database: Database) -> None:
        self.data_dir = data_dir
        self.database = database
        self.rounds = Rounds()
        self.hosts: ConnectedHosts = NoHosts()
        self.read_temporal: ReadTemporal = no_temporal
        self.presence = ManagerPresence(database, VERSION)
        self.settings = ManagerSettings(data_dir=data_dir, autodiscoverable=False)
        make_storage_folders(self.settings)
        self._job_types = farm_job_types(lambda: self.settings)

    def close(self) -> None:
        self._job_types.close()

    def set(self, **settings: Any) -> None:
        """Other settings; a storage among them is made and marked, as at a manager's start."""
        self.settings = ManagerSettings(
            **{"data_dir": self.data_dir, "autodiscoverable": False, **settings}
        )
        make_storage_folders(self.settings)

    async def worker(self, name: str = "carmen", **values: Any) -> str:
        """A worker that is awake, with these values in its row; returns its id."""
        new = NewWorker(str(uuid4()), name, "hash", "linux", ["blender", "misc"])
        async with self.database.writing() as session:
            row = await workers.register(session, new)
            workers.begin_session(session, row, 1, [])
            workers.set_status(session, row, WorkerStatus.AWAKE)
        values = {"software": f"Tablao {VERSION}", **values}
        async with self.database.writing() as session:
            of_worker = update(WorkerRow).where(WorkerRow.id == new.id)
            await session.execute(of_worker.values(**values))
        return new.id

    async def migrated_to(self, migration: str) -> None:
        """The database says that it has this migration."""
        async with self.database.writing() as session:
            change = text("UPDATE alembic_version SET version_num = :migration")
            await session.execute(change, {"migration": migration})

    async def checks(self) -> Mapping[str, DoctorCheck]:
        """What the doctor finds, by id."""
        doctor = Doctor(
            self.rounds,
            self.settings,
            self.database,
            self.presence,
            self._job_types,
            self.read_temporal,
            self.hosts,
        )
        report = await doctor.report()
        return {each.id: each for each in report.checks}
