"""The built-in job types as scripts: what is customised begins as what it was."""

from pathlib import Path
from typing import Any

import pytest

from manager_api.job_types.drafts import draft_job_type, embedded_source
from manager_api.job_types.exchange import ScriptLimits
from manager_api.job_types.registry import BuiltInJobTypes, compiled
from manager_api.job_types.sandbox import Sandbox
from tests.manager.job_types.conftest import CREATED
from workflows.domain.job_types.definitions import CompileError, JobType, SubmittedJob

RENDER = {
    "frames": "1-10",
    "chunk_size": 3,
    "render_output_root": "/render",
    "add_path_components": 0,
    "render_output_path": "/render/sh010/{timestamp}/######",
    "blendfile": "{jobs}/sh010.flamenco.blend",
    "fps": 24.0,
    "format": "PNG",
    "image_file_extension": ".png",
    "has_previews": False,
    "scene": "Scene",
}


def a_job(name: str, settings: dict[str, Any]) -> SubmittedJob:
    job_id = "3c56b7a6-5a2f-4d4e-9f07-0f3a2d1b8c11"
    return SubmittedJob(job_id, "bulería", name, CREATED, settings=dict(settings))


def _built_in(name: str) -> JobType:
    found = BuiltInJobTypes().job_type(name)
    assert found is not None
    return found


def _as_script(name: str, folder: Path) -> JobType:
    source = embedded_source(name)
    assert source is not None
    file = folder / f"{name.replace('-', '_')}.js"
    return draft_job_type(file, source, Sandbox(ScriptLimits))


def test_every_built_in_one_is_there_as_a_script() -> None:
    assert all(embedded_source(each.name) for each in BuiltInJobTypes().job_types())


@pytest.mark.parametrize("name", ["echo-sleep-test", "simple-blender-render"])
def test_clients_are_told_the_same(name: str, tmp_path: Path) -> None:
    assert _as_script(name, tmp_path).as_json() == _built_in(name).as_json()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("echo-sleep-test", {"message": "olé"}),
        (
            "echo-sleep-test",
            {"message": "olé", "sleep_duration_seconds": 3, "sleep_repeats": 4},
        ),
        ("simple-blender-render", RENDER),
        ("simple-blender-render", RENDER | {"frames": "3, 5-10, 47..50", "fps": 23.976}),
        ("simple-blender-render", RENDER | {"format": "OPEN_EXR"}),
        ("simple-blender-render", RENDER | {"cycles_device": "OPTIX"}),
        ("simple-blender-render", RENDER | {"camera": 'left "eye" $& \\ シーン \n \U0001f600'}),
        ("simple-blender-render", RENDER | {"format": "OPEN_EXR", "has_previews": True}),
        ("simple-blender-render", RENDER | {"render_output_path": "C:\\out\\x\\####", "scene": ""}),
    ],
)
def test_the_same_tasks_are_made(name: str, settings: dict[str, Any], tmp_path: Path) -> None:
    job, same_job = a_job(name, settings), a_job(name, settings)

    tasks = compiled(job, _as_script(name, tmp_path))

    assert tasks == compiled(same_job, _built_in(name))
    assert job.settings == same_job.settings


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "FFMPEG"},
        {"frames": "nothing"},
        {"chunk_size": 0},
        {"cycles_device": "ABACUS"},
        {"camera": 7},
    ],
)
def test_the_same_jobs_are_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    name = "simple-blender-render"

    for job_type in (_as_script(name, tmp_path), _built_in(name)):
        with pytest.raises(CompileError):
            compiled(a_job(name, RENDER | changes), job_type)
