"""The Blenders that the add-on is tested in, and how a script of ours is run in one."""

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manager_api.cli.blender import clean_environment

PROJECT = Path(__file__).resolve().parents[3]
LAUNCHER = PROJECT / "worker_host" / "blender_launcher.py"
SCENARIO = Path(__file__).with_name("scenario.py")
TIMEOUT_S = 280


@dataclass(frozen=True)
class Blender:
    name: str
    """Without spaces; in the names of files and jobs, so that a worker uses the same one."""
    command: tuple[str, ...]
    installed_by: str

    def check_is_there(self) -> None:
        program = Path(self.command[0])
        assert program.exists(), f"There is no {program}: {self.installed_by}"


def _wheel(name: str, folder: str, python: str, requirements: str) -> Blender:
    executable = str(PROJECT / folder / "bin" / "python")
    return Blender(
        name,
        (executable, str(LAUNCHER)),
        f"{python} -m venv {folder} && {folder}/bin/python -m pip install --require-hashes "
        f"-r deploy/{requirements}",
    )


BLENDERS = (
    Blender("v34", ("/usr/bin/blender",), "bash .ci/system-packages"),
    _wheel("v45", ".venv-bpy", "python3.11", "requirements-bpy-py311.txt"),
    _wheel("v52", ".venv-bpy313", "python3.13", "requirements-bpy-py313.txt"),
)


def build_zip() -> Path:
    """The add-on as artists get it."""
    built = subprocess.run(
        [sys.executable, PROJECT / "addon" / "build.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return Path(built.stdout.strip().splitlines()[-1])


def install(zip_file: Path, profile: Path) -> None:
    """Into Blender's folder of a user who has nothing else."""
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


def run_scenario(blender: Blender, profile: Path, given: dict[str, Any]) -> dict[str, Any]:
    """What the scenario found out, by the name of its part."""
    question, answer = profile / "given.json", profile / "found.json"
    profile.mkdir(parents=True, exist_ok=True)
    question.write_text(json.dumps({**given, "answer": str(answer)}))
    arguments = ["-b", "--factory-startup", "--python-exit-code", "3", "--python", str(SCENARIO)]
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
