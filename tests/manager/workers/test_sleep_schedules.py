"""Sleep schedules: saved, shown, applied at once and when they are due."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import update

from activities.keeping import Superseded
from manager_api.database.epoch import next_epoch
from manager_api.database.tables import SleepScheduleRow
from manager_api.workers import sleep_store as sleep_schedules
from manager_api.workers import store as workers
from manager_api.workers.sleep_schedules import SleepDuty
from tests.manager.api_calls import Fits, Register
from workflows.domain.sleep_schedule import SleepSchedule
from workflows.domain.statuses import WorkerStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

ALWAYS = {"is_active": True, "days_of_week": "", "start_time": "", "end_time": ""}
#: What is said of these may hold or not just now; what counts is that they are kept so.
NIGHTS = {"is_active": True, "days_of_week": "Mo fr", "start_time": "22:00", "end_time": "6:00"}


def url(worker_id: str) -> str:
    return f"/api/v3/worker-mgt/workers/{worker_id}/sleep-schedule"


async def wish(api: httpx.AsyncClient, worker_id: str) -> Any:
    worker = (await api.get(f"/api/v3/worker-mgt/workers/{worker_id}")).json()
    return worker.get("status_change")


async def epoch_of(farm: "Farm") -> int:
    async with farm.parts.database.writing() as session:
        return await next_epoch(session)


async def test_a_worker_without_a_schedule_has_none_nor_has_one_that_is_none(
    api: httpx.AsyncClient, register: Register, unknown_id: str
) -> None:
    carmen = await register()

    answers = [await api.get(url(each)) for each in (carmen.id, unknown_id)]

    assert [(a.status_code, a.content) for a in answers] == [(204, b""), (204, b"")]


async def test_a_schedule_is_kept_over_midnight_and_shown_in_its_own_words(
    api: httpx.AsyncClient, register: Register, fits: Fits
) -> None:
    carmen = await register()

    saved = await api.post(url(carmen.id), json=NIGHTS)

    shown = await api.get(url(carmen.id))
    fits("WorkerSleepSchedule", shown.json())
    assert saved.status_code == 204
    assert shown.json() == NIGHTS | {"days_of_week": "mo fr", "end_time": "06:00"}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"days_of_week": "m"}, '"m" is no day of the week'),
        ({"days_of_week": "mo-fr"}, '"mo-fr" is no day of the week'),
        ({"start_time": "25:99"}, '"25:99" is no time of the day'),
        ({"end_time": "six"}, '"six" is no time of the day'),
        ({"is_active": "yes"}, "is_active"),
        ({"end_time": None}, "end_time"),
    ],
)
async def test_a_schedule_that_means_nothing_is_refused_with_a_sentence(
    api: httpx.AsyncClient, register: Register, fields: dict[str, Any], why: str
) -> None:
    carmen = await register()

    answer = await api.post(url(carmen.id), json=NIGHTS | fields)

    assert (answer.status_code, why in answer.json()["message"]) == (400, True), answer.text
    assert (await api.get(url(carmen.id))).status_code == 204


async def test_a_schedule_for_a_worker_that_is_none(
    api: httpx.AsyncClient, unknown_id: str, fits: Fits
) -> None:
    unknown = await api.post(url(unknown_id), json=NIGHTS)
    no_id = [await api.post(url("carmen"), json=NIGHTS), await api.get(url("carmen"))]

    fits("Error", unknown.json())
    assert unknown.status_code == 404
    assert [answer.status_code for answer in no_id] == [400, 400]


@pytest.mark.parametrize(
    ("status", "schedule", "asked"),
    [
        (WorkerStatus.AWAKE, ALWAYS, "asleep"),
        (WorkerStatus.OFFLINE, ALWAYS, "asleep"),
        (WorkerStatus.ASLEEP, ALWAYS, None),
        (WorkerStatus.ERROR, ALWAYS, None),
        (WorkerStatus.ASLEEP, ALWAYS | {"is_active": False}, "awake"),
        (WorkerStatus.OFFLINE, ALWAYS | {"is_active": False}, "awake"),
        (WorkerStatus.AWAKE, ALWAYS | {"is_active": False}, None),
    ],
)
async def test_saving_a_schedule_asks_at_once_for_what_it_says(
    api: httpx.AsyncClient,
    farm: "Farm",
    register: Register,
    fits: Fits,
    status: WorkerStatus,
    schedule: dict[str, Any],
    asked: str | None,
) -> None:
    carmen = await register()
    await farm.set_worker(carmen.id, status=status)

    await api.post(url(carmen.id), json=schedule)

    expected = {"status": asked, "is_lazy": False} if asked else None
    assert await wish(api, carmen.id) == expected
    told = await farm.told("/workers")
    assert [event.get("status_change") for event in told] == ([expected] if asked else [])
    for event in told:
        fits("EventWorkerUpdate", event)


@pytest.mark.parametrize(("schedule", "status"), [(ALWAYS, "asleep"), (None, "awake")])
async def test_who_signs_on_becomes_what_the_schedule_says(
    api: httpx.AsyncClient,
    farm: "Farm",
    register: Register,
    sign_on: dict[str, Any],
    schedule: dict[str, Any] | None,
    status: str,
) -> None:
    carmen = await register()
    if schedule is not None:
        await api.post(url(carmen.id), json=schedule)
        await farm.set_worker(carmen.id, status_requested=None)

    answer = await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)

    assert answer.json() == {"status_requested": status}


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def test_the_keeper_sends_to_sleep_and_wakes_when_it_is_due(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    carmen, paco = await register("carmen"), await register("paco")
    for each in (carmen, paco):
        await farm.set_worker(each.id, status=WorkerStatus.AWAKE)
    clock = Clock(datetime(2026, 5, 4, 12).astimezone(UTC))  # a Monday, by this machine's clock
    night = SleepSchedule.parse(
        is_active=True, days_of_week="mo", start_time="22:00", end_time="06:00"
    )
    async with farm.parts.database.writing() as session:
        row = await workers.existing_worker_to_change(session, carmen.id)
        await sleep_schedules.save(session, row, night, clock.now)
    duty, epoch = SleepDuty(farm.parts.database, clock=clock), await epoch_of(farm)

    async def at(hours: float) -> Any:
        clock.now = datetime(2026, 5, 4).astimezone(UTC) + timedelta(hours=hours)
        await duty.look(epoch)
        return await wish(api, carmen.id)

    assert await at(21.9) is None
    assert await at(22.1) == {"status": "asleep", "is_lazy": False}
    await farm.set_worker(carmen.id, status=WorkerStatus.ASLEEP, status_requested=None)
    assert await at(29.9) is None
    assert await at(30.1) == {"status": "awake", "is_lazy": False}
    assert await wish(api, paco.id) is None


async def test_between_two_boundaries_people_have_the_say(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    carmen = await register()
    await farm.set_worker(carmen.id, status=WorkerStatus.ASLEEP)
    await api.post(url(carmen.id), json=ALWAYS)
    await api.post(
        f"/api/v3/worker-mgt/workers/{carmen.id}/setstatus",
        json={"status": "awake", "is_lazy": True},
    )

    await SleepDuty(farm.parts.database).look(await epoch_of(farm))

    assert await wish(api, carmen.id) == {"status": "awake", "is_lazy": True}


async def test_a_boundary_overrides_what_people_asked_for(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    carmen = await register()
    await farm.set_worker(carmen.id, status=WorkerStatus.AWAKE)
    await api.post(url(carmen.id), json=ALWAYS)
    await farm.set_worker(carmen.id, status_requested=WorkerStatus.OFFLINE, is_lazy_request=True)
    now = datetime.now(UTC) + timedelta(days=1)

    await SleepDuty(farm.parts.database, clock=Clock(now)).look(await epoch_of(farm))

    assert await wish(api, carmen.id) == {"status": "asleep", "is_lazy": False}


async def test_a_keeper_that_was_overtaken_asks_nothing(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    carmen = await register()
    await api.post(url(carmen.id), json=ALWAYS)
    await farm.set_worker(carmen.id, status=WorkerStatus.AWAKE, status_requested=None)
    old, _ = await epoch_of(farm), await epoch_of(farm)
    duty = SleepDuty(farm.parts.database, clock=Clock(datetime.now(UTC) + timedelta(days=1)))

    with pytest.raises(Superseded):
        await duty.look(old)

    assert await wish(api, carmen.id) is None


async def test_a_schedule_that_cannot_be_read_holds_up_nobody_elses(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    broken, carmen = await register("broken"), await register("carmen")
    for each in (broken, carmen):
        await api.post(url(each.id), json=ALWAYS)
        await farm.set_worker(each.id, status=WorkerStatus.AWAKE, status_requested=None)
    async with farm.parts.database.writing() as session:
        row = update(SleepScheduleRow).where(SleepScheduleRow.worker_id == broken.id)
        await session.execute(row.values(start_time="25:99"))
    duty = SleepDuty(farm.parts.database, clock=Clock(datetime.now(UTC) + timedelta(days=1)))

    await duty.look(await epoch_of(farm))

    assert await wish(api, broken.id) is None
    assert await wish(api, carmen.id) == {"status": "asleep", "is_lazy": False}
