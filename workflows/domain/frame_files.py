"""Where Blender writes the frames of a job: the name of each file, from the job's settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflows.domain.job_types import paths

#: What Blender puts behind the frame's number, by the format's name; either kind of name.
EXTENSIONS: Mapping[str, str] = {
    "BMP": ".bmp",
    "DPX": ".dpx",
    "EXR": ".exr",
    "HDR": ".hdr",
    "JPEG": ".jpg",
    "MULTILAYER": ".exr",
    "OPEN_EXR": ".exr",
    "OPEN_EXR_MULTILAYER": ".exr",
    "PNG": ".png",
    "TARGA": ".tga",
    "TIFF": ".tif",
    "WEBP": ".webp",
}
#: Of an output path without any #, as Blender has it.
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class FrameFiles:
    directory: str
    """As the settings have it: with variables, and slashes of either kind as forward ones."""
    before: str
    digits: int
    """At least; longer numbers are written in full."""
    after: str
    """With the extension."""

    def name(self, frame: int) -> str:
        return f"{self.before}{frame:0{self.digits}d}{self.after}"

    @property
    def pattern(self) -> str:
        """The name of all, with a # for each digit."""
        return f"{self.before}{'#' * self.digits}{self.after}"


def frame_files(settings: Mapping[str, Any]) -> FrameFiles | None:
    """None if the settings do not say where frames are, as those of `echo-sleep-test`."""
    output, extension = settings.get("render_output_path"), _extension(settings)
    if not isinstance(output, str) or not output or extension is None:
        return None
    name = paths.basename(output)
    # Blender counts in the last group of #; without one, behind the name.
    end = name.rfind("#") + 1
    before = name[:end].rstrip("#") if end else name
    digits = end - len(before) if end else _DIGITS
    after = name[end:] if end else ""
    if not after.lower().endswith(extension.lower()):
        after += extension
    return FrameFiles(paths.dirname(output), before, digits, after)


def _extension(settings: Mapping[str, Any]) -> str | None:
    given = settings.get("image_file_extension")
    if isinstance(given, str) and given:
        return given
    return EXTENSIONS.get(str(settings.get("format", "")))
