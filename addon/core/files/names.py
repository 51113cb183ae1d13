"""Turns jobs' names into folder names that every system accepts."""

import re

#: Characters that Windows or Shaman do not accept, or that are awkward in a shell. Letters of all
#: languages stay.
_AWKWARD = re.compile(r"[\x00-\x1f\x7f<>:\"/\\|?*;{}]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
#: In bytes: with a time and a number the name stays below 255, the limit of most file systems.
_LONGEST = 150


def safe_name(name: str) -> str:
    """Return a name for one folder. It is never empty, hidden, or `..`."""
    text = _AWKWARD.sub("-", name).strip(" .-")
    text = text.encode(errors="replace")[:_LONGEST].decode(errors="ignore").rstrip(" .-")
    return f"job-{text}".rstrip("-") if not text or _RESERVED.fullmatch(text) else text
