"""Names the files that Blender writes for frames: the one place that knows Blender's naming.

Source: measured with Blender 3.4 and 4.5, which agree; the tests have the values.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from workflows.domain.job_types import paths

#: The extensions of the files of an image format; Blender adds the first. By the format's name on
#: Blender's command line or in its data.
EXTENSIONS: Mapping[str, tuple[str, ...]] = {
    "BMP": (".bmp",),
    "CINEON": (".cin",),
    "DPX": (".dpx",),
    "EXR": (".exr",),
    "HDR": (".hdr",),
    "IRIS": (".rgb",),
    "IRIZ": (".rgb",),
    "JP2": (".jp2",),
    "JPEG": (".jpg", ".jpeg"),
    "JPEG2000": (".jp2",),
    "MULTILAYER": (".exr",),
    "OPEN_EXR": (".exr",),
    "OPEN_EXR_MULTILAYER": (".exr",),
    "PNG": (".png",),
    "RAWTGA": (".tga",),
    "TARGA": (".tga",),
    "TARGA_RAW": (".tga",),
    "TGA": (".tga",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
#: The names that Blender's command line has for formats with another name in Blender's data. To
#: a name that it does not know, Blender says an error, and renders the file's own format.
COMMAND_LINE_FORMATS: Mapping[str, str] = {
    "TARGA": "TGA",
    "TARGA_RAW": "RAWTGA",
    "JPEG2000": "JP2",
    "AVI_JPEG": "AVIJPEG",
    "AVI_RAW": "AVIRAW",
}
#: JPEG 2000 without a container has its own extension, which only the scene knows.
_CODESTREAM = ".j2c"
#: Blender replaces these extensions by those of the format. To others it adds one.
_IMAGE_EXTENSION = re.compile(
    r"\.(bmp|cin|dds|dpx|exr|hdr|j2c|jp2|jpe?g|pdd|png|psb|psd|rgba?|sgi|tga|tiff?|tx|webp)",
    re.IGNORECASE,
)
#: Digits of the frame's number if the output path has no #, as in Blender.
_DIGITS = 4
#: The left eye's suffix in Blender's stereo rendering.
_LEFT = "_L"


@dataclass(frozen=True, slots=True)
class FrameFiles:
    """The files of frames in one folder: how their names are made of the frame's number."""

    directory: str
    """The directory from the settings, with its variables, and with forward slashes."""
    before: str
    digits: int
    """The least number of digits; longer frame numbers are written in full."""
    after: str
    """The end of the file's name, with its extension."""
    view: str = ""
    """The suffix of one of a frame's views, such as `_L`."""

    def name(self, frame: int) -> str:
        return self._with_view(f"{self.before}{_number(frame, self.digits)}{self.after}")

    @property
    def pattern(self) -> str:
        """The files' name with a # for each digit; `of_pattern` reads it."""
        return self._with_view(f"{self.before}{'#' * self.digits}{self.after}")

    def as_view_in(self, names: Collection[str], frames: Iterable[int]) -> "FrameFiles":
        """Return the files of the one view to show, of those that are there.

        Args:
            names: the names of the files in the folder.
            frames: the frames that are looked for.
        """
        wanted = list(frames)
        if any(self.name(frame) in names for frame in wanted):
            return self
        found = self._views(names, frozenset(wanted))
        if not found:
            return self
        most = max(found, key=lambda view: (view == _LEFT, found[view], view))
        return replace(self, view=most)

    def frame_of(self, name: str) -> int | None:
        """Return the frame of a file by its name, in any view; None if it is no frame's name."""
        match = self._named.fullmatch(name)
        return _frame(match[1], self.digits) if match else None

    def _views(self, names: Iterable[str], wanted: frozenset[int]) -> dict[str, int]:
        """Return how many of the frames each view has."""
        named = self._named
        found: dict[str, int] = {}
        for name in names:
            match = named.fullmatch(name)
            if match and match[2] and _frame(match[1], self.digits) in wanted:
                found[match[2]] = found.get(match[2], 0) + 1
        return found

    @property
    def _named(self) -> re.Pattern[str]:
        """What fits the names of all frames and views: a frame's number, and a view's suffix."""
        stem, dot, tail = self.after.rpartition(".")
        stem, tail = (stem, dot + tail) if dot else (self.after, "")
        return re.compile(
            rf"{re.escape(self.before)}(-?\d+){re.escape(stem)}(\D[^/]*)?{re.escape(tail)}"
        )

    def _with_view(self, name: str) -> str:
        # Blender adds the suffix to the name before the extension.
        stem, dot, extension = name.rpartition(".")
        return f"{stem}{self.view}.{extension}" if dot else name + self.view


