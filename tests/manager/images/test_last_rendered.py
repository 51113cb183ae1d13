"""taskOutputProduced, and the images that come of it."""

import asyncio
import io
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image
from sqlalchemy import update

from activities.images.pictures import NoPreview
from manager_api.contract.errors import TooMany
from manager_api.database.engine import utc_now
from manager_api.database.loops import begin
from manager_api.database.tables import LeaseRow, LeaseState, TaskRow
from manager_api.images.scaling import SMALLEST, LastRendered, scale
from tests.manager.api_calls import Fits, Register, Submit, TasksOf, eventually
from tests.manager.stand_in_farm import Credentials
from workflows.domain.statuses import TaskStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

JPEG = {"content-type": "image/jpeg"}


def image(width: int, height: int, form: str = "JPEG", mode: str = "RGB") -> bytes:
    content = io.BytesIO()
    Image.new(mode, (width, height)).save(content, form)
    return content.getvalue()


@pytest.fixture
async def task(submit: Submit, tasks_of: TasksOf) -> dict[str, Any]:
    job = await submit()
    task: dict[str, Any] = (await tasks_of(job["id"]))[0]
    return task | {"job_id": job["id"]}


class Holder:
    """Registers a worker that is lent to a job."""

    def __init__(self, farm: "Farm", register: Register) -> None:
        self._farm = farm
        self._register = register

    async def __call__(self, job_id: str, state: LeaseState = LeaseState.HELD) -> Credentials:
        worker = await self._register()
        lease = LeaseRow(
            id=str(uuid4()), worker_id=worker.id, session=1, slot=0, generation=1,
            job_id=job_id, run=1, state=state, epoch=1, changed=utc_now(),
        )  # fmt: skip
        async with self._farm.parts.database.writing() as session:
            session.add(lease)
        return worker


@pytest.fixture
def holder(farm: "Farm", register: Register) -> Holder:
    return Holder(farm, register)


@pytest.fixture
def shown(farm: "Farm") -> Callable[[], Awaitable[dict[str, Any]]]:
    """Waits for the event of a new image."""

    async def shown() -> dict[str, Any]:
        event: dict[str, Any] = (await eventually(lambda: farm.told("/last-rendered")))[-1]
        return event

    return shown


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (image(4000, 2000), "image/jpeg"),
        (image(4000, 2000, "PNG"), "image/png"),
        (image(4000, 2000, "PNG", "RGBA"), "image/png"),
        (image(4000, 2000, "PNG", "I;16"), "image/png"),
        (image(4000, 2000, "JPEG", "CMYK"), "image/jpeg"),
    ],
)
async def test_an_image_is_scaled_and_told_of(
    api: httpx.AsyncClient,
    farm: "Farm",
    task: dict[str, Any],
    holder: Holder,
    shown: Any,
    content: bytes,
    media_type: str,
) -> None:
    answer = await api.post(
        f"/api/v3/worker/task/{task['id']}/output-produced",
        content=content,
        headers={"content-type": media_type},
        auth=await holder(task["job_id"]),
    )

    assert (answer.status_code, answer.content) in [(202, b""), (202, b"null")]
    event = await shown()
    assert event["job_id"] == task["job_id"]
    assert await farm.told(f"/jobs/{task['job_id']}/last-rendered") == [event]
    sizes = []
    for suffix in event["thumbnail"]["suffixes"]:
        got = await api.get(f"{event['thumbnail']['base']}/{suffix}")
        assert got.headers["content-type"] == "image/jpeg"
        sizes.append(Image.open(io.BytesIO(got.content)).size)
    assert sizes == [(1920, 960), (600, 300), (200, 100)]


async def test_a_small_image_is_not_enlarged(tmp_path: Path) -> None:
    done = asyncio.Event()

    async def told(_job_id: str) -> bool:
        done.set()
        return True

    images = LastRendered(lambda job_id: tmp_path / job_id, told)
    images.offer("job", "image/png", image(300, 150, "PNG"))
    async with AsyncExitStack() as stack, asyncio.timeout(10):
        await begin(stack, {"images": images})
        await done.wait()

    assert Image.open(tmp_path / "job/last-rendered.jpg").size == (300, 150)
    assert Image.open(tmp_path / "job/last-rendered-tiny.jpg").size == (200, 100)
    assert images.has_image("job")


