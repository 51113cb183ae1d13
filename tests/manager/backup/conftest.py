import shutil
from pathlib import Path

import pytest

from tests.manager.backup.small_farm import SmallFarm, new_farm


@pytest.fixture
def farm(tmp_path: Path, migrated_sqlite: Path) -> SmallFarm:
    return new_farm(tmp_path / "farm", lambda to: shutil.copy(migrated_sqlite, to))


@pytest.fixture
def archive(farm: SmallFarm, tmp_path: Path) -> Path:
    """A backup of that farm."""
    file = tmp_path / "farm.backup"
    farm.back_up(file)
    return file
