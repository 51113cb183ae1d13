"""Writes files that others read or write meanwhile."""

import os
from pathlib import Path
from uuid import uuid4


def write_whole(path: Path, content: bytes) -> None:
    """Write the file in one step: a reader finds the old content or the new one.

    Another manager may write the same file of the same folder; then the last one counts.
    """
    unfinished = path.with_name(f"{path.stem}-{uuid4().hex[:8]}.tmp")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)
