"""The tools that judge the code find nothing. `make lint` runs the same commands."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["ruff", "check", "."], id="lint"),
        pytest.param(["ruff", "format", "--check", "."], id="formatting"),
        pytest.param(["mypy", "--strict"], id="types"),
        pytest.param(["lint-imports"], id="who-imports-whom"),
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

    assert tools == ["ruff check .", "ruff format --check .", "mypy --strict", "lint-imports"]
