"""The versions of the host that upgrades have installed, and which of them runs.

They are in the folder `versions` of the data directory, each a virtual environment. Such a folder
has its name only when it is complete. Beside them, `chosen.json` says which one runs. Standard
library only, because each start of a host reads it.
"""

import json
import os
import re
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

_NAME = re.compile(r"([0-9][0-9A-Za-z.+]{0,63})-[0-9a-f]{12}")
_ASIDE = ".new"
_FOLDERS = ("running", "previous", "trial")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which version runs. Folders are named as by `folder_name`."""

    running: str = ""
    """The folder of the version that runs; empty: the version that was installed by hand."""
    previous: str = ""
    """The folder of the version that ran before."""
    trial: str = ""
    """The folder of a version that the farm has not welcomed yet; empty: there is none."""
    tries: int = 0
    """How many times the version on trial has begun."""
    manager: str = ""
    """The address of the manager that the version on trial has to reach."""
    failed: str = ""
    """The version whose upgrade has failed and was not reported yet; empty: there is none."""
    reason: str = ""
    """Why that one failed, in a sentence."""


class VersionsFolder:
    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "versions"
        self.aside = self.path / f"{_ASIDE}-{secrets.token_hex(4)}"
        """Where a version is installed before its folder gets its name.

        Each process has a folder of its own: what installs a version outlives a host that is
        killed, and must not write into what the next host installs.
        """
        self._file = self.path / "chosen.json"

    def chosen(self) -> Chosen:
        """Return what is chosen. A file that is missing or damaged chooses nothing."""
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
            known = {each.name: content[each.name] for each in fields(Chosen)}
        except (OSError, ValueError, LookupError, TypeError):
            return Chosen()
        are_right = all(isinstance(known[each.name], type(each.default)) for each in fields(Chosen))
        are_folders = are_right and all(
            not known[name] or _NAME.fullmatch(known[name]) for name in _FOLDERS
        )
        return Chosen(**known) if are_folders else Chosen()

    def choose(self, chosen: Chosen) -> None:
        """Store what is chosen, as a whole or not at all.

        Raises:
            OSError: it cannot be stored.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(chosen)), encoding="utf-8")
        draft.replace(self._file)

    def python(self, folder: str) -> Path:
        return self.path / folder / "bin" / "python"

    def is_complete(self, folder: str) -> bool:
        return bool(folder) and os.access(self.python(folder), os.X_OK)

    def tidy(self, is_in_use: Callable[[Path], bool]) -> None:
        """Remove the versions that neither run nor ran before, and what was not completed.

        Args:
            is_in_use: whether a process runs from a folder; such a folder stays.
        """
        chosen = self.chosen()
        kept = {chosen.running, chosen.previous, chosen.trial}
        for folder in self.path.iterdir() if self.path.is_dir() else ():
            is_version = _NAME.fullmatch(folder.name) is not None
            if folder.name.startswith(_ASIDE) or (
                is_version and folder.name not in kept and not is_in_use(folder)
            ):
                shutil.rmtree(folder, ignore_errors=True)


def folder_name(version: str, sha256: str) -> str:
    """Return the name of a version's folder.

    Raises:
        ValueError: the version or the digest is not what it should be.
    """
    name = f"{version}-{sha256[:12]}"
    if not _NAME.fullmatch(name):
        raise ValueError("this is no version with a digest")
    return name


def version_of(folder: str) -> str:
    return folder.rpartition("-")[0]


def host_command(python: str | Path, arguments: Sequence[str]) -> list[str]:
    """Return the command line of a host."""
    # Without -P, a folder of the same name in the working directory would come first.
    return [str(python), "-P", "-m", "worker_host.main", *arguments]


def is_installed() -> bool:
    """Return whether this is an installed package in a virtual environment, and no checkout."""
    # Links are not followed: uv can make the installed files links to its cache.
    is_package = Path(__file__).is_relative_to(sysconfig.get_path("purelib"))
    return os.name == "posix" and sys.prefix != sys.base_prefix and is_package
