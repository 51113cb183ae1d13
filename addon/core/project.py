"""Which project a file belongs to, and the folder that its relative paths stay within."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class ProjectFinder(str, Enum):
    """How the project's folder is found: the nearest one above the file that holds a marker."""

    NONE = "NONE"
    """The file's own folder is all there is."""
    BLENDER_PROJECT = "BLENDER_PROJECT"
    """A file or folder `.blender_project`."""
    GIT = "GIT"
    SUBVERSION = "SUBVERSION"
    TYPED = "TYPED"
    """The artist says which folder."""


_MARKERS = {
    ProjectFinder.BLENDER_PROJECT: ".blender_project",
    ProjectFinder.GIT: ".git",
    ProjectFinder.SUBVERSION: ".svn",
}


@dataclass(frozen=True)
class Project:
    root: Path
    name: str
    """For the job's metadata; empty: no project."""


class NoProject(Exception):
    """Its text is a sentence for the artist."""


def find_project(
    blendfile: Path, finder: ProjectFinder, *, typed_root: str = "", typed_name: str = ""
) -> Project:
    """
    Args:
        typed_root: for `TYPED`; a folder that holds the file.
        typed_name: counts more than the folder's own name.

    Raises:
        NoProject: the typed folder does not hold the file.
    """
    if finder is ProjectFinder.TYPED and typed_root.strip():
        return _typed(blendfile, Path(typed_root.strip()).expanduser(), typed_name.strip())
    root = _marked(blendfile, _MARKERS[finder]) if finder in _MARKERS else None
    if root is None:
        return Project(blendfile.parent, typed_name.strip())
    return Project(root, typed_name.strip() or root.name)


def _marked(blendfile: Path, marker: str) -> Path | None:
    # Where a symbolic link leads is elsewhere: the path as the artist sees it counts.
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
