"""Looks through a .blend file with BAT 2, in a Blender of its own, for Blender 5.1.1 and later.

BAT 2 asks Blender about the open file. In another process this leaves the artist's session alone,
and can be stopped at once. Arguments and answer are those of bat_1.py.
"""

import json
import secrets
import sys
from pathlib import Path
from typing import Any

import bpy


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


_REQUEST: dict[str, Any] = json.loads(sys.argv[-1])
sys.path[:0] = [*_REQUEST["wheels"], str(Path(__file__).parent)]

from blender_asset_tracer import file_usage, path_rewriting  # noqa: E402 # the path comes first
from blender_asset_tracer.path_rewriting_models import RewriteRequest  # noqa: E402
from left_out import left_out  # type: ignore[import-not-found] # noqa: E402


def _pack(usage: Any) -> dict[str, Any]:
    there = [info for path, info in usage.file_infoes.items() if path.is_file()]
    # This comes first, because rewriting opens other files instead of this one.
    others = list(left_out(usage))
    files = {info.relpath_in_pack.as_posix(): str(_rewritten(usage, info)) for info in there}
    for source, target in others:
        files.setdefault(target.as_posix(), str(source))
    return {
        "blendfile": usage.source_file_info().relpath_in_pack.as_posix(),
        "files": [(source, target) for target, source in files.items()],
    }


def _rewritten(usage: Any, info: Any) -> Path:
    """Return the file for the pack: itself, or a copy with paths as in the pack."""
    source: Path = info.source_path
    if not info.needs_path_rewriting:
        return source
    _say(f"step: {source.name}")
    copy = Path(_REQUEST["scratch"]) / f"{secrets.token_hex(8)}.blend"
    path_rewriting.rewrite_file(
        RewriteRequest(
            blendfile=source,
            relpath_in_root=info.relpath_in_pack,
            rewrite_rules=info.rewrite_rules,
            save_to=copy,
            pack_source_root=usage.root_path,
        )
    )
    return copy


def _missing(usage: Any) -> dict[str, Any]:
    gone = [
        (str(path), ", ".join(sorted(map(_name, info.references))))
        for path, info in usage.file_infoes.items()
        if not path.exists()
    ]
    return {"missing": gone + _missing_tiles(usage)}


def _missing_tiles(usage: Any) -> list[tuple[str, str]]:
    """Return sets of tiles of which no tile exists. BAT does not report them."""
    found = {info.reported_path for info in usage.file_infoes.values()}
    tiled = (image for image in bpy.data.images if image.source == "TILED" and image.filepath)
    paths = {file_usage.path_absolute(each.filepath, library=each.library): each for each in tiled}
    return [(str(path), _name(image.library)) for path, image in paths.items() if path not in found]


def _name(library: Any) -> str:
    return Path(library.filepath if library else _REQUEST["blendfile"]).name


def main() -> str:
    """Write the answer to the request. Return an error's sentence; empty if all went well."""
    source = _REQUEST["blendfile"]
    try:
        _say(f"step: {Path(source).name}")
        bpy.ops.wm.open_mainfile(filepath=source, load_ui=False, use_scripts=False)
        usage = file_usage.dependencies_of_current_blendfile(Path(_REQUEST["project_root"]))
        answer = (_pack if _REQUEST["what"] == "pack" else _missing)(usage)
    except (OSError, RuntimeError) as error:
        return str(error).removeprefix("Error: ").strip()
    (Path(_REQUEST["scratch"]) / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return ""


if __name__ == "__main__":
    if wrong := main():
        _say(f"wrong: {wrong}")
        sys.exit(1)
