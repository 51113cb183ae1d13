"""Finds the project of a file: its name, and the folder within which relative paths stay."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class ProjectFinder(str, Enum):
    """The way to find the project's folder. With a marker, it is the nearest folder that has it."""

    NONE = "NONE"
    """The project's folder is the file's own folder."""
    BLENDER_PROJECT = "BLENDER_PROJECT"
    """The marker is a file or folder `.blender_project`."""
    GIT = "GIT"
    SUBVERSION = "SUBVERSION"
    TYPED = "TYPED"
    """The artist types the folder."""


_MARKERS = {
    ProjectFinder.BLENDER_PROJECT: ".blender_project",
    ProjectFinder.GIT: ".git",
    ProjectFinder.SUBVERSION: ".svn",
}


@dataclass(frozen=True)
class Project:
    root: Path
    name: str
    """The project's name for the job's metadata; empty: there is no project."""


class NoProject(Exception):
    """The typed folder cannot be used. The text is a sentence for the artist."""


def find_project(
    blendfile: Path, finder: ProjectFinder, *, typed_root: str = "", typed_name: str = ""
) -> Project:
    """Find the project of a file.

    Args:
        typed_root: a folder that holds the file; used only with `TYPED`.
        typed_name: the project's name; empty: the folder's name.

    Raises:
        NoProject: the typed folder does not exist, or does not hold the file.
    """
    if finder is ProjectFinder.TYPED and typed_root.strip():
        return _typed(blendfile, Path(typed_root.strip()).expanduser(), typed_name.strip())
    root = _marked(blendfile, _MARKERS[finder]) if finder in _MARKERS else None
    if root is None:
        return Project(blendfile.parent, typed_name.strip())
    return Project(root, typed_name.strip() or root.name)


def _marked(blendfile: Path, marker: str) -> Path | None:
    # Use the path as the artist sees it: a symbolic link may lead out of the project.
    return next((each for each in blendfile.parents if _is_there(each / marker)), None)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _typed(blendfile: Path, root: Path, name: str) -> Project:
    if not root.is_dir():
        raise NoProject(f"The project's folder {root} does not exist: choose another one")
    if root not in blendfile.parents and root.resolve() not in blendfile.resolve().parents:
        raise NoProject(f"{blendfile.name} is not in the project's folder {root}: choose another")
    return Project(root, name or root.name)
