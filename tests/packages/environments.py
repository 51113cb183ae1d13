"""Environments in which a wheel is installed with the pinned packages."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.packages.conftest import PROJECT

sys.path.insert(0, str(PROJECT / "deploy"))
from install import environment_of_steps as environment_of_steps  # deploy/ is no package

_VERSIONS = ("3.11", "3.12", "3.13")


def interpreters() -> dict[str, str]:
    """Those of this machine by version: on PATH, and where this one has its siblings."""
    beside = Path(sys.base_prefix).parent
    found: dict[str, str] = {}
    for version in _VERSIONS:
        siblings = map(str, sorted(beside.glob(f"{version}*/bin/python{version}")))
        for candidate in (shutil.which(f"python{version}"), *siblings):
            if candidate and _runs(candidate, version):
                found.setdefault(version, candidate)
    return found


def _runs(python: str, version: str) -> bool:
    done = subprocess.run([python, "--version"], capture_output=True, text=True)
    return done.returncode == 0 and done.stdout.startswith(f"Python {version}")


INTERPRETERS = interpreters()


def installed(folder: Path, python: str, wheel: Path) -> Path:
    """Install the wheel, with the pinned packages, in a new environment; return its programs."""
    programs = folder / "bin"
    uv = str(Path(sys.executable).parent / "uv")
    into = (uv, "pip", "install", "--quiet", "--python", str(programs / "python"))
    for command in (
        (uv, "venv", "--quiet", "--python", python, str(folder)),
        (*into, "--require-hashes", "--requirement", str(PROJECT / "requirements.txt")),
        (*into, "--no-deps", str(wheel)),
    ):
        done = subprocess.run(
            command, env=environment_of_steps(), capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, done.stderr
    return programs
