"""getJobTypes, getJobType."""

import httpx

from tests.manager.api_calls import Fits


async def test_job_types_are_listed_by_name(api: httpx.AsyncClient, fits: Fits) -> None:
    answer = await api.get("/api/v3/jobs/types")

    fits("AvailableJobTypes", answer.json())
    names = [job_type["name"] for job_type in answer.json()["job_types"]]
    assert names == ["echo-sleep-test", "simple-blender-render"]


async def test_a_job_type_is_found_by_name(api: httpx.AsyncClient, fits: Fits) -> None:
    answer = await api.get("/api/v3/jobs/type/simple-blender-render")

    fits("AvailableJobType", answer.json())
    settings = {setting["key"]: setting for setting in answer.json()["settings"]}
    assert settings["frames"]["required"] is True
    assert settings["chunk_size"]["type"] == "int32"


async def test_unset_fields_are_left_out_not_null(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v3/jobs/type/simple-blender-render")

    assert "null" not in answer.text


async def test_an_unknown_job_type_is_not_found(api: httpx.AsyncClient, fits: Fits) -> None:
    answer = await api.get("/api/v3/jobs/type/zapateado")

    fits("Error", answer.json())
    assert answer.status_code == answer.json()["code"] == 404
    assert "zapateado" in answer.json()["message"]
