"""After a start the texts of the list of jobs are made ready, before the list is asked for."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

from manager_api.database.engine import DatabaseBusy
from manager_api.jobs import job_list, list_filling
from manager_api.jobs.list_filling import JobListFilling
from tests.manager.api_calls import Submit

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

LISTS = ("/api/v3/jobs", "/api/tablao/v1/jobs")


@pytest.fixture(autouse=True)
def _as_after_a_start() -> Iterator[None]:
    job_list._last_texts.clear()
    yield
    job_list._last_texts.clear()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of jobs whose text was made."""
    made: list[str] = []
    as_json = job_list.as_json

    def noted(row: job_list.ListedJob, tasks_stuck: int, answer: job_list.Answer) -> bytes:
        made.append(row.id)
        return as_json(row, tasks_stuck, answer)

    monkeypatch.setattr(job_list, "as_json", noted)
    return made


async def test_both_lists_find_their_texts(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, made: list[str]
) -> None:
    jobs = [await submit(name=name) for name in ("uno", "dos", "tres")]
    listed = [(await api.get(path)).json()["jobs"] for path in LISTS]
    job_list._last_texts.clear()

    await JobListFilling(farm.parts.database).run()
    made.clear()

    assert [(await api.get(path)).json()["jobs"] for path in LISTS] == listed
    assert {job["id"] for job in listed[0]} == {job["id"] for job in jobs}
    assert made == []


async def test_other_work_goes_on_meanwhile(
    farm: "Farm", submit: Submit, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_filling, "_AT_A_TIME", 1)
    monkeypatch.setattr(list_filling, "_PAUSE_S", 0)
    await submit(name="uno")
    await submit(name="dos")
    most = 0
    filling = asyncio.create_task(JobListFilling(farm.parts.database).run())

    while not filling.done():
        before = len(made)
        await asyncio.sleep(0)
        most = max(most, len(made) - before)

    assert (len(made), most) == (4, 1)


async def test_a_busy_database_is_no_mistake(
    farm: "Farm", monkeypatch: pytest.MonkeyPatch, made: list[str]
) -> None:
    async def busy(_: object) -> None:
        raise DatabaseBusy("every connection is in use")

    monkeypatch.setattr(job_list, "all_jobs", busy)

    await JobListFilling(farm.parts.database).run()

    assert made == []
