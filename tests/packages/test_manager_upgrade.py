"""A farm is upgraded by the commands of docs/upgrading.md while Blender renders: manager, workers.

On its way the installation, the migration and the new manager's start are cut off, and begun again
as the docs say. Then it is brought back to the older version.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from activities.services.exit_codes import NEEDS_A_PERSON
from manager_api.database.schema_version import newest_migration
from manager_api.version import VERSION
from tests.farm.processes import wait_until
from tests.packages.conftest import Packages
from tests.packages.made_versions import NEXT_MIGRATION, OLDER, older, with_a_migration
from tests.packages.upgraded_farm import NAME, ToolFarm, all_alive

FRAMES = 4
SLOTS = 2
#: Several environments are made, and each process of the farm is started several times.
pytestmark = pytest.mark.timeout(900)


@dataclass(slots=True)
class Journey:
    """A farm that is being upgraded, and what was seen on the way."""

    farm: ToolFarm
    backup: Path
    job: str = ""
    held: tuple[tuple[str, int], ...] = ()
    """Frames that rendered all the while, and the pids of their Blenders."""
    beside: str = ""
    """What a manager said that was started while the older one ran."""
    migration_when_killed: str = ""
    """The database's, after the manager was killed in the middle of a migration."""
    worker_before: str = ""
    """The worker's version when the manager was upgraded."""
    version_after_kill: str = ""
    """The worker's, after its host was killed in the middle of an installation."""
    started_meanwhile: int = 0
    """Blenders that were started until the manager and the worker were upgraded."""


