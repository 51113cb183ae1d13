"""What the tests of documents and code share: this checkout."""

import re
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tracked_files(root: Path) -> list[Path]:
    """Every file under git that is there, in git's order."""
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=root, text=True).split("\0")
    return [root / name for name in names if name and (root / name).is_file()]


@pytest.fixture(scope="session")
def test_files(root: Path, tracked_files: list[Path]) -> list[str]:
    """Relative to the checkout."""
    names = (file.relative_to(root).as_posix() for file in tracked_files)
    return [name for name in names if re.match(r"tests/(.+/)?test_\w+\.py$", name)]
