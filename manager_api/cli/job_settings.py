"""Makes a job's settings of typed values, and adds the others as the Blender add-on would. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

RENDER = "simple-blender-render"
_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


class BadSetting(Exception):
    """A value of `--set` does not fit the job type; the text says why."""


def parse_settings(
    assignments: Sequence[str], declared: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Parse texts `key=value` into values of the types that the job type declares.

    Raises:
        BadSetting: A text has no `=`, an unknown key, or a value of another type.
    """
    types = {setting["key"]: setting["type"] for setting in declared}
    values = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise BadSetting(f"'{assignment}' must look like key=value.")
        if key not in types:
            raise BadSetting(f"This job type has no setting '{key}'. It has: {', '.join(types)}.")
        try:
            values[key] = _PARSERS[types[key]](text)
        except ValueError:
            wanted = _KINDS[types[key]]
            raise BadSetting(f"Setting '{key}' must be {wanted}, not '{text}'.") from None
    return values


def _parse_bool(text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ValueError(text)
    return text.lower() in _TRUE


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "string": str,
    "int32": int,
    "float": float,
    "bool": _parse_bool,
}
_KINDS = {"int32": "a whole number", "float": "a number", "bool": "true or false"}


def fill_in(
    declared: Sequence[Mapping[str, Any]],
    given: Mapping[str, Any],
    *,
    blendfile: Path | None,
    job_name: str,
    output: Path | None,
    scene: str,
) -> dict[str, Any]:
    """Return the given values, and for other settings what the add-on would read from the scene.

    Args:
        declared: The job type's settings.
        given: Values by key.
        blendfile: An absolute path; None: only the job type's defaults are added.
        output: An absolute path; None: `renders`, beside the blend file.
    """
    defaults = {s["key"]: s["default"] for s in declared if s.get("default") is not None}
    if blendfile is None:
        return {**defaults, **given}
    root = given.get("render_output_root") or str(output or blendfile.parent / "renders")
    of_the_file = {
        "blendfile": str(blendfile),
        "render_output_root": root,
        "add_path_components": 0,
        "render_output_path": f"{root}/{as_folder(job_name)}/{{timestamp}}/######",
        "format": "PNG",
        "image_file_extension": ".png",
        "fps": 24,
        "scene": scene,
        "chunk_size": 1,
        "has_previews": False,
    }
    known = {setting["key"] for setting in declared}
    return {
        **defaults,
        **{key: value for key, value in of_the_file.items() if key in known},
        **given,
    }


def as_folder(job_name: str) -> str:
    """Make a folder's name, valid on every platform, of a job's name."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*{}#]+', "_", job_name).strip(" .") or "job"
