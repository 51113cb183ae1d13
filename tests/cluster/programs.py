"""Temporal's own programs, built from its published source and kept outside the repository."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

VERSION = "v1.31.0"
_SERVER = "go.temporal.io/server/cmd/server"
_SQL_TOOL = "go.temporal.io/server/cmd/tools/sql"


class CannotBuild(Exception):
    """The text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Programs:
    folder: Path

    @property
    def server(self) -> Path:
        return self.folder / "server"

    @property
    def sql_tool(self) -> Path:
        """Makes and upgrades Temporal's tables; it brings their definitions."""
        return self.folder / "sql"


def programs() -> Programs:
    """Return the programs; the first time they are built, which takes many minutes.

    Raises:
        CannotBuild: there is no Go, or a build fails.
    """
    found = Programs(user_cache_path("tablao-tests") / f"temporal-{VERSION}")
    for program, package in ((found.sql_tool, _SQL_TOOL), (found.server, _SERVER)):
        if not program.exists():
            _build(package, found.folder)
    return found


def _build(package: str, folder: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise CannotBuild(f"Temporal {VERSION} is built from source, and there is no `go` program.")
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOBIN": str(folder)}
    done = subprocess.run([go, "install", f"{package}@{VERSION}"], env=environment, check=False)
    if done.returncode:
        raise CannotBuild(f"`go install {package}@{VERSION}` failed; see above.")
