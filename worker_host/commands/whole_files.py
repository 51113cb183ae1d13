"""Tells whether an image file on disk is whole. Standard library only."""

import os

from workflows.domain.whole_images import why_not_whole


def why_file_not_whole(path: str) -> str:
    """Return why the file is not whole, as a part of a sentence; an empty text if it is whole."""
    try:
        with open(path, "rb") as file:
            return why_not_whole(file, os.path.basename(path))
    except (FileNotFoundError, ValueError):  # the latter for a name with a zero byte
        return "there is no such file"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
