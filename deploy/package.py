"""Builds the wheel and the sdist, in `dist` or another folder: `python deploy/package.py [FOLDER]`.

The same commit gives the same bytes: the files have the time of the commit, or that of the
environment's SOURCE_DATE_EPOCH. Needs hatchling, and the built dashboard and add-on.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from hatchling import build as backend

PROJECT = Path(__file__).parents[1]


def build(folder: Path) -> list[Path]:
    """Build both packages in this folder, and return their paths."""
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["SOURCE_DATE_EPOCH"] = time_of_sources()
    # A build backend works in the project's folder.
    os.chdir(PROJECT)
    return [folder / make(str(folder)) for make in (backend.build_wheel, backend.build_sdist)]


def time_of_sources() -> str:
    """Return SOURCE_DATE_EPOCH: the environment's, else the commit's.

    Raises:
        SystemExit: there is neither.
    """
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return given
    command = ("git", "log", "-1", "--format=%ct")
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    if done.returncode:
        sys.exit("This is no git checkout: set SOURCE_DATE_EPOCH, in seconds since 1970.")
    return done.stdout.strip()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / "dist"
    for path in build(folder):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        sys.stdout.write(f"{path}\n  {len(content) / 1e6:.1f} MB, sha256:{digest}\n")


if __name__ == "__main__":
    main()
