"""Job type `simple-blender-render`: frames of a scene in chunks, then a preview video of them.

Source: Flamenco 3.9, down to the order of arguments.
"""

import json
from typing import Any

from workflows.domain.frames import BadFrameRange, chunk_frames, count_chunks, count_frames, ends
from workflows.domain.job_types import paths
from workflows.domain.job_types.checking import missing
from workflows.domain.job_types.definitions import (
    MAX_TASKS,
    AuthoredCommand,
    AuthoredTask,
    CompileError,
    EvalInfo,
    JobType,
    Setting,
    SettingType,
    SubmittedJob,
    Subtype,
    Visible,
)
from workflows.domain.outputs import OUTPUT, TIMESTAMP, timestamp

#: With these formats Blender writes one video file, which cannot be divided among tasks.
VIDEO_FORMATS = frozenset({"FFMPEG", "MPEG", "AVI_RAW", "AVIRAW", "AVI_JPEG", "AVIJPEG"})
#: FFmpeg cannot read these formats, but can read the JPEG previews that Blender may write beside
#: them. These are the names on Blender's command line and those in its data.
EXR_FORMATS = frozenset({"EXR", "MULTILAYER", "OPEN_EXR", "OPEN_EXR_MULTILAYER"})

#: FFmpeg cannot read these formats, or not from a pattern (FFmpeg 5.1).
NOT_FOR_VIDEO = frozenset({"CINEON", "HDR", "IRIS", "IRIZ"})

#: Cycles' names of devices. A task fails on a worker without the device.
DEVICES = ("CPU", "CUDA", "OPTIX", "HIP", "METAL", "ONEAPI")

# Existing frames are skipped, so that a second try of a chunk renders only the missing ones.
# Placeholders would look like finished frames to the second try.
_RENDER_SETUP = "; ".join(
    (
        "import bpy",
        "bpy.context.scene.render.use_file_extension = True",
        "bpy.context.scene.render.use_overwrite = False",
        "bpy.context.scene.render.use_placeholder = False",
    )
)


def compile_job(job: SubmittedJob) -> list[AuthoredTask]:
    """Return the job's tasks, and store the output path in its settings.

    Args:
        job: its settings are checked against `JOB_TYPE` already.

    Raises:
        CompileError: the format is a video, the output path or another setting is missing or
            wrong, or there are too many tasks.
    """
    settings = job.settings
    if settings["format"] in VIDEO_FORMATS:
        raise CompileError(
            f"This job type renders images, not the video format {settings['format']}."
        )
    output = _output_path(job)
    settings["render_output_path"] = output
    try:
        renders = _render_tasks(settings, output)
        video = _video_tasks(settings, output, tuple(range(1, len(renders) + 1)))
    except BadFrameRange as problem:
        raise CompileError(str(problem)) from problem
    return renders + video


def _output_path(job: SubmittedJob) -> str:
    path = job.settings.get(OUTPUT)
    if not path:
        raise missing(OUTPUT)
    return str(path).replace(TIMESTAMP, timestamp(job.created))


def _render_tasks(settings: dict[str, Any], output: str) -> list[AuthoredTask]:
    frames, size = settings["frames"], settings.get("chunk_size")
    if size is None:
        raise missing("chunk_size")
    # Counted first, because making a million chunks takes long.
    if (count := count_chunks(frames, int(size))) >= MAX_TASKS:
        raise CompileError(
            f"This makes {count:,} tasks, and a job has fewer than {MAX_TASKS:,}: "
            "choose a larger chunk size."
        )
    chunks = chunk_frames(frames, int(size))
    arguments, device = _blender_arguments(settings, output), _device_arguments(settings)
    # All chunks but the last are full; counting each chunk's frames again would take longer.
    lefts = range(count_frames(frames), 0, -int(size))
    return [
        _render_task(chunk, min(int(size), left), settings["blendfile"], arguments, device)
        for chunk, left in zip(chunks, lefts, strict=True)
    ]


def _blender_arguments(settings: dict[str, Any], output: str) -> list[str]:
    scene = ["--scene", settings["scene"]] if settings.get("scene") else []
    return [
        *scene,
        *("--python-expr", _RENDER_SETUP),
        *_camera_arguments(settings),
        *("--render-output", paths.join(paths.dirname(output), paths.basename(output))),
        *("--render-format", settings["format"]),
    ]


def _camera_arguments(settings: dict[str, Any]) -> list[str]:
    """Return the arguments that choose the camera, also in place of those that markers bind.

    `camera` is no declared setting, for the reason that `_device_arguments` has.
    """
    camera = settings.get("camera")
    if not camera:
        return []
    if not isinstance(camera, str):
        raise CompileError('The setting "camera" must be a text.')
    name = json.dumps(camera, ensure_ascii=False)
    steps = (
        "import bpy, sys",
        f"camera = bpy.data.objects.get({name})",
        f'camera or sys.exit(print("There is no camera", {name}) or 1)',
        '[setattr(each, "camera", None) for each in bpy.context.scene.timeline_markers]',
        "bpy.context.scene.camera = camera",
    )
    return ["--python-expr", "; ".join(steps)]


def _device_arguments(settings: dict[str, Any]) -> list[str]:
    """Return the arguments for Cycles, which follow all of Blender's.

    `cycles_device` is not a declared setting, because the declared ones are Flamenco's. Our add-on
    sends it, and scripts may send it.
    """
    device = settings.get("cycles_device")
    if not device:
        return []
    if device not in DEVICES:
        raise CompileError(
            f'The setting "cycles_device" must be one of {", ".join(DEVICES)}, not {device!r}.'
        )
    return ["--", "--cycles-device", device]


