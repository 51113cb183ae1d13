"""Which launcher a service names: one that the next upgrade leaves where it is."""

from pathlib import Path

import pytest

from activities.services.definition import Account, ServiceError
from activities.services.launcher import check_reachable, launcher

PROGRAMS = ("tablao", "tablao-worker")


def an_environment(folder: Path) -> Path:
    """A folder of launchers, as a virtual environment has it."""
    scripts = folder / "bin"
    scripts.mkdir(parents=True)
    for name in PROGRAMS:
        (scripts / name).write_text("#!/bin/sh\n")
        (scripts / name).chmod(0o755)
    return scripts


def links_to(scripts: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in PROGRAMS:
        (folder / name).symlink_to(scripts / name)
    return folder


def test_of_a_virtual_environment_it_is_the_environments_own(tmp_path: Path) -> None:
    scripts = an_environment(tmp_path / "tablao env")

    found = launcher("tablao-worker", scripts / "tablao", scripts)

    assert found == scripts / "tablao-worker"


@pytest.mark.parametrize("environments", ["uv/tools/tablao", "pipx/venvs/tablao"])
def test_of_uv_and_pipx_it_is_the_link_that_an_upgrade_keeps(
    tmp_path: Path, environments: str
) -> None:
    scripts = an_environment(tmp_path / ".local/share" / environments)
    links = links_to(scripts, tmp_path / ".local/bin")

    assert launcher("tablao-worker", links / "tablao", scripts) == links / "tablao-worker"


def test_a_program_of_another_installation_beside_the_link_is_not_taken(tmp_path: Path) -> None:
    scripts = an_environment(tmp_path / "ours")
    links = links_to(scripts, tmp_path / "links")
    other = an_environment(tmp_path / "other")
    (links / "tablao-worker").unlink()
    (links / "tablao-worker").symlink_to(other / "tablao-worker")

    assert launcher("tablao-worker", links / "tablao", scripts) == scripts / "tablao-worker"


def test_of_a_module_it_is_the_launcher_of_its_environment(tmp_path: Path) -> None:
    scripts = an_environment(tmp_path / "env")

    assert launcher("tablao", tmp_path / "manager_api/cli/main.py", scripts) == scripts / "tablao"


def test_without_a_launcher_the_installation_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="tablao-worker is not in"):
        launcher("tablao-worker", tmp_path / "main.py", tmp_path)


@pytest.mark.parametrize(
    "folder", [".cache/uv/archive-v0/Xy1", ".cache/uv/environments-v2/Xy1", ".cache/pipx/Xy1"]
)
def test_an_environment_for_one_call_is_refused(tmp_path: Path, folder: str) -> None:
    scripts = an_environment(tmp_path / folder)

    with pytest.raises(ServiceError, match="one call only"):
        launcher("tablao", scripts / "tablao", scripts)


def test_a_version_that_an_upgrade_has_installed_is_refused(tmp_path: Path) -> None:
    scripts = an_environment(tmp_path / "data/versions/0.2.0-0123456789ab")
    (tmp_path / "data/versions/chosen.json").write_text("{}")

    with pytest.raises(ServiceError, match="a later one removes it"):
        launcher("tablao-worker", scripts / "tablao-worker", scripts)


def test_a_launcher_in_a_closed_home_is_refused_for_another_user(tmp_path: Path) -> None:
    home = tmp_path / "home"
    scripts = an_environment(home)
    home.chmod(0o700)

    # The folders of tests are closed, too, so the first closed one is named.
    with pytest.raises(ServiceError, match=r"daemon cannot start .* is closed to it"):
        check_reachable(scripts / "tablao", Account("daemon", 1, 1))
    check_reachable(scripts / "tablao", Account("root", 0, 0))
