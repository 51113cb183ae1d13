"""Chooses the program that looks through .blend files: BAT 1 in a Python, or BAT 2 in a Blender.

BAT 2 asks Blender for the files that a file uses, which needs Blender 5.1.1 or later. BAT 1 reads
the file itself.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TRACERS = Path(__file__).parent / "tracers"
#: The add-on's zip has BAT's wheels here. Outside Blender, BAT comes from the Python environment.
_WHEELS = Path(__file__).parents[2] / "wheels"
_FIRST_WITH_BAT_2 = (5, 1, 1)


@dataclass(frozen=True)
class Program:
    command: tuple[str, ...]
    """The command line, to which the program's only argument is added."""
    wheels: tuple[str, ...]


def tracing_program() -> Program:
    """Return the program that fits the Blender in which this runs, or this Python."""
    # Not imported, because bpy does not exist outside Blender.
    bpy: Any = sys.modules.get("bpy")
    if bpy is not None and tuple(bpy.app.version) >= _FIRST_WITH_BAT_2:
        return Program(_in_blender(bpy.app.binary_path), _wheels("2."))
    python = sys.executable if bpy is None else _python_of(bpy.app.binary_path)
    return Program((python, str(_TRACERS / "bat_1.py")), _wheels("1."))


def _python_of(binary: str) -> str:
    """Return Blender's own Python, which is beside the libraries that Blender uses.

    `sys.executable` may be wrong: some Blenders take the first `python3` on the path for their own.
    """
    if not binary:  # Blender as a module
        return sys.executable
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = (Path(sys.prefix, "bin", each) for each in (name, "python3", "python.exe"))
    return next((str(place) for place in places if place.is_file()), sys.executable)


def _in_blender(binary: str) -> tuple[str, ...]:
    script = str(_TRACERS / "bat_2.py")
    if not binary:  # Blender as a module: this Python can import it
        return sys.executable, script
    return binary, "--background", "--factory-startup", "--python", script, "--"


def _wheels(version: str) -> tuple[str, ...]:
    return tuple(str(each) for each in _WHEELS.glob(f"blender_asset_tracer-{version}*.whl"))