def _render_task(
    chunk: str, frame_count: int, blendfile: str, arguments: list[str], device: list[str]
) -> AuthoredTask:
    parameters = {
        "exe": "{blender}",
        "exeArgs": "{blenderArgs}",
        "argsBefore": [],
        "blendfile": blendfile,
        "args": [*arguments, "--render-frame", chunk.replace("-", ".."), *device],
    }
    command = AuthoredCommand("blender-render", parameters, frame_count)
    return AuthoredTask(f"render-{chunk}", "blender", (command,))


def _video_tasks(
    settings: dict[str, Any], output: str, dependencies: tuple[int, ...]
) -> list[AuthoredTask]:
    """Return the preview video's task, if FFmpeg can make the video."""
    is_exr = settings["format"] in EXR_FORMATS
    is_readable = settings["format"] not in NOT_FOR_VIDEO
    if not settings.get("fps") or not is_readable or (is_exr and not settings.get("has_previews")):
        return []
    extension = ".jpg" if is_exr else settings.get("image_file_extension")
    if extension is None:
        raise missing("image_file_extension")
    command = _video_command(settings, paths.dirname(output), extension)
    return [AuthoredTask("preview-video", "ffmpeg", (command,), dependencies)]


def _video_command(settings: dict[str, Any], directory: str, extension: str) -> AuthoredCommand:
    fps = _without_zero_fraction(settings["fps"])
    stem = paths.stem(settings["blendfile"]).replace(".flamenco", "", 1)
    name = f"{stem}-{_frames_in_name(settings['frames'])}.mp4"
    parameters = {
        "exe": "ffmpeg",
        "fps": fps,
        "inputGlob": paths.join(directory, f"*{extension}"),
        "outputFile": paths.join(directory, name),
        "args": [
            *("-c:v", "h264"),
            *("-crf", "20"),
            *("-g", "18"),
            # H.264 in yuv420p needs an even width and height.
            *("-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2"),
            *("-pix_fmt", "yuv420p"),
            *("-r", fps),
            "-y",
        ],
    }
    return AuthoredCommand("frames-to-video", parameters)


def _frames_in_name(frames: str) -> str:
    if "," not in frames:
        return frames
    first, last = ends(frames)
    return f"{first}-{last}"


def _without_zero_fraction(number: float) -> float:
    """Return 24 for 24.0, as JavaScript, and so Flamenco, writes it."""
    return int(number) if number == int(number) else number


_SETTINGS = (
    Setting(
        key="frames",
        type=SettingType.STRING,
        required=True,
        eval="f'{C.scene.frame_start}-{C.scene.frame_end}'",
        eval_info=EvalInfo("Scene frame range", show_link_button=True),
        description="Frames to render, such as 47, or 1-30, or 3, 5-10, 47-327",
    ),
    Setting(
        key="chunk_size",
        type=SettingType.INT32,
        default=1,
        visible=Visible.SUBMISSION,
        description="How many frames one task renders",
    ),
    Setting(
        key="render_output_root",
        type=SettingType.STRING,
        subtype=Subtype.DIR_PATH,
        required=True,
        visible=Visible.SUBMISSION,
        description="Directory for the output of all jobs; each gets its own directory in it",
    ),
    Setting(
        key="add_path_components",
        type=SettingType.INT32,
        required=True,
        default=0,
        propargs={"min": 0, "max": 32},
        visible=Visible.SUBMISSION,
        description="How many of the directories above the blend file the output path repeats",
    ),
    Setting(
        key="render_output_path",
        type=SettingType.STRING,
        subtype=Subtype.FILE_PATH,
        editable=False,
        eval="str(Path(abspath(settings.render_output_root), "
        "last_n_dir_parts(settings.add_path_components), jobname, '{timestamp}', '######'))",
        description="Where frames are written; each # is a digit of the frame number",
    ),
    Setting(
        key="blendfile",
        type=SettingType.STRING,
        required=True,
        visible=Visible.WEB,
        description="Blend file to render",
    ),
    Setting(
        key="fps",
        type=SettingType.FLOAT,
        eval="C.scene.render.fps / C.scene.render.fps_base",
        visible=Visible.HIDDEN,
    ),
    Setting(
        key="format",
        type=SettingType.STRING,
        required=True,
        eval="C.scene.render.image_settings.file_format",
        visible=Visible.WEB,
    ),
    Setting(
        key="image_file_extension",
        type=SettingType.STRING,
        required=True,
        eval="C.scene.render.file_extension",
        visible=Visible.HIDDEN,
        description="Extension of the rendered images",
    ),
    Setting(
        key="has_previews",
        type=SettingType.BOOL,
        eval="C.scene.render.image_settings.use_preview",
        visible=Visible.HIDDEN,
        description="Whether Blender also writes JPEG previews",
    ),
    Setting(
        key="scene",
        type=SettingType.STRING,
        required=True,
        eval="C.scene.name",
        visible=Visible.WEB,
        description="Scene to render",
    ),
)

JOB_TYPE = JobType(
    name="simple-blender-render",
    label="Simple Blender Render",
    settings=_SETTINGS,
    compile_job=compile_job,
    # Compiling needs `frames` and `chunk_size` to cut tasks, and `blendfile`, `format` and
    # `render_output_path` for each command line. The other required settings may be missing: the
    # add-on makes `render_output_path` from the first two, Blender itself knows the active scene,
    # and only the video's task needs the extension, and refuses a job without it.
    compiles_without=frozenset(
        {"render_output_root", "add_path_components", "scene", "image_file_extension"}
    ),
)
