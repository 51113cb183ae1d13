"""What `simple-blender-render` asks for and what it makes, as Flamenco's clients know it."""

from datetime import datetime
from typing import Any

import pytest

from workflows.domain.frames import count_frames, parse_frames
from workflows.domain.job_types import simple_blender_render
from workflows.domain.job_types.checking import check_settings
from workflows.domain.job_types.definitions import (
    MAX_TASKS,
    AuthoredTask,
    CompileError,
    SubmittedJob,
)
from workflows.domain.job_types.simple_blender_render import JOB_TYPE, compile_job

CREATED = datetime(2006, 1, 2, 15, 4, 5)  # noqa: DTZ001 - local time, as in paths
PYTHON = (
    "import bpy; bpy.context.scene.render.use_file_extension = True; "
    "bpy.context.scene.render.use_overwrite = False; "
    "bpy.context.scene.render.use_placeholder = False"
)
EXR = ["EXR", "MULTILAYER", "OPEN_EXR", "OPEN_EXR_MULTILAYER"]


def job(**changes: Any) -> SubmittedJob:
    """A setting given as None is left out."""
    settings = {
        "frames": "1-10",
        "chunk_size": 3,
        "render_output_root": "/render",
        "add_path_components": 1,
        "render_output_path": "/render/shots/{timestamp}/######",
        "blendfile": "/jobs/scene123.blend",
        "fps": 24.0,
        "format": "PNG",
        "image_file_extension": ".png",
        "has_previews": False,
        "scene": "Scene 1",
        **changes,
    }
    given = {key: value for key, value in settings.items() if value is not None}
    return SubmittedJob("id", "shot 3", JOB_TYPE.name, CREATED, settings=given)


def compiled(**changes: Any) -> list[AuthoredTask]:
    submitted = job(**changes)
    check_settings(JOB_TYPE, submitted.settings)
    return compile_job(submitted)


def video(**changes: Any) -> dict[str, Any]:
    task = compiled(**changes)[-1]
    assert task.name == "preview-video"
    return task.commands[0].parameters


def refusal(**changes: Any) -> str:
    with pytest.raises(CompileError) as refused:
        compiled(**changes)
    return str(refused.value)


# --- tasks ----------------------------------------------------------------------------------------


def test_the_device_is_told_to_cycles_behind_everything_else() -> None:
    arguments = compiled(cycles_device="CUDA")[0].commands[0].parameters["args"]

    assert arguments[-3:] == ["--", "--cycles-device", "CUDA"]
    assert arguments[:-3] == compiled()[0].commands[0].parameters["args"]


def test_a_device_that_cycles_does_not_know_is_refused() -> None:
    assert "CPU, CUDA, OPTIX, HIP, METAL, ONEAPI, not 'ABACUS'" in refusal(cycles_device="ABACUS")


def test_a_camera_is_chosen_before_the_output_in_place_of_those_of_markers() -> None:
    arguments = compiled(camera='left "eye"')[0].commands[0].parameters["args"]

    before = arguments.index("--render-output")
    assert arguments[before - 2] == "--python-expr"
    assert r'bpy.data.objects.get("left \"eye\"")' in arguments[before - 1]
    compile(arguments[before - 1], "expression", "exec")
    assert [*arguments[: before - 2], *arguments[before:]] == (
        compiled()[0].commands[0].parameters["args"]
    )


def test_a_camera_that_is_no_text_is_refused() -> None:
    assert refusal(camera=7) == 'The setting "camera" must be a text.'


def test_each_chunk_is_a_render_task_and_the_video_waits_for_all() -> None:
    tasks = compiled()

    assert [(task.name, task.type, task.priority, task.dependencies) for task in tasks] == [
        ("render-1-3", "blender", 50, ()),
        ("render-4-6", "blender", 50, ()),
        ("render-7-9", "blender", 50, ()),
        ("render-10", "blender", 50, ()),
        ("preview-video", "ffmpeg", 50, (1, 2, 3, 4)),
    ]
    assert [task.steps_total for task in tasks] == [3, 3, 3, 1, 1]


def test_a_render_task_is_one_blender_command() -> None:
    (command,) = compiled()[0].commands

    assert (command.name, command.total_step_count) == ("blender-render", 3)
    assert command.parameters == {
        "exe": "{blender}",
        "exeArgs": "{blenderArgs}",
        "argsBefore": [],
        "blendfile": "/jobs/scene123.blend",
        "args": [
            "--scene",
            "Scene 1",
            "--python-expr",
            PYTHON,
            "--render-output",
            "/render/shots/2006-01-02_150405/######",
            "--render-format",
            "PNG",
            "--render-frame",
            "1..3",
        ],
    }


