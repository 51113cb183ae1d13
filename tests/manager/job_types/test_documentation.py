"""The scripts that docs/job-types.md shows do what it says."""

import re
from collections.abc import Callable
from pathlib import Path

from workflows.domain.job_types.definitions import AuthoredTask, SubmittedJob

PAGE = Path(__file__).parents[3] / "docs" / "job-types.md"
Compile = Callable[[Path, SubmittedJob], list[AuthoredTask]]


def shown(language: str) -> str:
    [script] = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(script)


def test_the_example_in_javascript_bakes_and_then_renders(
    tmp_path: Path, compile_with: Compile, new_job: Callable[..., SubmittedJob]
) -> None:
    script = tmp_path / "two_passes.js"
    script.write_text(shown("js"), encoding="utf-8")

    bake, *renders = compile_with(script, new_job(frames="1-12", blendfile="/a.blend"))

    assert [render.name for render in renders] == ["render-1-5", "render-6-10", "render-11,12"]
    assert [render.dependencies for render in renders] == [(1,), (1,), (1,)]
    assert bake.dependencies == ()


def test_the_example_in_python_echoes_the_frames(
    tmp_path: Path, compile_with: Compile, new_job: Callable[..., SubmittedJob]
) -> None:
    script = tmp_path / "echo_the_frames.py"
    script.write_text(shown("python"), encoding="utf-8")

    tasks = compile_with(script, new_job(frames="1-12"))

    assert [task.commands[0].parameters["message"] for task in tasks] == ["1-5", "6-10", "11,12"]
