"""Commands are finished so that Blender and FFmpeg can carry them out, for every job type."""

from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import pytest

from workflows.domain.blender_arguments import frames_of
from workflows.domain.frames import parse_frames
from workflows.domain.job_types.definitions import (
    AuthoredCommand,
    AuthoredTask,
    CompileError,
    SubmittedJob,
)
from workflows.domain.job_types.finishing import LONGEST_LIST, LONGEST_NAME, finished
from workflows.domain.job_types.simple_blender_render import compile_job

CREATED = datetime(2006, 1, 2, 15, 4, 5)  # noqa: DTZ001 - local time, as in paths


def job(**changes: Any) -> SubmittedJob:
    settings = {
        "frames": "1-4",
        "chunk_size": 100_000,
        "render_output_path": "/out [1]/a/####",
        "blendfile": "/shots/sh010/anim.blend",
        "fps": 24.0,
        "format": "PNG",
        "image_file_extension": ".png",
        **changes,
    }
    return SubmittedJob("id", "shot", "simple-blender-render", CREATED, settings=settings)


def built_in(**changes: Any) -> list[AuthoredTask]:
    """The finished tasks of the built-in job type."""
    submitted = job(**changes)
    return finished(submitted, compile_job(submitted))


def scripted(arguments: list[Any], glob: str = "", *, name: str = "video", steps: int = 0) -> Any:
    """The finished tasks of a script: one that renders, and one for the video if there is one."""
    render = AuthoredCommand("blender-render", {"args": arguments}, steps)
    tasks = [AuthoredTask("render", "blender", (render,))]
    if glob:
        video = AuthoredCommand("frames-to-video", {"inputGlob": glob})
        tasks.append(AuthoredTask(name, "ffmpeg", (video,), (1,)))
    return finished(job(), tasks)


def arguments_of(task: AuthoredTask) -> list[Any]:
    found: list[Any] = task.commands[0].parameters["args"]
    return found


def value_of(task: AuthoredTask, option: str) -> Any:
    arguments = arguments_of(task)
    return arguments[arguments.index(option) + 1]


# --- formats --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("TARGA", "TGA"),
        ("TARGA_RAW", "RAWTGA"),
        ("JPEG2000", "JP2"),
        ("PNG", "PNG"),
        ("OPEN_EXR_MULTILAYER", "OPEN_EXR_MULTILAYER"),
        ("TGA", "TGA"),
    ],
)
def test_formats_have_the_names_that_the_command_line_knows(form: str, told: str) -> None:
    assert value_of(built_in(format=form)[0], "--render-format") == told
    assert arguments_of(scripted(["-F", form, "-f", "1"])[0])[:2] == ["-F", told]


def test_arguments_for_scripts_are_theirs() -> None:
    theirs = ["-f", "1", "--", "-F", "TARGA", "-o", "//x", "-f", "9999999"]

    assert arguments_of(scripted(theirs)[0]) == theirs


# --- paths ----------------------------------------------------------------------------------------


def test_an_output_beside_the_blend_file_is_the_same_for_blender_and_ffmpeg() -> None:
    render, video = built_in(render_output_path="//relout/####")

    assert value_of(render, "--render-output") == "/shots/sh010/relout/####"
    parameters = video.commands[0].parameters
    assert parameters["inputGlob"] == "/shots/sh010/relout/*.png"
    assert parameters["outputFile"] == "/shots/sh010/relout/anim-1-4.mp4"
    assert parameters["frameFiles"] == "/shots/sh010/relout/####.png"


def test_a_server_is_named_to_blender_with_backslashes() -> None:
    render, video = built_in(render_output_path="\\\\nas\\share\\out\\####")

    assert value_of(render, "--render-output") == "\\\\nas\\share\\out\\####"
    assert video.commands[0].parameters["inputGlob"] == "//nas/share/out/*.png"
    assert video.commands[0].parameters["frames"] == "1-4"


def test_without_a_blend_file_two_slashes_stay() -> None:
    render, _ = built_in(render_output_path="//relout/####", blendfile="")

    assert value_of(render, "--render-output") == "//relout/####"


@pytest.mark.parametrize("output", ["/out/a\nb/####", "/out/\r####", "/out/a\tb####"])
def test_an_output_path_is_one_line(output: str) -> None:
    with pytest.raises(CompileError, match=r"An output path has no line breaks or tabs"):
        built_in(render_output_path=output)


