"""Paths of any platform, taken apart and joined on any platform; results have forward slashes.

Source: what Flamenco offers job types as `path`. One difference: joining keeps the two slashes in
front of a Windows server's name, without which its path leads nowhere.
"""

import posixpath


def basename(path: str) -> str:
    """The last part; `.` if there is none, `/` of nothing but slashes."""
    slashed = _slashed(path)
    stripped = slashed.rstrip("/")
    if not stripped:
        return "/" if slashed else "."
    return stripped.rsplit("/", 1)[-1]


def dirname(path: str) -> str:
    """All before the last slash, not tidied up; `.` if there is no slash."""
    head, slash, _ = _slashed(path).rpartition("/")
    if not slash:
        return "."
    return head or "/"


def join(*parts: str) -> str:
    """Skips empty parts; resolves `.`, `..` and repeated separators, where they are `/`.

    Backslashes turn last, so a `..` among them stays, as in Flamenco.
    """
    joined = "/".join(part for part in parts if part)
    # POSIX gives exactly two leading slashes a meaning of their own, so normpath() keeps them.
    return _slashed(posixpath.normpath(joined)) if joined else ""


def stem(path: str) -> str:
    """The last part without its last extension."""
    name = basename(path)
    head, dot, _ = name.rpartition(".")
    return head if dot else name


def _slashed(path: str) -> str:
    return path.replace("\\", "/")
