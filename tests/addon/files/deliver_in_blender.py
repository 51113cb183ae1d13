"""Delivers a file as the add-on does, with the modules of the add-on's zip. A Blender runs this.

The last argument is a JSON object: `addon` (the folder where the zip was unpacked), `route`,
`manager`, `location`, `blendfile`, `project_root`, `cache` and `answer` (the file for the result).
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import bpy

ASKED = json.loads(sys.argv[-1])
sys.path.append(ASKED["addon"])

# The path comes first, and only there is the zip's content.
from tablao.core import files  # noqa: E402
from tablao.core.manager import Manager  # noqa: E402


@dataclass(frozen=True)
class Storage:
    location: str
    shaman_enabled: bool


def main() -> None:
    steps: list[str] = []
    asked = {name: Path(ASKED[name]) for name in ("blendfile", "project_root")}
    delivered = files.deliver(
        files.Route[ASKED["route"]],
        manager=Manager(ASKED["manager"]),
        storage=Storage(ASKED["location"], ASKED["route"] == "SHAMAN"),
        job_name=ASKED["job_name"],
        progress=lambda step, _done, _total: steps.append(step),
        is_canceled=lambda: False,
        cache_folder=Path(ASKED["cache"]),
        **asked,
    )
    answer = {
        "blendfile": delivered.blendfile,
        "checkout": delivered.shaman_checkout_id,
        "steps": list(dict.fromkeys(steps)),
        "missing": [missing.path for missing in files.missing_files(asked["blendfile"])],
        "bat_modules": [name for name in sys.modules if name.startswith("blender_asset_tracer")],
        "path": sys.path,
        "blender": bpy.app.version_string,
    }
    Path(ASKED["answer"]).write_text(json.dumps(answer))


main()
