"""Tries the programs of tasks: Blender renders a frame, ffmpeg makes a video of two pictures.

They run as in a task (`trial_run`), with the programs and arguments that the farm would use here.
"""

import os
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from activities.process.examining import Check, HangingCalls
from worker_host.doctor.manager import Needs
from worker_host.doctor.trial_run import Tried, tried
from worker_host.processes.environment import clean_environment, find_program
from worker_host.run_spec import Command
from worker_host.settings import HostSettings
from workflows.domain.doctor import Finding, broken, fine, to_look_at

BLENDER, FRAME, DEVICES = "blender", "blender.frame", "blender.devices"
FFMPEG = "ffmpeg"

#: A cold start of Blender from a slow disk takes most of it, in seconds.
WITHIN_S = 180.0
_SLOW_S = 60.0
_WIDTH, _HEIGHT = 64, 36
_DEVICE = "tablao-device:"
#: The scene is Blender's own, of its factory settings: a cube, a lamp and a camera.
_SCENE = f"""
import bpy
render = bpy.context.scene.render
render.engine = "CYCLES"
render.resolution_x, render.resolution_y, render.resolution_percentage = {_WIDTH}, {_HEIGHT}, 100
bpy.context.scene.cycles.samples = 1
bpy.context.scene.cycles.use_denoising = False
preferences = bpy.context.preferences.addons["cycles"].preferences
for kind, *_ in preferences.get_device_types(bpy.context):
    if kind != "NONE":
        for device in preferences.get_devices_for_type(kind) or ():
            if device.type == kind:
                print("{_DEVICE}", kind, device.name)
"""
_VERSION = re.compile(r"Blender \d[^\n(]*")


def program_checks(settings: HostSettings, needs: Needs, calls: HangingCalls) -> list[Check]:
    programs = _Programs(settings, needs, calls)
    return [
        Check((BLENDER, FRAME, DEVICES), programs.blender, WITHIN_S + 30),
        Check((FFMPEG,), programs.ffmpeg, WITHIN_S + 30),
    ]


class _Programs:
    def __init__(self, settings: HostSettings, needs: Needs, calls: HangingCalls) -> None:
        self._settings = settings
        self._needs = needs
        self._calls = calls
        self._tools: Mapping[str, str] = settings.run_settings.tools

    async def blender(self) -> Sequence[Finding]:
        if "blender" not in self._settings.task_types:
            said = "This worker takes no tasks of Blender."
            return [fine(each, said) for each in (BLENDER, FRAME, DEVICES)]
        exe, path = await self._found("blender")
        if not path:
            unknown = "It cannot be tried without Blender."
            return [
                broken(
                    BLENDER,
                    f"There is no Blender here; looked for {self._names('blender')}.",
                    "Install Blender, or set where it is: `blender` in tablao-worker.yaml, or "
                    "`tablao worker-settings set` at the farm.",
                ),
                *(to_look_at(each, unknown, f"See {BLENDER}.") for each in (FRAME, DEVICES)),
            ]
        with self._folder() as folder:
            command = Command("blender-render", self._render(exe, Path(folder)))
            began = time.monotonic()
            result = await self._tried(command, Path(folder))
            took_s = time.monotonic() - began
            why = "" if result.is_completed else _reason(result)
            frame = _judged_frame(why or _why_no_frame(Path(folder)), took_s)
        return [_judged_blender(path, result), frame, _judged_devices(result)]

    async def ffmpeg(self) -> Sequence[Finding]:
        if "ffmpeg" not in self._settings.task_types:
            return [fine(FFMPEG, "This worker takes no tasks of ffmpeg.")]
        exe, path = await self._found("ffmpeg")
        if not path:
            return [
                broken(
                    FFMPEG,
                    f"There is no ffmpeg here; looked for {self._names('ffmpeg')}.",
                    "Install ffmpeg, or set where it is: `ffmpeg` in tablao-worker.yaml.",
                )
            ]
        with self._folder() as folder:
            for number, colour in enumerate(("crimson", "navy"), 1):
                picture = Image.new("RGB", (_WIDTH, _HEIGHT), colour)
                picture.save(os.path.join(folder, f"{number:06}.png"))
            video = os.path.join(folder, "video.mp4")
            parameters = {
                "exe": exe,
                "fps": 24,
                "inputGlob": os.path.join(folder, "*.png"),
                "args": ["-c:v", "h264", "-pix_fmt", "yuv420p", "-y"],
                "outputFile": video,
            }
            result = await self._tried(Command("frames-to-video", parameters), Path(folder))
        if result.is_completed:
            return [fine(FFMPEG, f"{path} has made a video of two pictures.")]
        return [
            broken(
                FFMPEG,
                f"{path} makes no video: {_reason(result)}",
                "Install an ffmpeg with H.264, or set where it is: `ffmpeg` in tablao-worker.yaml.",
            )
        ]

    def _render(self, exe: str, folder: Path) -> Mapping[str, object]:
        return {
            "exe": exe,
            "exeArgs": self._needs.blender_arguments,
            "blendfile": "",
            "argsBefore": ["--factory-startup", "--python-exit-code", "3"],
            "args": [
                *("--python-expr", _SCENE),
                *("-o", f"{folder}/######", "-F", "PNG", "-x", "1", "-f", "1"),
            ],
        }

    async def _tried(self, command: Command, folder: Path) -> Tried:
        settings = self._settings.run_settings
        return await tried([command], folder, settings, self._needs.environment, WITHIN_S)

    def _folder(self) -> "tempfile.TemporaryDirectory[str]":
        # On the disk of runs, as tasks are.
        self._settings.data_dir.mkdir(0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix="doctor-", dir=self._settings.data_dir)

    async def _found(self, kind: str) -> tuple[str, str]:
        """Return the first name of a program that is here, and its path; empty: none is."""

        def look() -> tuple[str, str]:
            environment = clean_environment(os.environ, {}, "")
            for name in self._named(kind):
                tool = self._tools.get(name.removesuffix(".exe"), name)
                if path := find_program(tool, environment):
                    return name, path
            return "", ""

        # A program may be on a storage that hangs.
        return await self._calls.call(f"the program {self._names(kind)}", look)

    def _named(self, kind: str) -> Sequence[str]:
        return self._needs.programs.get(kind) or [kind]

    def _names(self, kind: str) -> str:
        return " or ".join(self._shown(name) for name in self._named(kind))

    def _shown(self, name: str) -> str:
        tool = self._tools.get(name.removesuffix(".exe"))
        return f'"{name}" at {tool}' if tool else f'"{name}"'


