"""`python -m tests.manager.shaman.load` in a small size, against a real manager."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.memory import watched_memory
from tests.farm.processes import FarmProcesses, wait_until
from tests.manager.shaman import load


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[FarmProcesses]:
    with FarmProcesses(tmp_path / "farm") as farm:
        yield farm


def test_every_file_arrives_and_no_false_one_whoever_is_killed_or_lies(
    farm: FarmProcesses, tmp_path: Path
) -> None:
    project = load.make_project(tmp_path / "project", 200)
    storage = farm.data_dir / "storage"

    sent = load.send(farm, project, clients=4)
    with watched_memory(farm) as memory:
        status = load.send_large(farm, 100)
    wait_until(lambda: not load.left_over(storage))
    after_a_kill = load.kill_manager_while_receiving(farm, 8)

    stored_by_clients = list(load.problems(storage, project, sent))
    # Beside the clients' files, the two that were sent last.
    assert stored_by_clients == [
        f"{len(project.sources) + 2} files are stored, not {len(project.sources)}"
    ]
    assert sent.answers[417] > 0
    assert status == 200
    assert memory.grown("manager") < load.FLAT
    assert after_a_kill == []
