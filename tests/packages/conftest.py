"""The packages, as `make wheel` builds them; the dashboard and the add-on must be built."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PROJECT = Path(__file__).parents[2]


class Packages(NamedTuple):
    wheel: Path
    sdist: Path


def built(folder: Path) -> Packages:
    command = (sys.executable, str(PROJECT / "deploy/package.py"), str(folder))
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=folder, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return Packages(next(folder.glob("*.whl")), next(folder.glob("*.tar.gz")))


@pytest.fixture(scope="package")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return built(tmp_path_factory.mktemp("packages"))
