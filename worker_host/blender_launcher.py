"""Blender's command line for the `bpy` wheel, for machines without a Blender.

The Python that has the wheel runs it: `python blender_launcher.py -b FILE.blend -f 1..4`. It knows
the arguments that render jobs use. As in Blender, arguments take effect in their order. Messages
and exit codes are Blender's, and Blender itself prints the output of a render. Standard library and
bpy only: none of our packages is installed beside the wheel.
"""

import ctypes
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

import bpy  # only where the wheel is installed

#: Formats that have another name in Blender's Python interface than on its command line.
FORMAT_NAMES = {
    "TGA": "TARGA",
    "RAWTGA": "TARGA_RAW",
    "JP2": "JPEG2000",
    "MULTILAYER": "OPEN_EXR_MULTILAYER",
}


class Quit(Exception):
    """Ends the program without carrying out the remaining arguments."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code


class Option(NamedTuple):
    """One argument of the command line, with the function that carries it out.

    Attributes:
        early: Whether it counts wherever it stands; it is carried out before all other arguments.
    """

    names: tuple[str, ...]
    values: int
    run: Callable[..., None]
    early: bool = False


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    # Blender does not write through Python's buffer. Flushing keeps the lines in their order.
    sys.stdout.flush()


class Session:
    """One run of Blender: the state that the arguments have set so far."""

    def __init__(self) -> None:
        self._python_exit_code = 0
        self._may_run_scripts = False
        self._threads = 0
        self._failed = False

    @property
    def exit_code(self) -> int:
        """The exit code; it is 1 after a failed render, which does not end Blender itself."""
        return 1 if self._failed else 0

    # -- Settings, in force before the first file is opened

    def set_python_exit_code(self, text: str) -> None:
        self._python_exit_code = int(text)

    def allow_scripts(self) -> None:
        self._may_run_scripts = True

    def forbid_scripts(self) -> None:
        self._may_run_scripts = False

    def use_factory_settings(self) -> None:
        bpy.ops.wm.read_factory_settings()

    def set_threads(self, text: str) -> None:
        # Blender keeps this for all scenes, but here it can only be set in a scene. So it is set
        # when a render begins.
        self._threads = int(text)

    # -- Actions, in their order

    def open_file(self, path: str) -> None:
        if path.startswith("-"):
            say(f"unknown argument, loading as file: {path}")
        try:
            bpy.ops.wm.open_mainfile(
                filepath=os.path.abspath(path), use_scripts=self._may_run_scripts
            )
        except RuntimeError:
            # Blender has printed the reason.
            raise Quit(1) from None

    def select_scene(self, name: str) -> None:
        scene = bpy.data.scenes.get(name)
        if scene is None:
            say(f"Can't find scene: '{name}' in file: '{bpy.data.filepath}'")
            return
        say(f"Scene switch for render: '{name}' in file: '{bpy.data.filepath}'")
        for window in bpy.context.window_manager.windows:
            window.scene = scene

    def run_expression(self, source: str) -> None:
        self._run_python(source, "<string>", f"expr: '{source}'")

    def run_file(self, path: str) -> None:
        try:
            with open(path, encoding="utf-8") as file:
                source = file.read()
        except OSError as error:
            why = f'Python file "{path}" could not be opened: {error.strerror}'
            say(f"Error: Python: OSError: {why}")
            self._python_failed(f"file: '{path}'")
            return
        self._run_python(source, path, f"file: '{path}'")

    def _run_python(self, source: str, name: str, what: str) -> None:
        try:
            exec(compile(source, name, "exec"), {"__name__": "__main__", "__file__": name})
        except SystemExit as leave:
            raise Quit(_exit_code(leave)) from None
        except Exception:
            say(f"Error: Python: {traceback.format_exc().rstrip()}")
            self._python_failed(what)

    def _python_failed(self, what: str) -> None:
        if self._python_exit_code:
            say(f"Error: script failed, {what}, exiting.")
            raise Quit(self._python_exit_code)

    def set_output(self, path: str) -> None:
        bpy.context.scene.render.filepath = path

    def set_format(self, name: str) -> None:
        name = FORMAT_NAMES.get(name, name)
        settings = bpy.context.scene.render.image_settings
        # Since Blender 5.0, the available formats depend on the media type.
        media = (
            ("IMAGE", "MULTI_LAYER_IMAGE", "VIDEO") if hasattr(settings, "media_type") else ("",)
        )
        before = getattr(settings, "media_type", "")
        for medium in media:
            try:
                if medium:
                    settings.media_type = medium
                settings.file_format = name
            except TypeError:
                continue
            return
        if before:
            settings.media_type = before
        say("Error: Format from '-F / --render-format' not known or not compiled in this release.")

    def set_engine(self, name: str) -> None:
        try:
            bpy.context.scene.render.engine = name
        except TypeError:
            say(f"Error: engine not found '{name}'")
            raise Quit(1) from None

    def set_first_frame(self, text: str) -> None:
        bpy.context.scene.frame_start = int(text)

    def set_last_frame(self, text: str) -> None:
        bpy.context.scene.frame_end = int(text)

    def set_frame_step(self, text: str) -> None:
        bpy.context.scene.frame_step = int(text)

    def set_use_extension(self, text: str) -> None:
        bpy.context.scene.render.use_file_extension = not text.startswith("0")

    def render_animation(self) -> None:
        scene = bpy.context.scene
        self._render(scene.frame_start, scene.frame_end)

    def render_frames(self, text: str) -> None:
        try:
            ranges = list(frame_ranges(text, bpy.context.scene.frame_end))
        except ValueError:
            say(f"Error: not a number '-f / --render-frame {text}'.")
            return
        for first, last in ranges:
            if last < first:
                say(f"Warning: negative range ignored '-f / --render-frame {text}'.")
            for frame in range(first, last + 1):
                if frame < 0:
                    self._render_negative(frame)
                else:
                    self._render(frame, frame)

    def _render(self, first: int, last: int) -> None:
        """Render as an animation, since only that names files by frame and skips existing ones."""
        scene = bpy.context.scene
        kept = scene.frame_start, scene.frame_end
        if self._threads:
            scene.render.threads_mode, scene.render.threads = "FIXED", self._threads
        scene.frame_start, scene.frame_end = first, last
        try:
            bpy.ops.render.render(animation=True, scene=scene.name)
        except RuntimeError:
            # Blender has printed the reason, and goes on with its next argument.
            self._failed = True
        finally:
            scene.frame_start, scene.frame_end = kept

    def _render_negative(self, frame: int) -> None:
        """Render a still, named as a frame: no animation begins below frame 0."""
        scene = bpy.context.scene
        scene.frame_set(frame)
        path, kept = scene.render.frame_path(frame=frame), scene.render.filepath
        if os.path.exists(path) and not scene.render.use_overwrite:
            say(f'skipping existing frame "{path}"')
            return
        scene.render.filepath = path
        try:
            bpy.ops.render.render(write_still=True, scene=scene.name)
        except RuntimeError:
            self._failed = True
        finally:
            scene.render.filepath = kept


def _exit_code(leave: SystemExit) -> int:
    if leave.code is None:
        return 0
    return leave.code if isinstance(leave.code, int) else 1


def frame_ranges(text: str, end: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last frame of each part of a list such as `1,3..5`.

    Args:
        text: A number with a minus sign is counted back from `end`; -1 is `end` itself.
        end: The scene's last frame.

    Raises:
        ValueError: A part is not a number or a range.
    """
    for part in text.split(","):
        first, dots, last = part.partition("..")
        yield _frame(first, end), _frame(last if dots else first, end)


