"""What JavaScript is given does what Python's own does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manager_api.job_types.exchange import Operation, Request, ScriptLimits
from manager_api.job_types.javascript_engine import run_javascript
from manager_api.job_types.registry import compiled
from workflows.domain.frames import BadFrameRange, chunk_frames, count_frames
from workflows.domain.job_types import echo_sleep_test, paths, simple_blender_render
from workflows.domain.job_types.definitions import AuthoredTask, SubmittedJob
from workflows.domain.shell_words import shell_words

BUILT_IN = Path(__file__).parent / "built_in"
# Calls one function for each input, and says what it gave, or null if it threw.
CALLING = """
const JOB_TYPE = {};
function compileJob({settings: {call, inputs}, addTask}) {
  const called = {frameChunker, frameCount, shellSplit, ...path}[call];
  const task = author.Task("results", "misc");
  const results = inputs.map((input) => {
    try { return called(...input); } catch (problem) { return null; }
  });
  task.addCommand(author.Command("echo", {results}));
  addTask(task);
}
"""

Compile = Callable[[Path, SubmittedJob], list[AuthoredTask]]


def in_javascript(call: str, inputs: list[list[Any]]) -> list[Any]:
    job = {"settings": {"call": call, "inputs": inputs}, "metadata": {}, "created": "2026-05-01"}
    request = Request(
        operation=Operation.COMPILE,
        file="calling.js",
        folder="",
        scripts={"calling.js": CALLING},
        limits=ScriptLimits(),
        job=job,
        max_tasks=1,
    )
    answer = run_javascript(request, lambda _cpu_s: None)  # no limit of the tests' own process
    assert answer.error == ""
    results: list[Any] = json.loads(answer.tasks[0])["commands"][0]["parameters"]["results"]
    return results


def in_python(function: Callable[..., Any], inputs: list[list[Any]]) -> list[Any]:
    def result(values: list[Any]) -> Any:
        try:
            return function(*values)
        except ValueError:  # BadFrameRange is one, and what shell_words raises
            return None

    assert issubclass(BadFrameRange, ValueError)
    return [result(values) for values in inputs]


numbers = st.integers(-9, 40).map(str)
elements = st.one_of(
    numbers,
    st.builds("{}-{}x{}".format, numbers, numbers, st.integers(0, 9)),
    st.builds("{}-{}".format, numbers, numbers),
    st.builds(" {} .. {}".format, numbers, numbers),
    st.sampled_from(
        ["", " ", "-3", "1 2", "x", "1-2-3", "99999999999", "1-3000000", "-0", "1-3000000x2"]
    ),
)
ranges = st.lists(elements, min_size=1, max_size=5).map(",".join)
path_texts = st.lists(
    st.sampled_from(["/", "\\", "//", "..", ".", "a", "b.c", "C:", "", ".x", "é"]), max_size=7
).map("".join)
shell_texts = st.text(alphabet="ab '\"\\\t\n#", max_size=14)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(ranges, st.integers(-1, 7)).map(list), min_size=20, max_size=40))
def test_frames_are_chunked_alike(inputs: list[list[Any]]) -> None:
    assert in_javascript("frameChunker", inputs) == in_python(chunk_frames, inputs)
    texts = [[text] for text, _ in inputs]
    assert in_javascript("frameCount", texts) == in_python(count_frames, texts)


@settings(max_examples=25, deadline=None)
@given(st.lists(shell_texts.map(lambda text: [text]), min_size=20, max_size=40))
def test_shell_words_are_split_alike(inputs: list[list[Any]]) -> None:
    assert in_javascript("shellSplit", inputs) == in_python(shell_words, inputs)


@pytest.mark.parametrize(
    ("call", "function"),
    [("basename", paths.basename), ("dirname", paths.dirname), ("stem", paths.stem)],
)
@settings(max_examples=15, deadline=None)
@given(st.lists(path_texts.map(lambda text: [text]), min_size=20, max_size=40))
def test_paths_are_taken_apart_alike(
    call: str, function: Callable[[str], str], inputs: list[list[Any]]
) -> None:
    assert in_javascript(call, inputs) == in_python(function, inputs)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(path_texts, max_size=4), min_size=20, max_size=40))
def test_paths_are_joined_alike(inputs: list[list[Any]]) -> None:
    assert in_javascript("join", inputs) == in_python(paths.join, inputs)


RENDER = {
    "frames": "1-10,15",
    "chunk_size": 4,
    "blendfile": "/shots/a.flamenco.blend",
    "format": "PNG",
    "image_file_extension": ".png",
    "fps": 24.0,
    "scene": "Scene",
    "render_output_path": "C:\\out\\{timestamp}\\######",
    "render_output_root": "/out",
    "add_path_components": 0,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"frames": "7", "scene": "", "fps": 0},
        {"format": "OPEN_EXR", "has_previews": True, "fps": 23.976},
        {"format": "OPEN_EXR_MULTILAYER", "has_previews": False},
        {"render_output_path": "//server/share/out/######", "chunk_size": 100},
    ],
)
def test_rendering_as_a_script_makes_the_tasks_of_the_built_in_job_type(
    compile_with: Compile, new_job: Callable[..., SubmittedJob], changes: dict[str, Any]
) -> None:
    job, same_job = new_job(**RENDER | changes), new_job(**RENDER | changes)

    tasks = compile_with(BUILT_IN / "simple_blender_render.js", job)

    assert tasks == compiled(same_job, simple_blender_render.JOB_TYPE)
    assert job.settings == same_job.settings


def test_echoing_as_a_script_makes_the_tasks_of_the_built_in_job_type(
    compile_with: Compile, new_job: Callable[..., SubmittedJob]
) -> None:
    for values in (
        {"message": "olé", "sleep_duration_seconds": 2, "sleep_repeats": 3},
        {"message": ""},
    ):
        tasks = compile_with(BUILT_IN / "echo_sleep_test.js", new_job(**values))

        assert tasks == echo_sleep_test.compile_job(new_job(**values))
