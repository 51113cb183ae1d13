"""Where jobs' frames go: folders of their own, and paths that several jobs have."""

import asyncio
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import httpx
import pytest

from manager_api.jobs import submission
from tests.manager.api_calls import Json, Register, Submit

SETTINGS = {
    "frames": "1-2",
    "chunk_size": 1,
    "blendfile": "/shared/a.blend",
    "format": "PNG",
    "image_file_extension": ".png",
    "scene": "Scene",
    "render_output_root": "/shared/out",
    "add_path_components": 0,
}


class OneMoment(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: Any = None) -> "OneMoment":
        return cls(2026, 11, 29, 13, 40, 1, tzinfo=tz)


@pytest.fixture
def render(submit: Submit) -> Any:
    async def render(output: str, **settings: Any) -> Json:
        return await submit(
            type="simple-blender-render",
            settings={**SETTINGS, "render_output_path": output, **settings},
        )

    return render


async def test_jobs_of_one_second_have_folders_of_their_own(
    render: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "datetime", OneMoment)

    jobs = [await render("/shared/out/{timestamp}/######") for _ in range(3)]
    jobs += await asyncio.gather(*[render("/shared/out/{timestamp}/######") for _ in range(4)])
    other = await render("/shared/other/{timestamp}/######")

    folders = [PurePosixPath(job["settings"]["render_output_path"]).parent.name for job in jobs]
    assert sorted(folders) == [
        "2026-11-29_134001",
        *(f"2026-11-29_134001-{number}" for number in range(2, 8)),
    ]
    assert "/2026-11-29_134001/" in other["settings"]["render_output_path"]


async def test_tasks_render_into_the_jobs_own_folder(
    api: httpx.AsyncClient, render: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "datetime", OneMoment)
    for _ in range(2):
        job = await render("/shared/out/{timestamp}/######")

    [first, *_] = (await api.get(f"/api/v3/jobs/{job['id']}/tasks")).json()["tasks"]
    task = (await api.get(f"/api/v3/tasks/{first['id']}")).json()

    args = task["commands"][0]["parameters"]["args"]
    assert args[args.index("--render-output") + 1] == "/shared/out/2026-11-29_134001-2/######"


async def test_jobs_with_the_same_output_are_told_in_both(
    api: httpx.AsyncClient, render: Any
) -> None:
    first = await render("/shared/out/shot/######")
    alone = await render("/shared/out/shot2/######")

    second = await render("/shared/out/shot/######")

    for one, other in ((first, second), (second, first)):
        said = (await api.get(f"/api/tablao/v1/jobs/{one['id']}/same-output")).json()["jobs"]
        assert [job["id"] for job in said] == [other["id"]]
        history = (await api.get(f"/api/tablao/v1/jobs/{one['id']}/history")).json()
        texts = [each["text"] for each in history["happenings"]]
        assert [text for text in texts if other["id"] in text and "same files" in text]
    said = (await api.get(f"/api/tablao/v1/jobs/{alone['id']}/same-output")).json()
    assert said["jobs"] == []


async def test_jobs_without_an_output_path_share_none(
    api: httpx.AsyncClient, submit: Submit
) -> None:
    [job, _] = [await submit(), await submit()]

    said = (await api.get(f"/api/tablao/v1/jobs/{job['id']}/same-output")).json()

    assert said["jobs"] == []


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("C:\\out\\####", "On linux workers the output path C:\\out\\#### is no whole path"),
        ("/private/ana/####", "The output path /private/ana/#### is outside the shared storage"),
        ("{rendr}/####", "The variable {rendr} of the output path has no value"),
        ("//renders/####", "The output path /shared/renders/#### is outside the shared storage"),
        ("{jobs}/####", ""),
    ],
)
async def test_an_output_that_workers_do_not_see_is_said(
    render: Any, api: httpx.AsyncClient, register: Register, output: str, said: str
) -> None:
    await register()

    job = await render(output)

    unseen = (await api.get(f"/api/tablao/v1/jobs/{job['id']}/same-output")).json()["unseen"]
    assert [sentence[: len(said)] for sentence in unseen] == ([said] if said else [])
    noted = (await api.get(f"/api/tablao/v1/jobs/{job['id']}/history")).json()
    texts = [each["text"] for each in noted["happenings"]]
    assert all(sentence in texts for sentence in unseen)
