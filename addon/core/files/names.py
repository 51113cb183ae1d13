"""Names of folders that every system takes, made of what artists call their jobs."""

import re

#: What Windows, or Shaman, or a shell's user would stumble upon. Letters of all languages stay.
_AWKWARD = re.compile(r"[\x00-\x1f\x7f<>:\"/\\|?*;{}]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
#: In bytes: with a time and a number it stays below the 255 of most file systems.
_LONGEST = 150


def safe_name(name: str) -> str:
    """For one folder; never empty, hidden, or a step up."""
    text = _AWKWARD.sub("-", name).strip(" .-")
    text = text.encode(errors="replace")[:_LONGEST].decode(errors="ignore").rstrip(" .-")
    return f"job-{text}".rstrip("-") if not text or _RESERVED.fullmatch(text) else text