def _number(frame: int, digits: int) -> str:
    sign = "-" if frame < 0 else ""
    return f"{sign}{abs(frame):0{digits}d}"


def _frame(text: str, digits: int) -> int | None:
    """Return the frame; None if Blender would write its number in another way."""
    # Python does not convert thousands of digits.
    frame = int(text) if len(text) < 20 else 0
    return frame if _number(frame, digits) == text else None


def frame_files(settings: Mapping[str, Any]) -> FrameFiles | None:
    """Return the names of a job's frames.

    None if the settings do not say where the frames are, as in an `echo-sleep-test` job.
    """
    output, given = settings.get("render_output_path"), settings.get("image_file_extension")
    extensions = EXTENSIONS.get(str(settings.get("format", "")))
    if isinstance(given, str) and given and (extensions is None or given == _CODESTREAM):
        # Blender's format decides, not this setting, which a script may have guessed.
        extensions = (given,)
    if not isinstance(output, str) or not output or extensions is None:
        return None
    blend_file = settings.get("blendfile")
    return _of_output(
        resolved(output, blend_file if isinstance(blend_file, str) else ""), extensions
    )


def files_of_arguments(arguments: Sequence[str], extension: str = "") -> FrameFiles | None:
    """Return the names of the frames that Blender writes with these arguments.

    None if the arguments do not say it. Arguments behind `--` are for scripts.

    Args:
        arguments: Blender's arguments.
        extension: the files' extension if the arguments do not name a format.
    """
    output = ""
    extensions: tuple[str, ...] | None = (extension,) if extension else None
    adds_extension = True
    for option, value in pairwise(arguments):
        if option == "--":
            break
        if option in ("-o", "--render-output"):
            output = value
        elif option in ("-F", "--render-format"):
            extensions = EXTENSIONS.get(value)
        elif option in ("-x", "--use-extension"):
            adds_extension = not value.startswith("0")
    if not output or extensions is None:
        return None
    return _of_output(output, extensions if adds_extension else ())


def of_pattern(path: str) -> FrameFiles:
    """Return the files of a folder with names like `FrameFiles.pattern`."""
    return _of_output(path, ())


def previews_of(files: FrameFiles) -> FrameFiles:
    """Return the JPEG files that Blender writes beside OpenEXR files, if it is told to."""
    is_exr = files.after.lower().endswith(".exr")
    return replace(files, after=files.after[:-4] + ".jpg") if is_exr else files


def resolved(path: str, blend_file: str) -> str:
    """Return a path with the blend file's folder in place of `//`, as Blender reads paths.

    Args:
        path: a path with two slashes before a server's name has backslashes there.
        blend_file: the job's blend file. If it is unknown, the path stays as it is.
    """
    if not path.startswith("//") or not blend_file:
        return path
    return paths.join(paths.dirname(blend_file), path[2:])


def _of_output(output: str, extensions: tuple[str, ...]) -> FrameFiles:
    """
    Args:
        output: Blender's output path.
        extensions: those of the format; none if Blender adds no extension.
    """
    name = paths.basename(output)
    # Blender puts the frame's number in place of the last group of #, or after the name.
    end = name.rfind("#") + 1
    before = name[:end].rstrip("#") if end else name
    digits = end - len(before) if end else _DIGITS
    after = _with_extension(name[end:] if end else "", extensions)
    return FrameFiles(paths.dirname(output), before, digits, after)


def _with_extension(end: str, extensions: tuple[str, ...]) -> str:
    if not extensions or end.lower().endswith(extensions):
        return end
    stem, dot, last = end.rpartition(".")
    is_replaced = not last or _IMAGE_EXTENSION.fullmatch(dot + last)
    return (stem if dot and is_replaced else end) + extensions[0]
