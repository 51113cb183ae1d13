"""A doctor on a real database, with settings of the test's."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from manager_api.database.engine import Database
from tests.manager.doctor.patient import Patient


@pytest.fixture
async def patient(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[Patient]:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    shutil.copy(migrated_sqlite, data_dir / "tablao.sqlite")
    database = Database(f"sqlite+aiosqlite:///{data_dir}/tablao.sqlite", busy_timeout_s=1.0)
    patient = Patient(data_dir, database)
    yield patient
    patient.close()
    await database.close()