async def test_a_newer_image_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    told: list[str] = []
    quiet = asyncio.Event()

    async def tell(job_id: str) -> bool:
        told.append(job_id)
        if job_id == "quiet":
            quiet.set()
        return True

    images = LastRendered(lambda job_id: tmp_path / job_id, tell)
    for width in range(10, 500, 10):
        images.offer("chatty", "image/png", image(width, 10, "PNG"))
    images.offer("quiet", "image/png", image(10, 10, "PNG"))
    async with AsyncExitStack() as stack, asyncio.timeout(10):
        await begin(stack, {"images": images})
        await quiet.wait()

    assert told == ["chatty", "quiet"]
    assert Image.open(tmp_path / "chatty/last-rendered.jpg").size == (490, 10)


async def test_images_of_too_many_jobs_are_refused(tmp_path: Path) -> None:
    async def tell(_job_id: str) -> bool:
        return True

    images = LastRendered(lambda job_id: tmp_path / job_id, tell)

    def offer_a_hundred() -> None:
        for number in range(100):
            images.offer(str(number), "image/png", image(10, 10, "PNG"))

    with pytest.raises(TooMany):
        offer_a_hundred()


@pytest.mark.parametrize("content", [b"no image", image(10, 10)[:-20], image(10, 10, "PNG")])
async def test_what_is_no_such_image_is_dropped_and_the_next_one_shown(
    api: httpx.AsyncClient,
    farm: "Farm",
    task: dict[str, Any],
    holder: Holder,
    shown: Any,
    content: bytes,
) -> None:
    carmen = await holder(task["job_id"])
    url = f"/api/v3/worker/task/{task['id']}/output-produced"

    first = await api.post(url, content=content, headers=JPEG, auth=carmen)
    second = await api.post(url, content=image(20, 20), headers=JPEG, auth=carmen)

    assert (first.status_code, second.status_code) == (202, 202)
    await shown()


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("image/png", image(8000, 5000, "PNG", "1")),
        ("image/png", image(70_000, 1, "PNG", "1")),
        ("image/jpeg", image(14_000, 9_700, "JPEG", "L")),
    ],
)
async def test_a_small_file_that_is_a_huge_image_is_not_decoded(
    tmp_path: Path, media_type: str, content: bytes
) -> None:
    with pytest.raises(NoPreview, match="too many for a preview"):
        await scale(tmp_path, media_type, content)

    assert os.listdir(tmp_path) == []


async def ended(farm: "Farm", task_id: str, worker_id: str, **ago: int) -> None:
    """The worker's task has ended, so long ago."""
    values = {"status": TaskStatus.COMPLETED, "worker_id": worker_id}
    async with farm.parts.database.writing() as session:
        change = update(TaskRow).where(TaskRow.id == task_id)
        await session.execute(change.values(**values, ended_at=utc_now() - timedelta(**ago)))


@pytest.mark.parametrize("state", LeaseState)
async def test_an_image_counts_while_its_worker_is_lent_to_the_job(
    api: httpx.AsyncClient, task: dict[str, Any], holder: Holder, state: LeaseState
) -> None:
    carmen = await holder(task["job_id"], state)
    url = f"/api/v3/worker/task/{task['id']}/output-produced"

    answer = await api.post(url, content=image(9, 9), headers=JPEG, auth=carmen)

    assert answer.status_code == (409 if state is LeaseState.RETURNED else 202)


@pytest.mark.parametrize(("ago", "status"), [({"seconds": 1}, 202), ({"minutes": 6}, 409)])
async def test_the_last_images_of_a_task_may_be_a_little_late(
    api: httpx.AsyncClient,
    farm: "Farm",
    task: dict[str, Any],
    register: Register,
    ago: dict[str, int],
    status: int,
) -> None:
    carmen, paco = await register("carmen"), await register("paco")
    await ended(farm, task["id"], carmen.id, **ago)
    url = f"/api/v3/worker/task/{task['id']}/output-produced"

    answers = [
        await api.post(url, content=image(9, 9), headers=JPEG, auth=auth) for auth in (carmen, paco)
    ]

    assert [answer.status_code for answer in answers] == [status, 409]
    assert answers[1].json()["message"] == f'task "{task["id"]}" is not assigned to this worker'