@pytest.fixture(scope="module")
def journey(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    wheels = tmp_path_factory.mktemp("wheels")
    folder = tmp_path_factory.mktemp("upgrade") / "farm"
    farm = ToolFarm(folder, older(packages.wheel, wheels), with_a_migration(packages.wheel, wheels))
    installed = farm.install(farm.older)
    assert installed.returncode == 0, installed.stderr
    with farm:
        farm.save_scene()
        farm.start_host(NAME, "--slots", str(SLOTS))
        wait_until(lambda: farm.awake(), 180)
        made = Journey(farm, folder / "before.zip")
        made.job, held = farm.held(f"1-{FRAMES}", SLOTS)
        made.held = tuple(held)
        _upgrade_manager(made)
        _upgrade_worker(made)
        made.started_meanwhile = len(farm.started()) - SLOTS
        assert all_alive(held)
        farm.let_go()
        farm.until_job_is(made.job, "completed", timeout_s=240)
        yield made


def _upgrade_manager(journey: Journey) -> None:
    """Back up, stop, replace, start: cut off three times."""
    farm = journey.farm
    assert farm.manager_version() == OLDER
    saved = farm.tablao("backup", journey.backup, "--data-dir", farm.data_dir)
    assert saved.returncode == 0, saved.stderr
    journey.beside = farm.tablao("manager", "--data-dir", farm.data_dir, "--port", "0").stderr
    farm.terminate_manager()

    _cut_off_installation(farm)
    again = farm.install(farm.newer, "--force")
    assert again.returncode == 0, again.stderr

    journey.migration_when_killed = _cut_off_migration(farm)

    farm.launch_manager()
    wait_until(lambda: farm.migration() == NEXT_MIGRATION, 120, 0.01)
    farm.kill_manager()

    farm.start_manager()
    wait_until(lambda: farm.worker()["is_connected"], 120)
    journey.worker_before = farm.worker()["version"]


def _cut_off_installation(farm: ToolFarm) -> None:
    """Kill uv while it removes the older version, before it has written the newer one."""
    about = farm.directory / "tools/tablao/lib"
    metadata = next(about.glob(f"*/site-packages/tablao-{OLDER}.dist-info/METADATA"))
    installing = farm.installs(farm.newer)
    wait_until(lambda: not metadata.exists(), 120, 0.0)
    installing.kill()
    installing.wait()


def _cut_off_migration(farm: ToolFarm) -> str:
    """Kill the manager when a migration has made its first change; return the database's then."""
    pipe = farm.directory / "hold"
    os.mkfifo(pipe)
    farm.also_set(HOLD=str(pipe))
    farm.launch_manager()
    wait_until(lambda: _is_read(pipe), 120)
    farm.kill_manager()
    pipe.unlink()
    farm.also_set(HOLD="")
    return farm.migration()


def _is_read(pipe: Path) -> bool:
    """Whether a process has opened the pipe to read, and waits for its content."""
    try:
        # It must not be closed again: its reader would go on.
        os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    return True


def _upgrade_worker(journey: Journey) -> None:
    """Order it: the host is killed as it installs, ordered again, and killed as it tries."""
    farm = journey.farm
    _order(farm)
    wait_until(lambda: list(farm.versions.path.glob(".new*/environment/bin")), 120, 0.01)
    _kill_and_start_host(farm)
    wait_until(lambda: farm.worker()["is_connected"], 120)
    journey.version_after_kill = farm.worker()["version"]

    _order(farm)
    wait_until(lambda: farm.versions.chosen().tries == 1, 240, 0.01)
    _kill_and_start_host(farm)

    def is_upgraded() -> bool:
        worker = farm.worker()
        return bool(worker["version"] == f"Tablao {VERSION}" and worker["is_connected"])

    wait_until(is_upgraded, 240)
    wait_until(lambda: farm.versions.chosen().running, 60)


def _order(farm: ToolFarm) -> None:
    told = farm.tablao("worker", "upgrade", "--all", "--manager", farm.url)
    assert told.returncode == 0, told.stderr


def _kill_and_start_host(farm: ToolFarm) -> None:
    """As a service does after a crash."""
    farm.kill_host(NAME)
    farm.start_host(NAME, "--slots", str(SLOTS))


def test_the_same_blenders_render_before_and_after(journey: Journey) -> None:
    farm = journey.farm

    assert journey.started_meanwhile == 0
    assert tuple(farm.started()[:SLOTS]) == journey.held
    assert sorted(frame for frame, _ in farm.started()) == [str(n) for n in range(1, FRAMES + 1)]
    assert sorted(farm.started()) == sorted(farm.ended())
    assert farm.attempts(journey.job) == [1] * FRAMES
    assert sorted(file.name for file in farm.out.glob("*.png")) == [
        f"{n:06}.png" for n in range(1, FRAMES + 1)
    ]


def test_a_start_that_fails_or_is_killed_leaves_the_database_as_it_was(
    journey: Journey,
) -> None:
    folder = journey.farm.data_dir / "before-migrations"

    assert "Another manager works with the data directory" in journey.beside
    assert journey.migration_when_killed == newest_migration()
    assert journey.farm.migration() == NEXT_MIGRATION
    # The copy of each start that migrated, in one file; nothing half is left.
    assert [file.name for file in folder.iterdir()] == [f"tablao-{newest_migration()}.sqlite"]


def test_the_older_worker_works_with_the_newer_manager_until_it_is_upgraded(
    journey: Journey,
) -> None:
    own = journey.farm.programs["worker_host.main"][0]

    assert journey.farm.manager_version() == VERSION
    assert journey.worker_before == f"Tablao {OLDER}"
    assert journey.version_after_kill == f"Tablao {OLDER}"
    assert journey.farm.worker()["version"] == f"Tablao {VERSION}"
    # The version that was installed by hand stays beside the one that runs; nothing half does.
    assert Path(own).exists()
    versions = journey.farm.versions
    running = versions.chosen().running
    wait_until(lambda: {each.name for each in versions.path.iterdir()} == {running, "chosen.json"})


def test_the_farm_goes_back_to_the_older_version_by_the_copy_from_before_the_migration(
    journey: Journey,
) -> None:
    farm = journey.farm
    _replace_by_older(farm)

    refused = farm.tablao("manager", "--data-dir", farm.data_dir, "--port", str(farm.port))
    for file in farm.data_dir.glob("tablao.sqlite*"):
        file.unlink()
    copy = farm.data_dir / f"before-migrations/tablao-{newest_migration()}.sqlite"
    shutil.copy(copy, farm.data_dir / "tablao.sqlite")
    (farm.data_dir / "database-mark").write_text("restored\n")

    assert refused.returncode == NEEDS_A_PERSON
    assert "was migrated by a newer version of Tablao" in refused.stderr
    _works_as_older(journey)


def test_the_farm_goes_back_to_the_older_version_by_its_backup(journey: Journey) -> None:
    farm = journey.farm
    _replace_by_older(farm)

    restored = farm.tablao("restore", journey.backup, "--data-dir", farm.data_dir, "--replace")

    assert restored.returncode == 0, restored.stderr
    _works_as_older(journey)


def _replace_by_older(farm: ToolFarm) -> None:
    """Stop the farm, and install the older version; the worker's by hand, as the docs say."""
    farm.terminate_host(NAME)
    farm.terminate_manager()
    installed = farm.install(farm.older)
    assert installed.returncode == 0, installed.stderr
    shutil.rmtree(farm.versions.path, ignore_errors=True)


def _works_as_older(journey: Journey) -> None:
    """The farm starts, and renders what its copy does not know as completed."""
    farm = journey.farm
    farm.start_manager()
    farm.start_host(NAME, "--slots", str(SLOTS))
    farm.until_job_is(journey.job, "completed", timeout_s=240)

    assert (farm.manager_version(), farm.migration()) == (OLDER, newest_migration())
    assert farm.worker()["version"] == f"Tablao {OLDER}"
    assert {task["status"] for task in farm.tasks(journey.job)} == {"completed"}
