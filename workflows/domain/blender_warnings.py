"""Finds warnings in Blender's output: Python errors, and files that are missing.

Blender names missing libraries. Of missing images and the like it says nothing, so a line of
Python asks it. Standard library only.
"""

import os
import re

from workflows.domain.render_warnings import WarningBook

_MISSING = "Missing file: "
#: Blender runs it when it has read the file. It prints a line for each file that is missing.
#: Sequences and tiles are left out: parts of them may be missing on purpose.
ASK_FOR_MISSING_FILES = (
    f"import bpy, os; [os.write(1, ({_MISSING!r} + kind + ' ' + i.filepath + chr(10))"
    ".encode('utf-8', 'replace')) "
    "for kind, group in (('image', 'images'), ('movie', 'movieclips'), ('sound', 'sounds'), "
    "('font', 'fonts'), ('volume', 'volumes'), ('cache', 'cache_files')) "
    "for i in getattr(bpy.data, group, ()) "
    "if i.users and i.filepath not in ('', '<builtin>') and not getattr(i, 'packed_file', None) "
    "and getattr(i, 'source', 'FILE') in ('FILE', 'MOVIE') "
    "and not os.path.exists(bpy.path.abspath(i.filepath, library=i.library))]"
)
_OF_INTEREST = (
    _MISSING.encode(),
    b"Cannot find lib '",
    b"Traceback (most recent call last):",
    b"Error: Python: ",
)
_LIBRARY = re.compile(r"Cannot find lib '(.*)'")
_PLACE = re.compile(r'\s+File "(.*)", line (\d+)')
#: Blender says so of a script that it cannot read, in one line, or if it is no Python, in several.
_PYTHON = re.compile(r"(?:[\d:.]+\s+\S+\s*\|\s?)?Error: Python: (.*)")
_TRACEBACK = "Traceback (most recent call last):"


class BlenderWarnings:
    """Reads Blender's lines one after the other."""

    def __init__(self, book: WarningBook) -> None:
        self._book = book
        self._is_in_traceback = False
        self._place = ""

    def line(self, line: bytes) -> None:
        if not self._is_in_traceback and not any(part in line for part in _OF_INTEREST):
            return
        text = line.decode("utf-8", "replace")
        if self._is_in_traceback:
            self._in_traceback(text)
        elif _TRACEBACK in text:
            self._is_in_traceback, self._place = True, ""
        elif found := _PYTHON.match(text):
            self._python(found[1])
        elif found := _LIBRARY.search(text):
            self._book.add(f'a library is missing: "{found[1]}"')
        elif text.startswith(_MISSING):
            kind, _, path = text.removeprefix(_MISSING).partition(" ")
            self._book.add(f'a file is missing ({kind}): "{path}"')

    def _python(self, text: str) -> None:
        self._is_in_traceback, self._place = True, ""
        self._in_traceback(text)

    def _in_traceback(self, text: str) -> None:
        if text.startswith((" ", "\t")):
            if found := _PLACE.match(text):
                self._place = f" ({os.path.basename(found[1])}, line {found[2]})"
            return
        self._is_in_traceback = False
        self._book.add(f"Python error: {text.strip()}{self._place}")