async def test_no_worker_sends_images_for_another_job(
    api: httpx.AsyncClient,
    farm: "Farm",
    task: dict[str, Any],
    holder: Holder,
    submit: Submit,
) -> None:
    carmen = await holder((await submit())["id"])
    url = f"/api/v3/worker/task/{task['id']}/output-produced"

    answer = await api.post(url, content=image(9, 9), headers=JPEG, auth=carmen)

    assert answer.status_code == 409
    assert await farm.told("/last-rendered") == []


async def test_refusals_are_flamencos(
    api: httpx.AsyncClient, task: dict[str, Any], holder: Holder, unknown_id: str
) -> None:
    carmen = await holder(task["job_id"])
    url = f"/api/v3/worker/task/{task['id']}/output-produced"
    unknown = f"/api/v3/worker/task/{unknown_id}/output-produced"

    exr = await api.post(url, content=b"x", headers={"content-type": "image/x-exr"}, auth=carmen)
    empty = await api.post(url, content=b"", headers=JPEG, auth=carmen)
    large = await api.post(url, content=bytes(26_214_401), headers=JPEG, auth=carmen)
    nobodys = await api.post(unknown, content=image(9, 9), headers=JPEG, auth=carmen)
    stranger = await api.post(url, content=image(9, 9), headers=JPEG)

    assert (exr.status_code, exr.json().keys()) == (400, {"message"})
    assert (empty.status_code, empty.json().keys()) == (400, {"message"})
    assert (large.status_code, large.json()["code"]) == (413, 413)
    assert nobodys.status_code == 404
    assert isinstance(nobodys.json(), str)
    assert stranger.status_code == 403


async def test_where_the_images_are_is_told_of_a_job_and_of_the_farm(
    api: httpx.AsyncClient,
    task: dict[str, Any],
    submit: Submit,
    holder: Holder,
    shown: Any,
    fits: Fits,
    unknown_id: str,
) -> None:
    without = (await submit())["id"]
    before = await api.get("/api/v3/jobs/last-rendered")
    await api.post(
        f"/api/v3/worker/task/{task['id']}/output-produced",
        content=image(400, 200),
        headers=JPEG,
        auth=await holder(task["job_id"]),
    )
    event = await shown()

    of_job = await api.get(f"/api/v3/jobs/{task['job_id']}/last-rendered")
    of_farm = await api.get("/api/v3/jobs/last-rendered")

    assert (of_job.status_code, of_farm.status_code) == (200, 200)
    assert of_job.json() == of_farm.json() == event["thumbnail"]
    fits("JobLastRenderedImageInfo", of_job.json())
    assert before.status_code == 204
    for job_id, status in ((without, 204), (unknown_id, 204), ("palmas", 400)):
        assert (await api.get(f"/api/v3/jobs/{job_id}/last-rendered")).status_code == status


async def test_an_image_of_a_job_that_is_gone_meanwhile_leaves_nothing(
    api: httpx.AsyncClient,
    farm: "Farm",
    task: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id = task["job_id"]
    await api.delete(f"/api/v3/jobs/{job_id}")
    images, directory = farm.parts.last_rendered, farm.parts.logs.job_directory(job_id)

    images.offer(job_id, "image/png", image(10, 10, "PNG"))
    images.offer("0000", "image/png", b"the next one")

    async def is_worked_off() -> bool:
        return "image dropped" in caplog.text

    await eventually(is_worked_off)
    assert not directory.exists()
    assert await farm.told("/last-rendered") == []


async def test_the_newest_image_of_each_job_is_listed_newest_first(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    jobs = [(await submit(name=name))["id"] for name in ("soleá", "seguiriya", "tangos", "none")]
    for age, job_id in enumerate(jobs[:3]):
        directory = farm.parts.logs.job_directory(job_id)
        await scale(directory, "image/jpeg", image(64, 36))
        os.utime(directory / SMALLEST, (1_000_000 - age, 1_000_000 - age))

    answer = await api.get("/api/tablao/v1/last-rendered?limit=2")

    first, second = answer.json()["images"]
    assert (first["name"], second["name"]) == ("soleá", "seguiriya")
    assert first["shown_at"] == "1970-01-12T13:46:40Z"
    assert (await api.get(f"{first['base']}/{first['suffixes'][0]}")).status_code == 200
