"""Evaluates a job type's settings for an open file. Runs in a background Blender, for pipelines.

`core/scene_asking.py` starts that Blender and reads the answer.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from .core import manager_info
from .core.evaluation import EvaluationFailed, SettingsInUse, evaluate_all, namespace_for
from .core.job_types import JobType, Setting
from .scene_facts import read_scene


def tell(request_file: str, answer_file: str) -> None:
    """Evaluate the settings, and write the answer.

    Args:
        request_file: JSON with `manager`, `job_type`, `job_name` and `settings`.
        answer_file: is written as JSON with `values`, `failures` and `facts`.
    """
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    info = manager_info.from_json(request["manager"])
    job_type = info.job_type(request["job_type"]) if info else None
    if job_type is None:
        raise SystemExit("there is no such job type")
    chosen = request["settings"]
    scene = bpy.data.scenes.get(str(chosen.get("scene"))) or bpy.context.scene
    with bpy.context.temp_override(scene=scene):
        answer = _answer(job_type, chosen, request["job_name"])
    answer["facts"] = dataclasses.asdict(read_scene(scene))
    Path(answer_file).write_text(json.dumps(answer, default=str), encoding="utf-8")


def _answer(job_type: JobType, chosen: Mapping[str, Any], job_name: str) -> "dict[str, Any]":
    failures: dict[str, str] = {}

    def keep(setting: Setting, failure: EvaluationFailed) -> None:
        failures[setting.key] = failure.why

    namespace = namespace_for(
        job_name, Path(bpy.data.filepath), bpy=bpy, C=bpy.context, abspath=bpy.path.abspath
    )
    values = evaluate_all(SettingsInUse(job_type, chosen, namespace), job_type, keep)
    return {"values": values, "failures": failures}
