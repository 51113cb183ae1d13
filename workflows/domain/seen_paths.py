"""Tells whether the workers of a farm see a path, as far as the path and the variables say it."""

import re
from collections.abc import Collection

from workflows.domain.variables import WINDOWS, Variables

_WINDOWS_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]|\\\\|//")
_NAME = re.compile(r"\{[^{}]+\}")


def why_unseen(
    path: str,
    variables: Variables,
    storage: str,
    platforms: Collection[str],
    managers_platform: str,
) -> list[str]:
    """Return sentences about the workers that do not see a path, or may not see it.

    Args:
        path: a path from a job's settings, with its variables.
        variables: the farm's.
        storage: the shared storage.
        platforms: those of the farm's workers.
        managers_platform: the platform whose values the farm's settings have.
    """
    sentences = [
        sentence
        for platform in sorted(platforms)
        if (sentence := _why_not_on(platform, path, variables, managers_platform))
    ]
    return sentences or _why_outside(path, variables, storage, managers_platform)


def _why_not_on(platform: str, path: str, variables: Variables, managers_platform: str) -> str:
    there = variables.for_workers(platform, managers_platform).text(path)
    if name := _NAME.search(there):
        return f"The variable {name[0]} of the output path has no value for {platform} workers."
    if _is_absolute(there, platform):
        return ""
    return (
        f"On {platform} workers the output path {there} is no whole path, so no other machine "
        "sees the frames. A two-way variable can give the path of each platform."
    )


def _is_absolute(path: str, platform: str) -> bool:
    if platform == WINDOWS:
        return bool(_WINDOWS_ABSOLUTE.match(path))
    return path.startswith("/")


def _why_outside(
    path: str, variables: Variables, storage: str, managers_platform: str
) -> list[str]:
    there = variables.for_workers(managers_platform, managers_platform).text(path)
    shared = [
        value
        for variable in variables.definitions
        if variable.is_twoway and (value := variable.value_for(managers_platform))
    ]
    if any(_is_below(there, value) for value in (storage, *shared)):
        return []
    return [
        f"The output path {there} is outside the shared storage, {storage}, and outside of all "
        "two-way variables. Other machines may not see the frames."
    ]


def _is_below(path: str, folder: str) -> bool:
    parts, above = (each.replace("\\", "/").rstrip("/").lower() for each in (path, folder))
    return parts == above or parts.startswith(f"{above}/")
