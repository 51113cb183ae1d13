"""Missing files are named, with the file and the data-block that refer to them."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from addon.core.files import Canceled, FilesError, MissingFile, missing_files
from tests.addon.blender.blenders import BLENDERS, PROJECT, Blender, build_zip, environment_of

#: The Blenders that are Python modules. A test can pretend that they are programs.
MODULES = [blender for blender in BLENDERS if blender.python]
#: Asks as the add-on does, in a Blender that has the checkout on its path.
_ASK = """
import json, sys
sys.path.append({project!r})
from pathlib import Path
from addon.core.files import missing_files
found = [(Path(each.path).name, each.used_by) for each in missing_files(Path({file!r}))]
Path({answer!r}).write_text(json.dumps(found))
"""


def test_missing_textures_libraries_and_tiles_are_named(small_project: Path) -> None:
    found = missing_files(small_project / "lost.blend")

    assert found == (
        MissingFile(str(small_project / "gone.blend"), "lost.blend: gone.blend"),
        MissingFile(str(small_project / "gone.png"), "lost.blend: texture"),
        MissingFile(str(small_project / "tiles.<UDIM>.png"), "lost.blend: texture.001"),
    )


def test_a_missing_texture_of_a_library_names_the_library(
    small_project: Path, tmp_path: Path
) -> None:
    for name in ("shot.blend", "library.blend", "of shot.png"):
        (tmp_path / name).write_bytes((small_project / name).read_bytes())

    found = missing_files(tmp_path / "shot.blend")

    assert found == (MissingFile(str(tmp_path / "of library.png"), "library.blend: texture"),)


def test_nothing_is_missing_where_all_is_there(small_project: Path) -> None:
    assert missing_files(small_project / "shot.blend") == ()


def test_looking_can_be_canceled(small_project: Path) -> None:
    with pytest.raises(Canceled):
        missing_files(small_project / "shot.blend", lambda: True)


def test_a_file_that_blender_did_not_write_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.blend").write_bytes(b"")

    with pytest.raises(FilesError, match=r"a\.blend is no \.blend file"):
        missing_files(tmp_path / "a.blend")


def _said_by_a_bare_python(folder: Path, file: Path, wheels: Path) -> str:
    """Return the error in a Python without installed packages."""
    bare = folder / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    script = (
        f"import sys; sys.path.append({str(PROJECT)!r})\n"
        "from pathlib import Path\n"
        "from addon.core.files import FilesError, missing_files, programs\n"
        f"programs._WHEELS = Path({str(wheels)!r})\n"
        f"try:\n    missing_files(Path({str(file)!r}))\n"
        "except FilesError as error:\n    print(error)\n"
    )
    asked = subprocess.run(
        [bare / "bin" / "python", "-c", script], capture_output=True, text=True, check=False
    )
    return asked.stdout + asked.stderr


def test_without_bat_the_sentence_says_what_to_install(small_project: Path, tmp_path: Path) -> None:
    said = _said_by_a_bare_python(tmp_path, small_project / "shot.blend", tmp_path)

    assert "pip install blender-asset-tracer" in said


def test_a_python_that_cannot_read_compressed_files_says_what_to_do(
    small_project: Path, tmp_path: Path
) -> None:
    assert build_zip().is_file()  # which downloads BAT

    said = _said_by_a_bare_python(
        tmp_path, small_project / "compressed.blend", PROJECT / "addon" / "wheels"
    )

    assert "save it without compression, or install Python's zstandard" in said


def test_a_damaged_file_is_a_sentence(small_project: Path, tmp_path: Path) -> None:
    whole = (small_project / "shot.blend").read_bytes()
    (tmp_path / "a.blend").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(FilesError, match=r"^a\.blend cannot be looked through: \S.*$"):
        missing_files(tmp_path / "a.blend")


def _found_in(blender: Blender, file: Path, folder: Path, before: str = "") -> str:
    """Return the files that a Blender finds missing.

    Args:
        before: Python code to run before.
    """
    blender.check_is_there()
    script, answer = folder / "ask.py", folder / "answer.json"
    asked = _ASK.format(project=str(PROJECT), file=str(file), answer=str(answer))
    script.write_text(f"{before}\n{asked}")
    done = subprocess.run(
        [
            *blender.command,
            "-b",
            "--factory-startup",
            "--python-exit-code",
            "1",
            "--python",
            script,
        ],
        env=environment_of(folder / "profile"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return answer.read_text()


@pytest.mark.parametrize("blender", BLENDERS, ids=lambda blender: blender.name)
def test_each_generation_of_blender_finds_the_same(
    small_project: Path, tmp_path: Path, blender: Blender
) -> None:
    found = _found_in(blender, small_project / "lost.blend", tmp_path)

    assert all(name in found for name in ("gone.blend", "gone.png", "tiles.<UDIM>.png"))
    assert found.count("lost.blend") == 3
    assert "of library.png" not in found


@pytest.mark.parametrize("blender", MODULES, ids=lambda blender: blender.name)
def test_a_new_blender_that_is_a_program_is_asked_as_one(
    small_project: Path, tmp_path: Path, blender: Blender
) -> None:
    program, asked = tmp_path / "blender", tmp_path / "asked"
    program.write_text(
        f'#!/bin/sh\necho "$*" > "{asked}"\nexec {shlex.join(blender.command)} "$@"\n'
    )
    program.chmod(0o755)
    before = f"import bpy; bpy.app.binary_path = {str(program)!r}"

    found = _found_in(blender, small_project / "lost.blend", tmp_path, before)

    assert "gone.png" in found
    # Older ones have a tracer that needs no Blender.
    how = asked.read_text() if asked.exists() else ""
    is_new = blender.name == "v52"
    assert how.startswith("--background --factory-startup --python ") is is_new
