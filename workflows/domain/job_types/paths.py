"""Splits and joins paths of any platform on any platform; results have forward slashes.

Source: Flamenco's `path` object for job types. One difference: joining keeps the two slashes before
a Windows server's name, because the path would be wrong without them.
"""

import posixpath


def basename(path: str) -> str:
    """Return the last part; `.` for an empty path, `/` for a path of slashes alone."""
    slashed = _slashed(path)
    stripped = slashed.rstrip("/")
    if not stripped:
        return "/" if slashed else "."
    return stripped.rsplit("/", 1)[-1]


def dirname(path: str) -> str:
    """Return everything before the last slash, not tidied up; `.` if there is no slash."""
    head, slash, _ = _slashed(path).rpartition("/")
    if not slash:
        return "."
    return head or "/"


def join(*parts: str) -> str:
    """Join parts, without empty ones; resolve `.`, `..` and repeated separators between slashes.

    Backslashes become slashes only afterwards, so a `..` between backslashes stays, as in Flamenco.
    """
    joined = "/".join(part for part in parts if part)
    # Exactly two leading slashes have a special meaning in POSIX, so normpath() keeps them.
    return _slashed(posixpath.normpath(joined)) if joined else ""


def stem(path: str) -> str:
    """Return the last part without its last extension."""
    name = basename(path)
    head, dot, _ = name.rpartition(".")
    return head if dot else name


def _slashed(path: str) -> str:
    return path.replace("\\", "/")
