"""Lets a background Blender open a file and evaluate the expressions of a job type there."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checks import SceneFacts
from .findings import Finding, NotSubmittable
from .job_types import JobType
from .manager_info import ManagerInfo, to_json
from .progress import Canceled, IsCanceled
from .setting_values import Value

_WITHIN_S = 600.0
_LOOK_EVERY_S = 0.1
_LAST_LINES = 5
_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Told:
    values: Mapping[str, Value]
    failures: Mapping[str, str]
    """The reasons why settings have no value, by key."""
    facts: SceneFacts


def ask_blender(
    blender: str,
    blendfile: Path,
    info: ManagerInfo,
    job_type: JobType,
    settings: Mapping[str, Any],
    job_name: str,
    is_canceled: IsCanceled,
) -> Told:
    """Evaluate a job type's settings in a background Blender.

    Args:
        blender: the program's path or name.
        settings: the values that the caller chose; they are not evaluated.

    Raises:
        NotSubmittable: there is no such program, or it gives no answer about the file.
        Canceled: `is_canceled` returned True.
    """
    program = shutil.which(blender)
    if program is None:
        raise _refusal(f"There is no program {blender}", "Say where Blender is")
    request = {
        "manager": to_json(info),
        "job_type": job_type.name,
        "job_name": job_name,
        "settings": dict(settings),
    }
    with tempfile.TemporaryDirectory(prefix="tablao-") as folder:
        asked, answer = Path(folder, "asked.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps(request, default=str), encoding="utf-8")
        said = _run(_command(program, blendfile, asked, answer), Path(folder), is_canceled)
        if not answer.is_file():
            why = " ".join(said.strip().splitlines()[-_LAST_LINES:])
            raise _refusal(
                f"Blender gave no answer about {blendfile.name}: {why}", "Open it yourself"
            )
        told = json.loads(answer.read_text(encoding="utf-8"))
    facts = told["facts"]
    lists = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
    facts |= lists | {"blend_path": blendfile, "is_dirty": False, "missing": ()}
    return Told(told["values"], told["failures"], SceneFacts(**facts))


def _command(program: str, blendfile: Path, asked: Path, answer: Path) -> list[str]:
    # Import it as a module of its package, because modules in it import each other relatively.
    script = (
        f"import sys; sys.path.insert(0, {str(_PACKAGE.parent)!r}); "
        f"from {_PACKAGE.name} import tell_scene; "
        f"tell_scene.tell({str(asked)!r}, {str(answer)!r})"
    )
    options = ["--background", "--factory-startup", "--disable-autoexec"]
    return [program, *options, str(blendfile), "--python-exit-code", "3", "--python-expr", script]


def _run(command: list[str], folder: Path, is_canceled: IsCanceled) -> str:
    """Run Blender, and return its output."""
    output = folder / "output.txt"
    give_up_at = time.monotonic() + _WITHIN_S
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=_environment()
        )
        try:
            while process.poll() is None:
                if is_canceled():
                    raise Canceled
                if time.monotonic() > give_up_at:
                    break
                time.sleep(_LOOK_EVERY_S)
        finally:
            process.kill()
            process.wait()
    return output.read_text(encoding="utf-8", errors="replace")


def _environment() -> dict[str, str]:
    """Return the environment without our Python, which some Blenders would take for their own."""
    ours = {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}
    kept = {name: text for name, text in os.environ.items() if name not in ours}
    programs = Path(sys.prefix, "Scripts" if sys.platform == "win32" else "bin")
    if sys.prefix != sys.base_prefix:
        folders = kept.get("PATH", "").split(os.pathsep)
        kept["PATH"] = os.pathsep.join(each for each in folders if Path(each) != programs)
    return kept


def _refusal(sentence: str, advice: str) -> NotSubmittable:
    return NotSubmittable([Finding("scene-not-told", sentence, advice)])
