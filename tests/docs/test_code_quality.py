"""The tools that judge the code find nothing. `make lint` runs the same commands."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(sys.executable).parent
#: Runs scripts of its package.json.
DASHBOARD = ["python", "dashboard/build.py"]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["ruff", "check", "."], id="lint"),
        pytest.param(["ruff", "format", "--check", "."], id="formatting"),
        pytest.param(["mypy", "--strict"], id="types"),
        pytest.param(["lint-imports"], id="who-imports-whom"),
        pytest.param([*DASHBOARD, "lint"], id="dashboard-lint-and-layout"),
        pytest.param([*DASHBOARD, "check:types"], id="dashboard-types"),
        pytest.param([*DASHBOARD, "check:unused"], id="dashboard-unused-code"),
        pytest.param([*DASHBOARD, "test:unit"], id="dashboard-unit-tests"),
    ],
)
def test_no_tool_has_a_complaint(root: Path, command: list[str]) -> None:
    program, *arguments = command

    result = subprocess.run(
        [PROGRAMS / program, *arguments], cwd=root, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_make_lint_runs_the_same_tools(root: Path) -> None:
    makefile = (root / "Makefile").read_text()
    recipe = makefile.split("\nlint:", 1)[1].split("\n\n", 1)[0]

    tools = [line.removeprefix("\t$(BIN)/") for line in recipe.splitlines()[1:]]

    assert tools == [
        "ruff check .",
        "ruff format --check .",
        "mypy --strict",
        "lint-imports",
        "python dashboard/build.py lint check:types check:unused",
    ]


@pytest.mark.parametrize("package", ["activities", "manager_api", "worker_host", "workflows"])
def test_no_wait_loses_a_cancellation(root: Path, package: str) -> None:
    """`asyncio.wait_for` of Python 3.11 does, if what it waits for comes at the same moment.

    `asyncio.timeout` does not.
    """
    sources = (root / package).rglob("*.py")

    assert [str(file) for file in sources if "asyncio.wait_for" in file.read_text("utf-8")] == []
