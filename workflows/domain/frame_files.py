"""Finds the names of the files that Blender writes for a job's frames, from the job's settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflows.domain.job_types import paths

#: The extension that Blender adds after the frame's number, by the format's name on Blender's
#: command line or in its data.
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
#: Digits of the frame's number if the output path has no #, as in Blender.
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class FrameFiles:
    directory: str
    """The directory from the settings, with its variables, and with forward slashes."""
    before: str
    digits: int
    """The least number of digits; longer frame numbers are written in full."""
    after: str
    """The end of the file's name, with its extension."""

    def name(self, frame: int) -> str:
        return f"{self.before}{frame:0{self.digits}d}{self.after}"

    @property
    def pattern(self) -> str:
        """The files' name with a # for each digit."""
        return f"{self.before}{'#' * self.digits}{self.after}"


def frame_files(settings: Mapping[str, Any]) -> FrameFiles | None:
    """Return the names of a job's frames.

    None if the settings do not say where the frames are, as in an `echo-sleep-test` job.
    """
    output, extension = settings.get("render_output_path"), _extension(settings)
    if not isinstance(output, str) or not output or extension is None:
        return None
    name = paths.basename(output)
    # Blender puts the frame's number in place of the last group of #, or after the name.
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
