"""What the manager says of itself and of the farm."""

from typing import TYPE_CHECKING, Any

import httpx

from tests.manager.api_calls import Fits, Register, Submit, eventually
from workflows.domain.statuses import JobStatus, WorkerStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


async def test_the_version_is_that_of_the_flamenco_we_stand_in_for(
    api: httpx.AsyncClient, fits: Fits
) -> None:
    answer = await api.get("/api/v3/version")

    fits("FlamencoVersion", answer.json())
    assert answer.json()["shortversion"] == answer.json()["version"] == "3.8.5"
    assert answer.json()["name"] == "Tablao"
    assert answer.json()["git"].startswith("Tablao ")


async def test_the_configuration_names_the_shared_storage(
    api: httpx.AsyncClient, farm: "Farm", fits: Fits
) -> None:
    answer = await api.get("/api/v3/configuration")

    fits("ManagerConfiguration", answer.json())
    assert answer.json() == {
        "storageLocation": str(farm.parts.settings.data_dir / "storage/jobs"),
        "shamanEnabled": True,
        "isFirstRun": True,
    }


async def test_a_farm_with_a_job_is_past_its_first_run(
    api: httpx.AsyncClient, submit: Submit
) -> None:
    await submit()

    answer = await api.get("/api/v3/configuration")

    assert answer.json()["isFirstRun"] is False


async def test_a_farm_with_a_worker_is_past_its_first_run(
    api: httpx.AsyncClient, register: Register
) -> None:
    await register()

    answer = await api.get("/api/v3/configuration")

    assert answer.json()["isFirstRun"] is False


async def test_a_farm_without_workers_is_inoperative(api: httpx.AsyncClient, fits: Fits) -> None:
    async def is_inoperative() -> bool:
        answer = await api.get("/api/v3/status")
        fits("FarmStatusReport", answer.json())
        return bool(answer.json()["status"] == "inoperative")

    await eventually(is_inoperative)


async def test_the_farms_status_follows_its_workers_and_jobs(
    api: httpx.AsyncClient,
    farm: "Farm",
    register: Register,
    submit: Submit,
    sign_on: dict[str, Any],
) -> None:
    async def has_status(status: str) -> bool:
        return bool((await api.get("/api/v3/status")).json()["status"] == status)

    carmen = await register()
    await farm.set_worker(carmen.id, status=WorkerStatus.AWAKE)
    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)
    await eventually(lambda: has_status("idle"))
    job = await submit()
    await eventually(lambda: has_status("waiting"))
    await farm.set_worker(carmen.id, status=WorkerStatus.AWAKE)
    await farm.set_job(job["id"], status=JobStatus.ACTIVE)
    await submit()
    await eventually(lambda: has_status("active"))


async def test_the_farm_tells_where_its_parts_are(api: httpx.AsyncClient) -> None:
    farm = (await api.get("/api/tablao/v1/farm")).json()

    assert farm["name"] == "Tablao"
    assert farm["flamenco_version"] == "3.8.5"
    assert farm["temporal_namespace"] == "default"
    assert {"temporal_address", "temporal_ui", "started_at", "status", "storage"} <= farm.keys()


async def test_a_manager_with_a_database_is_healthy(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/tablao/v1/health")

    assert (answer.status_code, answer.json()) == (200, {"database": True})
