"""The Makefile's steps: done once, again when their sources change, quiet unless they fail."""

import os
import subprocess
from pathlib import Path

import pytest

#: Makes `made/out` from `source/a`, and adds a line to `runs`.
MAKE = "mkdir -p made; cp source/a made/out; echo chatter; echo >> runs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/a").write_text("one")
    return tmp_path


def run(step: list[str], folder: Path, script: str = MAKE) -> "subprocess.CompletedProcess[str]":
    options = ["--title", "Making it", "--sources", "source", "--made", "made/*"]
    command = [*step, *options, "--stamp", "stamp", "--", "sh", "-ec", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text().splitlines())


def test_a_step_says_what_it_does_and_hides_the_chatter(step: list[str], folder: Path) -> None:
    done = run(step, folder)

    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == "Making it …"
    assert done.stderr.splitlines()[-1].startswith("Making it: done in ")
    assert "chatter" not in done.stderr


def test_a_step_is_done_once_also_if_its_sources_were_touched(
    step: list[str], folder: Path
) -> None:
    run(step, folder)
    os.utime(folder / "source/a")
    (folder / "source/node_modules").mkdir()
    (folder / "source/node_modules/installed").touch()

    again = run(step, folder)

    assert (again.returncode, again.stderr, runs(folder)) == (0, "", 1)


def test_a_step_is_repeated_when_a_source_changes_appears_or_goes(
    step: list[str], folder: Path
) -> None:
    run(step, folder)

    for number, change in enumerate(("echo two > source/a", "echo > source/b", "rm source/b"), 2):
        subprocess.run(["sh", "-c", change], cwd=folder, check=True)
        run(step, folder)

        assert runs(folder) == number


def test_a_step_is_repeated_when_what_it_made_is_gone(step: list[str], folder: Path) -> None:
    run(step, folder)
    (folder / "made/out").unlink()

    run(step, folder)

    assert (folder / "made/out").is_file()


def test_a_step_that_fails_shows_all_it_said_and_is_not_done(step: list[str], folder: Path) -> None:
    failed = run(step, folder, f"{MAKE}; echo broken >&2; exit 3")

    assert failed.returncode == 3
    assert "chatter\n" in failed.stderr
    assert "broken\n" in failed.stderr
    assert run(step, folder).returncode == 0
    assert runs(folder) == 2


def test_a_failed_repetition_leaves_nothing_that_counts_as_done(
    step: list[str], folder: Path
) -> None:
    run(step, folder)
    (folder / "source/a").write_text("two")
    run(step, folder, f"{MAKE}; exit 1")
    (folder / "source/a").write_text("one")

    run(step, folder)

    assert (folder / "made/out").read_text() == "one"
