"""A host looks whether what the farm has set fits its machine."""

import logging
from pathlib import Path

import pytest

from tests.worker_host.farmhouse import Farmhouse
from worker_host.provisioned import ProvisionedPrograms
from worker_host.run_table import RunTable
from workflows.domain.messages import OutcomeKind


def program(path: Path) -> str:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_programs_that_are_not_there_are_missing(tmp_path: Path) -> None:
    there, no_program = program(tmp_path / "blender"), tmp_path / "notes.txt"
    no_program.touch()
    programs = ProvisionedPrograms()

    programs.told(
        {
            "blender": {"4.5": there, "5.0": str(no_program), "on PATH": "blender-5.1"},
            "ffmpeg": str(tmp_path),
        }
    )

    assert programs.missing() == [str(no_program), str(tmp_path)]


def test_what_was_missing_may_be_installed_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    programs, path = ProvisionedPrograms(), tmp_path / "ffmpeg"
    programs.told({"ffmpeg": str(path), "environment": {"LICENSE": "s3cret"}})

    before = [programs.missing(), programs.missing()]
    program(path)

    assert [*before, programs.missing()] == [[str(path)], [str(path)], []]
    assert [record.getMessage() for record in caplog.records] == [
        "settings that the farm has for this worker: environment, ffmpeg",
        f"the farm's settings name {path}, which is no program here",
    ]


async def test_a_build_that_nobody_has_set_fails_the_task_with_a_sentence(
    house: Farmhouse, table: RunTable
) -> None:
    asked = house.ref()
    parameters = {"exe": "{blender-4.5}", "exeArgs": "-b", "blendfile": "", "args": []}

    fetch = house.commands(("blender-render", parameters))
    outcome = await house.run(table, asked, fetch)

    assert outcome.kind is OutcomeKind.FAILED
    assert 'nothing is set for "{blender-4.5}" on this worker' in outcome.reason