@pytest.mark.parametrize("scene", [None, ""])
def test_without_a_scene_blender_renders_the_active_one(scene: str | None) -> None:
    args = compiled(scene=scene)[0].commands[0].parameters["args"]

    assert args[0] == "--python-expr"


def test_the_video_task_is_one_ffmpeg_command() -> None:
    (command,) = compiled()[-1].commands

    assert (command.name, command.total_step_count) == ("frames-to-video", 0)
    assert command.parameters == {
        "exe": "ffmpeg",
        "fps": 24,
        "inputGlob": "/render/shots/2006-01-02_150405/*.png",
        "outputFile": "/render/shots/2006-01-02_150405/scene123-1-10.mp4",
        "args": [
            "-c:v",
            "h264",
            "-crf",
            "20",
            "-g",
            "18",
            "-vf",
            "pad=ceil(iw/2)*2:ceil(ih/2)*2",
            "-pix_fmt",
            "yuv420p",
            "-r",
            24,
            "-y",
        ],
    }


def test_chunks_of_several_ranges_are_written_in_blenders_notation() -> None:
    tasks = compiled(frames="0-12,34-56,78-90", chunk_size=20)

    renders = [(task.commands[0].parameters["args"][-1], task.steps_total) for task in tasks[:-1]]
    assert renders == [("0..12,34..40", 20), ("41..56,78..81", 20), ("82..90", 9)]
    assert tasks[-1].commands[0].parameters["outputFile"].endswith("/scene123-0-90.mp4")


@pytest.mark.parametrize(
    ("frames", "name"),
    [("1-10", "1-10"), ("1..10", "1..10"), ("7", "7"), ("9, 3-5", "3-9"), ("5,5", "5-5")],
)
def test_the_video_is_named_after_its_frames(frames: str, name: str) -> None:
    assert video(frames=frames)["outputFile"].endswith(f"/scene123-{name}.mp4")


@pytest.mark.parametrize(
    ("blendfile", "stem"),
    [
        ("/jobs/a.flamenco.blend", "a"),
        ("/jobs/a.b.blend", "a.b"),
        ("{jobs}/x/Ünïcode 🎬.blend", "Ünïcode 🎬"),
        ("R:\\jobs\\a.blend", "a"),
    ],
)
def test_the_video_is_named_after_the_blend_file(blendfile: str, stem: str) -> None:
    assert video(blendfile=blendfile)["outputFile"].endswith(f"/{stem}-1-10.mp4")


# --- the output path ------------------------------------------------------------------------------


def test_the_output_path_that_was_used_is_stored() -> None:
    submitted = job(render_output_path="/r/{timestamp}/{else}/######")

    compile_job(submitted)

    path = submitted.settings["render_output_path"]
    assert path == "/r/2006-01-02_150405/{else}/######"


@pytest.mark.parametrize(
    ("path", "in_commands"),
    [
        ("R:\\shots\\######", "R:/shots/######"),
        ("\\\\server\\share\\######", "//server/share/######"),
        ("{render}/a//./b/../######", "{render}/a/######"),
        ("######", "######"),
    ],
)
def test_commands_get_a_tidy_path_with_forward_slashes(path: str, in_commands: str) -> None:
    submitted = job(render_output_path=path)

    tasks = compile_job(submitted)

    args = tasks[0].commands[0].parameters["args"]
    assert args[args.index("--render-output") + 1] == in_commands
    assert submitted.settings["render_output_path"] == path


# --- when there is a video ------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [None, 0, 0.0])
def test_without_frame_rate_there_is_no_video(fps: float | None) -> None:
    assert [task.type for task in compiled(fps=fps)] == ["blender"] * 4


def test_a_broken_frame_rate_stays_broken() -> None:
    parameters = video(fps=23.976)

    assert parameters["fps"] == 23.976
    assert parameters["args"][-2] == 23.976


@pytest.mark.parametrize("image_format", EXR)
def test_exr_makes_a_video_only_of_previews(image_format: str) -> None:
    extension = ".exr"

    without = compiled(format=image_format, image_file_extension=extension)
    with_previews = video(format=image_format, image_file_extension=extension, has_previews=True)

    assert without[-1].type == "blender"
    assert with_previews["inputGlob"] == "/render/shots/2006-01-02_150405/*.jpg"


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("video_format", ["FFMPEG", "AVI_RAW", "AVI_JPEG"])
def test_video_formats_are_refused(video_format: str) -> None:
    assert video_format in refusal(format=video_format)


@pytest.mark.parametrize(
    "key",
    ["frames", "chunk_size", "render_output_path", "blendfile", "format", "image_file_extension"],
)
def test_a_setting_that_compiling_needs_must_be_there(key: str) -> None:
    assert refusal(**{key: None}) == f'The setting "{key}" is missing.'