def _judged_blender(path: str, result: Tried) -> Finding:
    version = _VERSION.search(result.log)
    if version is None and not result.is_completed:
        return broken(
            BLENDER,
            f"{path} does not say that it is Blender: {_reason(result)}",
            f"Call `{path} --version` on this machine; install Blender again if it fails.",
        )
    return fine(BLENDER, f"{version[0].strip() if version else 'Blender'} is at {path}.")


def _why_no_frame(folder: Path) -> str:
    """Return why the frame is not there although Blender has ended well; empty: it is there."""
    try:
        with Image.open(folder / "000001.png") as frame:
            frame.load()
            size = frame.size
    except OSError as problem:
        return f"the file that it has written cannot be read ({problem})."
    is_right = size == (_WIDTH, _HEIGHT)
    return "" if is_right else f"its frame has {size[0]} by {size[1]} pixels."


def _judged_frame(why_not: str, took_s: float) -> Finding:
    if why_not:
        return broken(
            FRAME,
            f"Blender has rendered no frame of {_WIDTH} by {_HEIGHT}: {why_not}",
            "Render a frame by hand with this Blender as the host's user, and look at what it "
            "says: drivers, libraries and memory are the usual causes.",
        )
    said = f"Blender has rendered a frame of {_WIDTH} by {_HEIGHT} in {took_s:.1f} s."
    if took_s > _SLOW_S:
        return to_look_at(FRAME, said, "Look what else the machine does, and how fast its disk is.")
    return fine(FRAME, said)


def _judged_devices(result: Tried) -> Finding:
    found = dict.fromkeys(
        line.partition(_DEVICE)[2].strip() for line in result.log.splitlines() if _is_device(line)
    )
    if found:
        return fine(DEVICES, f"Cycles sees {', '.join(found)}.")
    if result.is_completed:
        return fine(DEVICES, "Cycles sees no graphics card, and renders on the processor.")
    return to_look_at(DEVICES, "Which devices Cycles sees is not known.", f"See {FRAME}.")


def _is_device(line: str) -> bool:
    # The scene's own text is in the log, too, as an argument.
    return _DEVICE in line and "print(" not in line


def _reason(result: Tried) -> str:
    words = result.outcome.reason or "it did not say why"
    return f"{words.rstrip('.')}."
