"""The shared storage is unmounted while a job renders into it, and is mounted again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.farm.lost_storage import LostStorage
from tests.farm.processes import SCALED, FarmProcesses, wait_until

SETTINGS = {**SCALED, "TABLAO_PROBE_EVERY_S": "1"}
FRAMES = 10


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[LostStorage]:
    storage = LostStorage(tmp_path / "farm" / "out")
    storage.mount()
    yield storage
    storage.unmount()


@pytest.fixture
def farm(storage: LostStorage) -> Iterator[FarmProcesses]:
    settings = {**SETTINGS, "TABLAO_SHARED_STORAGE_PATH": str(storage.folder)}
    with FarmProcesses(storage.folder.parent, frame_s=0.3, settings=settings) as farm:
        farm.start_host("ada")
        yield farm


def set_aside(farm: FarmProcesses) -> list[dict[str, Any]]:
    workers = farm.http.get("/api/tablao/v1/workers").json()["workers"]
    return [each for worker in workers for each in worker["set_aside"]]


def frames(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.png")}


def statuses(farm: FarmProcesses, job_id: str) -> list[str]:
    return [task["status"] for task in farm.tasks(job_id)]


def test_no_frame_is_lost_to_the_local_disk(farm: FarmProcesses, storage: LostStorage) -> None:
    settings = {
        "frames": f"1-{FRAMES}",
        "chunk_size": 1,
        "render_output_path": str(storage.folder / "######"),
        "blendfile": str(farm.blend_file),
        "format": "PNG",
        "image_file_extension": ".png",
        "fps": 0,
    }
    job_id = farm.submit("simple-blender-render", settings)
    wait_until(lambda: len(frames(storage.server)) >= 3)

    storage.unmount()

    [aside] = wait_until(lambda: set_aside(farm))
    assert aside["cause"] == "storage-missing"
    assert aside["reason"].startswith("The shared storage is not there: mount it. (")
    # At most the frame that was being rendered is under the mount point.
    assert len(frames(storage.folder)) <= 1
    wait_until(lambda: set(statuses(farm, job_id)) == {"completed", "queued"})
    # The last frame may be there although its task was given back: the storage was checked after.
    completed = statuses(farm, job_id).count("completed")
    assert completed <= len(frames(storage.server)) <= completed + 1

    storage.mount()

    farm.until_job_is(job_id, "completed")
    assert frames(storage.server) == {f"{number}.png" for number in range(1, FRAMES + 1)}
    assert set_aside(farm) == []
