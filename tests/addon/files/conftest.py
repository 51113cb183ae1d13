"""Projects that real Blenders make, and a farm that renders them."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from manager_api.cli.blender import clean_environment
from tests.addon.blender.blenders import BLENDERS
from tests.addon.files.farm import FilesFarm

_SMALL = Path(__file__).with_name("small_project.py")


@pytest.fixture(scope="package")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilesFarm]:
    with FilesFarm(tmp_path_factory.mktemp("farm") / "farm") as farm:
        yield farm


@pytest.fixture(scope="package")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See small_project.py; only to be read."""
    folder = tmp_path_factory.mktemp("small") / "project"
    blender = BLENDERS[0]
    blender.check_is_there()
    options = ("-b", "--factory-startup", "--python-exit-code", "1", "--python", str(_SMALL))
    done = subprocess.run(
        [*blender.command, *options, "--", str(folder)],
        env=clean_environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="package")
def small_contents(small_project: Path) -> list[str]:
    """What a pack of `shot.blend` holds."""
    return list(json.loads((small_project / "contents.json").read_text()))


@pytest.fixture
def nobody_special(tmp_path: Path) -> Iterator[None]:
    """The test runs as a user to whom permissions apply, in a folder of that user's."""
    if os.geteuid() != 0:
        yield
        return
    nobody = 65534
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, nobody, -1)
    # Folders of other tests may hide theirs from others; on the way to ours they must not.
    # With several test processes there is one folder more on the way.
    for parent in tmp_path.parents:
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(parent.stat().st_mode | 0o011)
    os.seteuid(nobody)
    try:
        yield
    finally:
        os.seteuid(0)
        for folder in (path for path in tmp_path.rglob("*") if path.is_dir()):
            folder.chmod(0o755)
