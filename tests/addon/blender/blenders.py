"""The Blenders in which the add-on is tested, and functions that run a script in one."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manager_api.cli.blender import clean_environment
from tests.farm.locks import alone

PROJECT = Path(__file__).resolve().parents[3]
LAUNCHER = PROJECT / "worker_host" / "blender_launcher.py"
SCENARIO = Path(__file__).with_name("scenario.py")
TIMEOUT_S = 280


@dataclass(frozen=True)
class Blender:
    name: str
    """A name without spaces. Files and jobs carry it, so that a worker uses the same Blender."""
    command: tuple[str, ...]
    python: str = ""
    """For a Blender that is a Python module: the Python that makes its virtual environment."""
    requirements: str = ""

    def check_is_there(self) -> None:
        """Check that Blender exists; install a missing module, which takes a minute or two."""
        program = Path(self.command[0])
        if not self.python:
            assert program.exists(), f"There is no {program}: bash .ci/system-packages"
            return
        with alone(PROJECT):
            self._install(program.parents[1])

    def _install(self, folder: Path) -> None:
        if (folder / ".installed").exists():
            return
        subprocess.run([self.python, "-m", "venv", "--clear", folder], check=True)
        pip = (self.command[0], "-m", "pip", "install", "--quiet", "--require-hashes")
        subprocess.run([*pip, "-r", PROJECT / "deploy" / self.requirements], check=True)
        (folder / ".installed").touch()


def _wheel(name: str, folder: str, python: str, requirements: str) -> Blender:
    executable = str(PROJECT / folder / "bin" / "python")
    return Blender(name, (executable, str(LAUNCHER)), python, requirements)


def python_313() -> str | None:
    """Return a Python 3.13 that runs, if there is one. Only then Blender 5.2 is tested."""
    kept = sorted(Path.home().glob(".pyenv/versions/3.13.*/bin/python3.13"))
    for place in (sys.executable, shutil.which("python3.13"), *map(str, kept)):
        if place and _version_of(place) == "3.13":
            return place
    return None


def _version_of(python: str) -> str:
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    told = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    return told.stdout.strip()


def _python_311() -> str:
    return (sys.executable if sys.version_info[:2] == (3, 11) else None) or "python3.11"


def _blenders() -> tuple[Blender, ...]:
    found = [
        Blender("v34", ("/usr/bin/blender",)),
        _wheel("v45", ".venv-bpy", _python_311(), "requirements-bpy-py311.txt"),
    ]
    if newer := python_313():
        found.append(_wheel("v52", ".venv-bpy313", newer, "requirements-bpy-py313.txt"))
    return tuple(found)


BLENDERS = _blenders()


def build_zip() -> Path:
    """Build the add-on's zip, and return its path."""
    built = subprocess.run(
        [sys.executable, PROJECT / "addon" / "build.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return Path(built.stdout.strip().splitlines()[-1])


def install(zip_file: Path, profile: Path) -> None:
    """Install the zip in a user's profile, which has no other add-on."""
    with zipfile.ZipFile(zip_file) as archive:
        archive.extractall(profile / "scripts" / "addons")


def environment_of(profile: Path) -> dict[str, str]:
    return {
        **clean_environment(os.environ),
        "BLENDER_USER_SCRIPTS": str(profile / "scripts"),
        "BLENDER_USER_CONFIG": str(profile / "config"),
        "XDG_CACHE_HOME": str(profile / "cache"),
        "USER": "artist",
        "LOGNAME": "artist",
    }


def run_scenario(
    blender: Blender, profile: Path, given: dict[str, Any], scenario: Path = SCENARIO
) -> dict[str, Any]:
    """Run a scenario in Blender, and return its findings by the name of the part."""
    question, answer = profile / "given.json", profile / "found.json"
    profile.mkdir(parents=True, exist_ok=True)
    question.write_text(json.dumps({**given, "answer": str(answer)}))
    arguments = ["-b", "--factory-startup", "--python-exit-code", "3", "--python", str(scenario)]
    done = subprocess.run(
        [*blender.command, *arguments, "--", str(question)],
        env=environment_of(profile),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        check=False,
    )
    (profile / "blender.log").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:]
    return dict(json.loads(answer.read_text()))