# --- frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", ["1048575", "5,1048500-1048600", "2147483647", "-1048575"])
def test_frames_that_blender_does_not_have_are_refused(frames: str) -> None:
    with pytest.raises(CompileError, match=r"Blender has no frame .* its frames end at 1,048,574"):
        built_in(frames=frames, chunk_size=1_000_000)


def test_blenders_last_frame_is_rendered() -> None:
    assert value_of(built_in(frames="1048574")[0], "--render-frame") == "1048574"


@pytest.mark.parametrize(
    ("frames", "arguments"),
    [
        ("-3", ["--frame-end", "0", "--render-frame", "-4"]),
        ("-3-2", ["--frame-end", "0", "--render-frame", "-4..2"]),
        ("-9--7,-5,3", ["--frame-end", "0", "--render-frame", "-10..-8,-6,3"]),
        ("1-9x4", ["--render-frame", "1,5,9"]),
        ("-4-4x4", ["--frame-end", "0", "--render-frame", "-5,0,4"]),
        ("3,5-8,20-22", ["--render-frame", "3,5..8,20..22"]),
    ],
)
def test_frames_are_told_to_blender(frames: str, arguments: list[str]) -> None:
    task = built_in(frames=frames, fps=0)[0]

    assert arguments_of(task)[-len(arguments) :] == arguments
    assert frames_of(arguments) == parse_frames(frames)
    assert task.steps_total == len(parse_frames(frames))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("..3..1", "-4..1"),
        ("..3....1,7", "-4..-2,7"),
        ("..3--1", "-4..-2"),
        ("..3,-1", "-4,-2"),
    ],
)
def test_negative_frames_of_scripts_are_understood(written: str, told: str) -> None:
    [task] = scripted(["-b", "-f", written])

    assert arguments_of(task) == ["-b", "--frame-end", "0", "--render-frame", told]


@pytest.mark.parametrize("frames", ["-1", "+1", "1,-1", "1..-1", "-3..-1", "x", "", 7])
def test_what_only_blender_understands_stays(frames: Any) -> None:
    assert arguments_of(scripted(["-f", frames])[0]) == ["-f", frames]


def test_a_range_with_a_hyphen_is_told_to_blender_in_its_way() -> None:
    assert value_of(scripted(["-f", "9,20..22,30-33"])[0], "--render-frame") == "9,20..22,30..33"


def test_a_long_list_of_frames_is_cut_into_commands() -> None:
    frames = ",".join(map(str, range(1, 80_001, 2)))

    render, video = built_in(frames=frames)

    lists = [command.parameters["args"][-1] for command in render.commands]
    assert len(lists) > 10
    assert max(map(len, lists)) <= LONGEST_LIST
    assert [frame for text in lists for frame in frames_of(["-f", text]) or ()] == [
        *range(1, 80_001, 2)
    ]
    assert render.steps_total == 40_000
    assert len(render.name) == LONGEST_NAME
    assert render.name.startswith("render-1,3,5,7,")
    assert render.name.endswith(",79995,79997,79999")
    assert parse_frames(video.commands[0].parameters["frames"]) == [*range(1, 80_001, 2)]


def test_a_list_that_is_not_long_is_one_command() -> None:
    task = built_in(frames=",".join(map(str, range(1, 2_000, 2))), fps=0)[0]

    assert len(task.commands) == 1


# --- videos ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "####.png"),
        ({"render_output_path": "/o/fan-##.PNG"}, "fan-##.PNG"),
        ({"render_output_path": "/o/x"}, "x####.png"),
        ({"format": "JPEG", "image_file_extension": ".jpeg"}, "####.jpg"),
        ({"format": "TIFF", "image_file_extension": ".tif"}, "####.tif"),
        ({"format": "OPEN_EXR", "image_file_extension": ".exr", "has_previews": True}, "####.jpg"),
        ({"frames": "1,3,10", "chunk_size": 1}, "####.png"),
    ],
)
def test_a_preview_knows_its_frames(changes: dict[str, Any], name: str) -> None:
    parameters = built_in(**changes)[-1].commands[0].parameters

    assert parameters["frameFiles"].rpartition("/")[2] == name
    assert parameters["frames"] == changes.get("frames", "1-4")
    assert parameters["mayFail"] is True


