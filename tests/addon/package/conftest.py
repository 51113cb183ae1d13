"""A real manager that serves the add-on, and the zip as it was built."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.addon.blender.blenders import build_zip
from tests.farm.processes import FarmProcesses


@pytest.fixture(scope="package")
def built() -> Path:
    return build_zip()


@pytest.fixture(scope="package")
def manager(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarmProcesses]:
    """A manager that has the zip, and no workers."""
    assert built.is_file()
    with FarmProcesses(tmp_path_factory.mktemp("manager") / "farm") as manager:
        yield manager


@pytest.fixture(scope="package")
def downloaded(manager: FarmProcesses, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip as an artist gets it."""
    path = tmp_path_factory.mktemp("downloads") / "tablao-addon.zip"
    path.write_bytes(manager.http.get("/tablao-addon.zip").raise_for_status().content)
    return path
