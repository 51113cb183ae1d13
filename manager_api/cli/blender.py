"""Finds a Blender for the demo: the machine's own, else an installed `bpy` with our launcher."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from manager_api.cli.console import CommandError, note

PROJECT = Path(__file__).resolve().parents[2]
LAUNCHER = PROJECT / "worker_host" / "blender_launcher.py"
#: bpy has wheels only for these Pythons. The requirement is used if there is no pinned list.
BPY_FOR = {(3, 11): "bpy==4.5.*", (3, 13): "bpy==5.*"}
_LIBRARIES = "libgl1 libsm6 libxi6 libxfixes3 libxrender1 libxkbcommon0 libegl1"


def find_or_install(environment: Mapping[str, str], folder: Path) -> Path:
    """Return Blender's executable, and install bpy if there is none.

    Args:
        environment: This process's environment; its `TABLAO_BLENDER` takes precedence.
        folder: The folder in which bpy is installed.

    Raises:
        CommandError: There is no Blender, and bpy cannot be installed.
    """
    return find(environment) or install(folder)


def find(environment: Mapping[str, str]) -> Path | None:
    """Return the Blender that `TABLAO_BLENDER` names, else the one on PATH; None if there is none.

    Raises:
        CommandError: The named Blender does not exist, or the Blender does not run.
    """
    named = environment.get("TABLAO_BLENDER")
    found = shutil.which(named or "blender", path=_path_without_venv(environment))
    if found is None:
        if named:
            raise CommandError(f"TABLAO_BLENDER says {named}, and there is no such program.")
        return None
    check_runs(Path(found))
    return Path(found)


def _path_without_venv(environment: Mapping[str, str]) -> str:
    own = Path(sys.prefix) / "bin"
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if folder and Path(folder) != own)


def install(folder: Path, run: Callable[[list[str]], None] | None = None) -> Path:
    """Install bpy in a virtual environment, unless it is there already; return its launcher.

    Raises:
        CommandError: No Python fits bpy's wheels, pip failed, or bpy does not run.
    """
    launcher, done = folder / "bin" / "blender", folder / ".installed"
    if not done.exists():
        python, version = python_with_wheel()
        note(f"No Blender found: installing its Python module in {folder} (about 400 MB, once).")
        step = run or _run
        step([python, "-m", "venv", "--clear", str(folder)])
        step([str(folder / "bin" / "python"), "-m", "pip", "install", *requirement(version)])
        done.touch()
    _write_launcher(launcher, folder / "bin" / "python")
    check_runs(launcher)
    return launcher


def python_with_wheel(
    version: tuple[int, int] = (sys.version_info.major, sys.version_info.minor),
) -> tuple[str, tuple[int, int]]:
    """Return a Python for which bpy has a wheel, and its version.

    Raises:
        CommandError: This machine has no such Python.
    """
    if version in BPY_FOR:
        return sys.executable, version
    for major, minor in BPY_FOR:
        if other := shutil.which(f"python{major}.{minor}"):
            return other, (major, minor)
    raise CommandError(
        f"There is no Blender on this machine, and Blender's Python module is not made for Python "
        f"{version[0]}.{version[1]}, only for 3.11 and 3.13. Install Blender, or one of these "
        "Pythons, or say where Blender is with TABLAO_BLENDER."
    )


def requirement(version: tuple[int, int], project: Path = PROJECT) -> list[str]:
    """Return pip's arguments for installing bpy: the pinned list, if there is one."""
    pinned = project / "deploy" / f"requirements-bpy-py{version[0]}{version[1]}.txt"
    if pinned.is_file():
        return ["--require-hashes", "--requirement", str(pinned)]
    return [BPY_FOR[version]]


def check_runs(blender: Path) -> None:
    """Check that Blender starts.

    Raises:
        CommandError: It does not start.
    """
    try:
        # Some Blenders use the first python3 on PATH as their own, even a virtual environment's.
        answer = subprocess.run(
            [blender, "--version"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=clean_environment(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise CommandError(f"{blender} does not run: {problem}.") from problem
    if answer.returncode != 0:
        words = (answer.stderr or answer.stdout).strip().splitlines()
        hint = (
            f" On Debian: apt-get install {_LIBRARIES}."
            if "cannot open shared" in str(words)
            else ""
        )
        raise CommandError(
            f"{blender} does not run: {words[-1] if words else 'it gave no reason'}.{hint}"
        )


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without variables that would mislead another program's Python."""
    dropped = {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}
    kept = {name: value for name, value in environment.items() if name not in dropped}
    return {**kept, "PATH": _path_without_venv(environment)}


def _write_launcher(path: Path, python: Path) -> None:
    path.write_text(f"#!/bin/sh\nexec '{python}' '{LAUNCHER}' \"$@\"\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def _run(command: list[str]) -> None:
    try:
        # pip shows its own progress.
        subprocess.run(command, check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise CommandError(f"Installing Blender's Python module failed: {problem}.") from problem
