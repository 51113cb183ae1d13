"""A file's project is found in the way that the artist chose."""

from pathlib import Path

import pytest

from addon.core.project import NoProject, Project, ProjectFinder, find_project


@pytest.fixture
def blendfile(tmp_path: Path) -> Path:
    folder = tmp_path / "Pilot" / "shots" / "sh010"
    folder.mkdir(parents=True)
    (folder / "light.blend").touch()
    return folder / "light.blend"


@pytest.mark.parametrize(
    ("finder", "marker"),
    [
        (ProjectFinder.GIT, ".git"),
        (ProjectFinder.SUBVERSION, ".svn"),
        (ProjectFinder.BLENDER_PROJECT, ".blender_project"),
    ],
)
def test_a_marker_makes_a_folder_the_project(
    blendfile: Path, tmp_path: Path, finder: ProjectFinder, marker: str
) -> None:
    (tmp_path / "Pilot" / marker).mkdir()

    assert find_project(blendfile, finder) == Project(tmp_path / "Pilot", "Pilot")


def test_the_nearest_marker_counts(blendfile: Path, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (blendfile.parent.parent / ".git").touch()  # as in a worktree

    assert find_project(blendfile, ProjectFinder.GIT).root == tmp_path / "Pilot" / "shots"


@pytest.mark.parametrize("finder", list(ProjectFinder))
def test_without_a_marker_the_files_folder_is_all(blendfile: Path, finder: ProjectFinder) -> None:
    assert find_project(blendfile, finder) == Project(blendfile.parent, "")


def test_a_typed_name_counts_more_than_the_folders(blendfile: Path, tmp_path: Path) -> None:
    (tmp_path / "Pilot" / ".git").mkdir()

    found = find_project(blendfile, ProjectFinder.GIT, typed_name="Pilot, season 2")

    assert found == Project(tmp_path / "Pilot", "Pilot, season 2")


def test_a_typed_folder_is_taken(blendfile: Path, tmp_path: Path) -> None:
    found = find_project(
        blendfile, ProjectFinder.TYPED, typed_root=str(tmp_path / "Pilot"), typed_name="X"
    )

    assert found == Project(tmp_path / "Pilot", "X")


@pytest.mark.parametrize("folder", ["missing", "elsewhere"])
def test_a_typed_folder_must_hold_the_file(blendfile: Path, tmp_path: Path, folder: str) -> None:
    (tmp_path / "elsewhere").mkdir()

    with pytest.raises(NoProject, match=r"choose another"):
        find_project(blendfile, ProjectFinder.TYPED, typed_root=str(tmp_path / folder))
