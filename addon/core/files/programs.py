"""Which program looks through .blend files: BAT 1 in a Python, or BAT 2 in a Blender.

BAT 2 asks Blender what a file uses, which Blender answers from 5.1.1 on; BAT 1 reads the file.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TRACERS = Path(__file__).parent / "tracers"
#: Beside the add-on's modules, in what is installed in Blender; elsewhere BAT is the environment's.
_WHEELS = Path(__file__).parents[2] / "wheels"
_FIRST_WITH_BAT_2 = (5, 1, 1)


@dataclass(frozen=True)
class Program:
    command: tuple[str, ...]
    """To which its one argument is added."""
    wheels: tuple[str, ...]


def tracing_program() -> Program:
    """For the Blender that we are in, if we are in one."""
    # Never imported here: outside Blender it is not there.
    bpy: Any = sys.modules.get("bpy")
    if bpy is not None and tuple(bpy.app.version) >= _FIRST_WITH_BAT_2:
        return Program(_in_blender(bpy.app.binary_path), _wheels("2."))
    python = sys.executable if bpy is None else _python_of(bpy.app.binary_path)
    return Program((python, str(_TRACERS / "bat_1.py")), _wheels("1."))


def _python_of(binary: str) -> str:
    """Beside the libraries that Blender uses.

    Some Blenders take whatever `python3` is first on the path for their own.
    """
    if not binary:  # Blender as a module
        return sys.executable
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = (Path(sys.prefix, "bin", each) for each in (name, "python3", "python.exe"))
    return next((str(place) for place in places if place.is_file()), sys.executable)


def _in_blender(binary: str) -> tuple[str, ...]:
    script = str(_TRACERS / "bat_2.py")
    if not binary:  # Blender as a module: our own Python has it
        return sys.executable, script
    return binary, "--background", "--factory-startup", "--python", script, "--"


def _wheels(version: str) -> tuple[str, ...]:
    return tuple(str(each) for each in _WHEELS.glob(f"blender_asset_tracer-{version}*.whl"))
