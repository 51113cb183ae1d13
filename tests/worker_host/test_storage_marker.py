"""The shared storage is mounted, is not, or goes away in the middle: a real mount."""

import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from tests.farm.small_disk import SmallDisk, small_disk
from tests.worker_host.farmhouse import Farmhouse
from worker_host.asides import Asides
from worker_host.folders import sees, storage_trouble
from worker_host.machine_faults import MachineFaults
from worker_host.run_table import RunTable
from workflows.domain.messages import Outcome, OutcomeKind
from workflows.domain.storage_marker import NAME, SharedStorage, id_in

#: Renders frame 1, as Blender says it, after what `$BEFORE` does.
RENDERS = """#!/bin/sh
echo "Read blend: /a.blend"
$BEFORE
mkdir -p "$OUT"
cp "$FRAME" "$OUT/0001.png"
echo "Fra:1 Mem:9.90M"
echo "Saved: '$OUT/0001.png'"
echo "Blender quit"
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "storage", size_mb=2) as disk:
        yield disk


@pytest.fixture
def storage(disk: SmallDisk) -> SharedStorage:
    marker = str(uuid4())
    (disk.folder / NAME).write_text(f"{marker}\n")
    return SharedStorage(str(disk.folder), marker)


async def render(
    house: Farmhouse, table: RunTable, folder: Path, storage: SharedStorage, before: str = ""
) -> Outcome:
    Image.new("RGB", (8, 8)).save(folder / "frame.png")
    (folder / "a.blend").touch()
    output = Path(storage.path) / "shot"
    blender = folder / "blender"
    text = RENDERS.replace("$BEFORE", before).replace("$OUT", str(output))
    blender.write_text(text.replace("$FRAME", str(folder / "frame.png")))
    blender.chmod(blender.stat().st_mode | stat.S_IXUSR)
    parameters = {
        "exe": str(blender),
        "blendfile": str(folder / "a.blend"),
        "args": ["-o", f"{output}/####", "-F", "PNG", "-f", "1"],
    }
    commands = house.commands(("blender-render", parameters), storage=storage)
    return await house.run(table, house.ref(), commands)


def unmount(storage: SharedStorage) -> None:
    subprocess.run(["umount", storage.path], check=True)


def mark(storage: SharedStorage) -> None:
    (Path(storage.path) / NAME).write_text(f"{uuid4()}\n")


def is_written(storage: SharedStorage) -> bool:
    return any(Path(storage.path).iterdir())


async def test_a_storage_that_is_there_is_written(
    house: Farmhouse, table: RunTable, tmp_path: Path, storage: SharedStorage
) -> None:
    outcome = await render(house, table, tmp_path, storage)

    assert outcome.kind is OutcomeKind.COMPLETED, outcome


async def test_nothing_is_written_to_an_empty_mount_point(
    house: Farmhouse, table: RunTable, tmp_path: Path, storage: SharedStorage
) -> None:
    unmount(storage)

    outcome = await render(house, table, tmp_path, storage)

    assert (outcome.kind, outcome.fault, outcome.rule) == ("failed", "machine", "storage-missing")
    assert outcome.reason.startswith("The shared storage is not there: mount it. (")
    assert not is_written(storage)


async def test_a_storage_that_goes_away_in_the_middle_completes_nothing(
    house: Farmhouse, table: RunTable, tmp_path: Path, storage: SharedStorage
) -> None:
    outcome = await render(house, table, tmp_path, storage, before=f"umount '{storage.path}'")

    assert (outcome.fault, outcome.rule) == ("machine", "storage-missing")
    assert house.hooks.faults == ["storage-missing"]


async def test_another_storage_at_the_same_path_is_not_the_farms(
    house: Farmhouse, table: RunTable, tmp_path: Path, storage: SharedStorage
) -> None:
    mark(storage)

    outcome = await render(house, table, tmp_path, storage)

    assert outcome.rule == "storage-missing"


def test_only_what_writes_there_needs_the_storage(storage: SharedStorage, tmp_path: Path) -> None:
    gone = SharedStorage(storage.path, str(uuid4()))

    assert storage_trouble(gone, [f"{storage.path}/a/b"]) is not None
    assert storage_trouble(gone, [storage.path]) is not None
    assert storage_trouble(gone, [f"{storage.path}2", str(tmp_path)]) is None
    assert storage_trouble(gone, []) is None
    assert storage_trouble(SharedStorage(), [storage.path]) is None


def test_the_worker_takes_tasks_again_when_the_storage_is_back(
    storage: SharedStorage, tmp_path: Path
) -> None:
    asides = Asides(1, lambda: None)
    faults = MachineFaults(asides, runs_dir=tmp_path, min_free=0, task_types=(), tools={})
    faults.storage_is(storage)
    marker = Path(storage.path) / NAME
    content = marker.read_bytes()
    marker.unlink()
    outcome = Outcome(OutcomeKind.FAILED, "gone", fault="machine", rule="storage-missing")

    faults.run_failed(outcome, ())

    assert asides.reason == "gone"
    assert not sees(storage)
    marker.write_bytes(content)
    assert sees(storage)


def test_a_pipe_in_the_markers_place_is_no_marker(storage: SharedStorage) -> None:
    marker = Path(storage.path) / NAME
    marker.unlink()
    os.mkfifo(marker)
    seen: list[bool] = []
    looking = threading.Thread(target=lambda: seen.append(sees(storage)), daemon=True)

    looking.start()
    looking.join(60)

    assert seen == [False]


@pytest.mark.parametrize("content", [b"", b"no id", b"\xff" * 36, b"x" * 10_000])
def test_other_files_are_no_markers(content: bytes) -> None:
    assert id_in(content) == ""
