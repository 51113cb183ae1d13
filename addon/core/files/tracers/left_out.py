"""Finds files that Blender reads but does not report, so that BAT 2 does not know them."""

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import bpy
from blender_asset_tracer import file_usage
from sequences import numbered_like  # type: ignore[import-not-found]

#: A file, and its place in the pack.
Placed = tuple[Path, PurePath]


def left_out(usage: Any) -> Iterator[Placed]:
    """Yield such files of the open .blend file.

    Args:
        usage: BAT's own result.
    """
    yield from _point_caches(usage)
    yield from _rest_of_sequences(usage)
    yield from _baked(usage)


def _point_caches(usage: Any) -> Iterator[Placed]:
    """Yield point caches, from the folders that are named after this and linked .blend files."""
    for path, info in usage.file_infoes.items():
        if path.suffix == ".blend":
            cache = path.with_name(f"blendcache_{path.stem}")
            for file in filter(Path.is_file, cache.rglob("*")):
                yield file, info.relpath_in_pack.parent / file.relative_to(path.parent)


def _rest_of_sequences(usage: Any) -> Iterator[Placed]:
    """Yield all files of sequences, because Blender reports only the first."""
    for owner in _sequences():
        first = file_usage.path_absolute(owner.filepath, library=owner.library)
        if first in usage.file_infoes:
            folder = usage.file_infoes[first].relpath_in_pack.parent
            yield from ((file, folder / file.name) for file in numbered_like(first))


def _sequences() -> Iterator[Any]:
    yield from (each for each in bpy.data.images if each.source == "SEQUENCE")
    yield from (each for each in bpy.data.movieclips if each.source == "SEQUENCE")
    yield from (each for each in bpy.data.cache_files if each.is_sequence)
    yield from (each for each in bpy.data.volumes if each.is_sequence)


def _baked(usage: Any) -> Iterator[Placed]:
    """Yield bakes of geometry nodes within the project.

    Bakes outside the project would move in the pack, and Blender could not find them there.
    """
    for folder in filter(Path.is_dir, _bake_folders()):
        if folder.is_relative_to(usage.root_path):
            for file in filter(Path.is_file, folder.rglob("*")):
                yield file, file.relative_to(usage.root_path)


def _bake_folders() -> Iterator[Path]:
    for owner in bpy.data.objects:
        for modifier in (each for each in owner.modifiers if each.type == "NODES"):
            custom = (bake.directory for bake in modifier.bakes if bake.use_custom_path)
            for folder in filter(None, (modifier.bake_directory, *custom)):
                yield file_usage.path_absolute(folder, library=owner.library)
