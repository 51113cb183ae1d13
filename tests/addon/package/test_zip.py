"""The zip has the right files, and every build gives the same bytes."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ADDON = Path(__file__).parents[3] / "addon"


def _names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def _source_tree(folder: Path) -> Path:
    """Copy the part of a checkout that the build needs, with BAT's wheels."""
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ADDON.parent / name, folder / name)
    (folder / "manager_api").mkdir()
    shutil.copytree(ADDON, folder / "addon", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _build(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, folder / "addon" / "build.py"], capture_output=True, text=True, check=False
    )


def test_all_is_in_one_folder_that_both_kinds_of_install_understand(built: Path) -> None:
    names = _names(built)

    assert {name.split("/")[0] for name in names} == {"tablao"}
    assert {"tablao/__init__.py", "tablao/blender_manifest.toml", "tablao/LICENSE"} <= set(names)


def test_every_module_ships_and_nothing_that_builds_or_tests_it(built: Path) -> None:
    modules = {
        f"tablao/{path.relative_to(ADDON).as_posix()}"
        for path in ADDON.rglob("*.py")
        if path.name != "build.py"
    }

    shipped = set(_names(built))

    assert {name for name in shipped if name.endswith(".py")} == modules
    others = {name for name in shipped - modules if "/wheels/" not in name}
    assert others == {"tablao/blender_manifest.toml", "tablao/LICENSE"}


def test_bat_for_both_generations_of_blender_is_what_was_pinned(built: Path) -> None:
    pinned = re.findall(
        r"^([\w-]+)==([\d.]+) --hash", (ADDON / "wheels.txt").read_text(), re.MULTILINE
    )

    wheels = [name for name in _names(built) if name.startswith("tablao/wheels/")]

    assert len(pinned) == 2
    assert wheels == [
        f"tablao/wheels/{name.replace('-', '_')}-{version}-py3-none-any.whl"
        for name, version in pinned
    ]


def test_it_is_small(built: Path) -> None:
    assert built.stat().st_size < 600_000


def test_the_same_sources_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    assert built.is_file()  # so that BAT's wheels are there
    (tmp_path / "here").mkdir()
    here = _source_tree(tmp_path / "here")
    there = shutil.copytree(here, tmp_path / "there", copy_function=shutil.copy)  # written later

    zips = []
    for tree in (here, there):
        done = _build(tree)
        assert done.returncode == 0, done.stderr
        zips.append((tree / "manager_api" / "addon_files" / built.name).read_bytes())

    assert zips[0] == zips[1]


def test_a_wheel_with_another_content_is_not_taken(tmp_path: Path) -> None:
    tree = _source_tree(tmp_path)
    pins = tree / "addon" / "wheels.txt"
    pins.write_text(re.sub(r"sha256:\w{4}", "sha256:0000", pins.read_text()))

    done = _build(tree)

    assert done.returncode != 0
    assert "blender-asset-tracer 1.23 cannot be downloaded" in done.stderr
    assert not list((tree / "manager_api" / "addon_files").glob("*.zip"))


@pytest.mark.parametrize("file", ["addon/blender_manifest.toml", "addon/__init__.py"])
def test_versions_that_differ_are_a_sentence(tmp_path: Path, file: str) -> None:
    tree = _source_tree(tmp_path)
    text = (tree / file).read_text()
    changed = text.replace('version = "0.1.0"', 'version = "9.9.9"').replace(
        "(0, 1, 0)", "(9, 9, 9)"
    )
    (tree / file).write_text(changed)

    done = _build(tree)

    assert changed != text
    assert done.returncode != 0
    assert "have different versions: 0.1.0, 9.9.9" in done.stderr