def test_null_counts_as_missing() -> None:
    submitted = job()
    submitted.settings["frames"] = None

    with pytest.raises(CompileError, match='"frames" is missing'):
        check_settings(JOB_TYPE, submitted.settings)


@pytest.mark.parametrize("key", ["render_output_root", "add_path_components", "scene", "fps"])
def test_a_script_may_omit_what_compiling_does_not_need(key: str) -> None:
    assert compiled(**{key: None})


def test_the_extension_may_be_missing_when_there_is_no_video() -> None:
    assert compiled(image_file_extension=None, fps=None)


def test_an_empty_output_path_is_refused() -> None:
    assert "render_output_path" in refusal(render_output_path="")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("frames", 47),
        ("frames", ["1-10"]),
        ("chunk_size", "3"),
        ("chunk_size", 3.5),
        ("chunk_size", True),
        ("chunk_size", 2**31),
        ("chunk_size", float("nan")),
        ("add_path_components", {}),
        ("fps", "24"),
        ("fps", float("inf")),
        ("fps", 10**400),
        ("has_previews", 1),
        ("blendfile", 0),
        ("scene", False),
    ],
)
def test_a_setting_of_the_wrong_type_is_refused(key: str, value: Any) -> None:
    sentence = refusal(**{key: value})

    assert sentence.startswith(f'The setting "{key}" must be ')
    assert len(sentence) < 150


def test_a_whole_float_is_a_whole_number() -> None:
    assert len(compiled(chunk_size=5.0)) == 3


def test_settings_that_nobody_declared_are_kept() -> None:
    submitted = job(of_the_studio={"x": 1})

    check_settings(JOB_TYPE, submitted.settings)
    compile_job(submitted)

    assert submitted.settings["of_the_studio"] == {"x": 1}


@pytest.mark.parametrize("frames", ["", "1-", "10-1", "1,,3", "1-999999999", "abc"])
def test_bad_frames_are_refused(frames: str) -> None:
    assert refusal(frames=frames).endswith(".")


@pytest.mark.parametrize("size", [0, -3])
def test_a_chunk_has_at_least_one_frame(size: int) -> None:
    assert refusal(chunk_size=size) == f"A chunk needs at least 1 frame, not {size}."


def test_too_many_tasks_are_refused_with_advice_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object) -> list[str]:
        raise AssertionError

    monkeypatch.setattr(simple_blender_render, "chunk_frames", never)

    sentence = refusal(frames=f"1-{MAX_TASKS}", chunk_size=1)

    assert "choose a larger chunk size" in sentence


# --- what clients are told ------------------------------------------------------------------------


def test_settings_are_flamencos() -> None:
    told = JOB_TYPE.as_json()

    assert (told["name"], told["label"]) == ("simple-blender-render", "Simple Blender Render")
    without_prose = [
        {key: value for key, value in setting.items() if key not in {"description", "eval"}}
        for setting in told["settings"]
    ]
    web = {"visible": "web", "required": True}
    assert without_prose == [
        {
            "key": "frames",
            "type": "string",
            "required": True,
            "evalInfo": {"showLinkButton": True, "description": "Scene frame range"},
        },
        {"key": "chunk_size", "type": "int32", "default": 1, "visible": "submission"},
        {
            "key": "render_output_root",
            "type": "string",
            "subtype": "dir_path",
            "required": True,
            "visible": "submission",
        },
        {
            "key": "add_path_components",
            "type": "int32",
            "required": True,
            "default": 0,
            "propargs": {"min": 0, "max": 32},
            "visible": "submission",
        },
        {
            "key": "render_output_path",
            "type": "string",
            "subtype": "file_path",
            "editable": False,
        },
        {"key": "blendfile", "type": "string", **web},
        {"key": "fps", "type": "float", "visible": "hidden"},
        {"key": "format", "type": "string", **web},
        {"key": "image_file_extension", "type": "string", "required": True, "visible": "hidden"},
        {"key": "has_previews", "type": "bool", "visible": "hidden"},
        {"key": "scene", "type": "string", **web},
    ]


def test_every_expression_is_python() -> None:
    expressions = [setting.eval for setting in JOB_TYPE.settings if setting.eval]

    assert len(expressions) == 7
    for expression in expressions:
        compile(expression, "<eval>", "eval")


# --- size -----------------------------------------------------------------------------------------


def test_a_hundred_thousand_frames_make_as_many_tasks() -> None:
    frames = "1-99999,200000"

    tasks = compiled(frames=frames, chunk_size=1)

    renders = [task.commands[0].parameters["args"][-1] for task in tasks[:-1]]
    assert list(map(int, renders)) == parse_frames(frames)
    assert tasks[-1].dependencies == tuple(range(1, count_frames(frames) + 1))