def _frame(text: str, end: int) -> int:
    return end + int(text) + 1 if text.startswith("-") else int(text)


def options_of(session: Session) -> list[Option]:
    return [
        Option(("-b", "--background"), 0, lambda: None, early=True),
        Option(("-noaudio",), 0, lambda: None, early=True),
        Option(("-y", "--enable-autoexec"), 0, session.allow_scripts, early=True),
        Option(("-Y", "--disable-autoexec"), 0, session.forbid_scripts, early=True),
        Option(("--factory-startup",), 0, session.use_factory_settings, early=True),
        Option(("-t", "--threads"), 1, session.set_threads, early=True),
        Option(("--python-exit-code",), 1, session.set_python_exit_code, early=True),
        Option(("-S", "--scene"), 1, session.select_scene),
        Option(("--python-expr",), 1, session.run_expression),
        Option(("-P", "--python"), 1, session.run_file),
        Option(("-o", "--render-output"), 1, session.set_output),
        Option(("-F", "--render-format"), 1, session.set_format),
        Option(("-E", "--engine"), 1, session.set_engine),
        Option(("-s", "--frame-start"), 1, session.set_first_frame),
        Option(("-e", "--frame-end"), 1, session.set_last_frame),
        Option(("-j", "--frame-jump"), 1, session.set_frame_step),
        Option(("-x", "--use-extension"), 1, session.set_use_extension),
        Option(("-a", "--render-anim"), 0, session.render_animation),
        Option(("-f", "--render-frame"), 1, session.render_frames),
    ]


def parse(
    arguments: list[str], options: list[Option], file_option: Option
) -> list[tuple[Option, list[str]]]:
    """Return the arguments in their order; an argument that is not an option is a file to open."""
    by_name = {name: option for option in options for name in option.names}
    parsed = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            break
        option = by_name.get(argument)
        values = [argument] if option is None else list(islice(waiting, option.values))
        option = option or file_option
        if len(values) < option.values:
            say(f"Error: an argument must follow '{' / '.join(option.names)}'.")
        else:
            parsed.append((option, values))
    return parsed


def carry_out(option: Option, values: list[str]) -> None:
    try:
        option.run(*values)
    except ValueError:
        say(f"Error: not a number '{' / '.join(option.names)} {' '.join(values)}'.")


def run(arguments: list[str]) -> int:
    """Carry out the arguments, and return the exit code."""
    say(f"Blender {bpy.app.version_string}")
    if {"-v", "--version"} & set(arguments):
        return 0
    session = Session()
    file_option = Option(("FILE",), 1, session.open_file)
    parsed = parse(arguments, options_of(session), file_option)
    try:
        # Sorting is stable: the early arguments keep their order, and so do the others.
        for option, values in sorted(parsed, key=lambda step: not step[0].early):
            carry_out(option, values)
    except Quit as end:
        return end.exit_code
    say("\nBlender quit")
    return session.exit_code


def leave(exit_code: int) -> None:
    """End at once, because the normal end of an interpreter with Blender in it has hung."""
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender's own output is in the C library's buffers, which `os._exit` would drop.
    ctypes.CDLL("ucrtbase" if os.name == "nt" else None).fflush(None)
    os._exit(exit_code)


if __name__ == "__main__":
    try:
        leave(run(sys.argv[1:]))
    except KeyboardInterrupt:
        leave(130)
    except BaseException:
        traceback.print_exc()
        leave(1)