def test_brackets_of_the_folder_are_escaped_for_workers_that_read_the_pattern() -> None:
    parameters = built_in(render_output_path="/o [1]*/{a}?/##")[-1].commands[0].parameters

    assert parameters["inputGlob"] == "/o [[]1][*]/{a}[?]/*.png"
    assert parameters["frameFiles"] == "/o [1]*/{a}?/##.png"
    assert fnmatchcase("/o [1]*/{a}?/01.png", parameters["inputGlob"])


@pytest.mark.parametrize("form", ["HDR", "CINEON", "IRIS"])
def test_no_preview_is_planned_of_what_ffmpeg_cannot_read(form: str) -> None:
    assert [task.type for task in built_in(format=form)] == ["blender"]


@pytest.mark.parametrize(
    ("arguments", "glob", "known"),
    [
        (["-o", "/o/##", "-F", "PNG", "-f", "1..3"], "/o/*.png", {"1-3": "##.png"}),
        (["-o", "/o/##", "-f", "1..3"], "/o/*.png", {"1-3": "##.png"}),
        (["-o", "/o/##", "-F", "PNG", "-f", "1"], "/o/[0-9]*.png", {"1": "##.png"}),
        (["-o", "/o/##", "-F", "OPEN_EXR", "-f", "1"], "/o/*.jpg", {"1": "##.jpg"}),
        (["-o", "/o/./##", "-F", "PNG", "-f", "1"], "/o//*.png", {"1": "##.png"}),
        # Frames that the commands do not name are those of the settings.
        (["-o", "/o/##", "-F", "PNG", "-a"], "/o/*.png", {"1-4": "##.png"}),
        (["-o", "/o/##", "-F", "PNG", "-f", "5..3,7"], "/o/*.png", {"7": "##.png"}),
        # These videos are of other files.
        (["-o", "/o/##", "-F", "PNG", "-f", "1"], "/o/*_L.png", {}),
        (["-o", "/o/##", "-F", "PNG", "-f", "1"], "/comp/*.png", {}),
        (["-o", "/o/##", "-F", "PNG", "-f", "1"], "/o/*.jpg", {}),
        (["-f", "1"], "/o/*.png", {}),
    ],
)
def test_videos_of_scripts_know_their_frames(
    arguments: list[str], glob: str, known: dict[str, str]
) -> None:
    parameters = scripted(arguments, glob)[1].commands[0].parameters

    files = parameters.get("frameFiles", "").rpartition("/")[2]
    assert ({parameters["frames"]: files} if files else {}) == known
    assert parameters["inputGlob"] == glob
    assert "mayFail" not in parameters


def test_a_scripts_preview_may_fail_unless_a_task_waits_for_it() -> None:
    _, video = scripted(["-f", "1"], "/o/*.png", name="preview-video")
    upload = AuthoredTask("upload", "misc", (), (2,))

    _, waited_for, _ = finished(job(), [*scripted(["-f", "1"], "/o/*", name="x"), upload])

    assert video.commands[0].parameters["mayFail"] is True
    assert "mayFail" not in waited_for.commands[0].parameters


def test_what_a_script_says_itself_counts() -> None:
    own = {"inputGlob": "/o/*.png", "frames": "7", "frameFiles": "/o/x#.png", "mayFail": False}
    render = AuthoredCommand("blender-render", {"args": ["-o", "/o/#", "-F", "PNG", "-f", "1"]})
    video = AuthoredTask("preview-video", "ffmpeg", (AuthoredCommand("frames-to-video", own),))

    _, done = finished(job(), [AuthoredTask("render", "blender", (render,)), video])

    assert done.commands[0].parameters == own


@pytest.mark.parametrize("parameters", [{}, {"args": "-f 1"}, {"args": [None, 3, True]}])
def test_odd_parameters_of_scripts_stay(parameters: dict[str, Any]) -> None:
    command = AuthoredCommand("blender-render", parameters)
    tasks = [
        AuthoredTask("a", "blender", (command,)),
        AuthoredTask("b", "ffmpeg", (AuthoredCommand("frames-to-video", {"inputGlob": 3}),)),
    ]

    assert finished(job(), tasks) == tasks
