"""A manager that starts looks for no garbage until it serves."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import manager_api.main
from manager_api.cli import farm
from manager_api.cli.main import app


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_garbage_is_looked_for_only_after_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []

    def run_manager(_configuration: object) -> None:
        looks.append(gc.isenabled())
        manager_api.main._leave_the_start_alone()
        looks.append(gc.isenabled())

    monkeypatch.setattr(manager_api.main, "run_manager", run_manager)
    monkeypatch.setattr(farm, "end_with", lambda serve: serve())

    CliRunner().invoke(app, ["manager", "--data-dir", str(tmp_path)], catch_exceptions=False)

    assert looks == [False, True]
    assert gc.get_freeze_count() > 0
