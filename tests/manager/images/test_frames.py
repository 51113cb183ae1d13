"""Rendered frames as a sequence: which there are, and what is shown of each."""

import io
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import OpenEXR  # type: ignore[import-not-found] # compiled, and without stubs
import pytest
from PIL import Image

from activities.images.pictures import NoPreview
from manager_api.images.frame_images import FrameImages, prune
from tests.manager.api_calls import Submit

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

JobWith = Callable[..., Awaitable[str]]


@pytest.fixture
def storage(farm: "Farm") -> Path:
    path = farm.parts.settings.shared_storage_path
    path.mkdir(parents=True)
    return path


@pytest.fixture
def job_with(farm: "Farm", submit: Submit) -> JobWith:
    """A job with these settings; returns its id."""

    async def job_with(**settings: Any) -> str:
        job = await submit()
        await farm.set_job(job["id"], settings=settings)
        return str(job["id"])

    return job_with


def rendered(path: Path, size: tuple[int, int] = (64, 36), color: str = "teal") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


async def listed(api: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    answer = await api.get(f"/api/tablao/v1/jobs/{job_id}/frames")
    assert answer.status_code == 200, answer.text
    sequence: dict[str, Any] = answer.json()
    return sequence


async def test_frames_are_listed_with_those_that_are_missing(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith
) -> None:
    rendered(storage / "fan/000002.png")
    output = f"{storage}/fan/######"

    job = await job_with(render_output_path=output, frames="1-3", format="PNG", fps=25)

    sequence = await listed(api, job)
    assert [(frame["frame"], frame["exists"]) for frame in sequence["frames"]] == [
        (1, False),
        (2, True),
        (3, False),
    ]
    assert sequence["frames"][0]["url"] is None
    assert sequence["frames"][1]["path"] == f"{storage}/fan/000002.png"
    assert (sequence["pattern"], sequence["fps"]) == (f"{output}.png", 25)
    assert sequence["note"] == ""


@pytest.mark.parametrize(
    ("output", "form", "written"),
    [
        ("s/####", "PNG", ["s/0001_L.png", "s/0001_R.png"]),
        ("s/####.png", "PNG", ["s/0001_R.png"]),
        ("####.jpeg", "JPEG", ["0001.jpeg"]),
        ("####.JPG", "JPEG", ["0001.JPG"]),
        ("####.tiff", "TIFF", ["0001.tiff"]),
        ("####.exr", "PNG", ["0001.png"]),
        ("[1] ä/#", "PNG", ["[1] ä/1.png"]),
    ],
)
async def test_what_blender_wrote_is_found(
    api: httpx.AsyncClient,
    storage: Path,
    job_with: JobWith,
    output: str,
    form: str,
    written: list[str],
) -> None:
    for name in written:
        rendered(storage / name)

    job = await job_with(
        render_output_path=f"{storage}/{output}",
        frames="1-2",
        format=form,
        image_file_extension=".jpg" if form == "JPEG" else f".{form.lower()}",
    )

    (frame, missing) = (await listed(api, job))["frames"]
    assert (frame["path"], missing["exists"]) == (f"{storage}/{written[0]}", False)
    assert (await api.get(frame["url"])).headers["content-type"] == "image/jpeg"


async def test_a_frame_is_shown_as_jpeg_of_the_width_asked_for(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith
) -> None:
    rendered(storage / "0001.png", (2000, 1000))
    job = await job_with(render_output_path=f"{storage}/####", frames="1", format="PNG")
    url = (await listed(api, job))["frames"][0]["url"]

    small, large = [await api.get(f"{url}&width={width}") for width in (300, 16_000)]

    assert small.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(small.content)).size == (320, 160)
    assert Image.open(io.BytesIO(large.content)).size == (1920, 960)


async def test_who_has_the_frame_is_not_sent_it_again_until_it_is_another(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith
) -> None:
    path = rendered(storage / "0001.png")
    job = await job_with(render_output_path=f"{storage}/####", frames="1", format="PNG")
    url = (await listed(api, job))["frames"][0]["url"]
    etag = (await api.get(url)).headers["etag"]

    same = await api.get(url, headers={"if-none-match": etag})
    rendered(path, color="red")
    os.utime(path, (1, 1))
    another = (await listed(api, job))["frames"][0]["url"]
    new = await api.get(another, headers={"if-none-match": etag})

    assert same.status_code == 304
    assert another != url
    assert new.status_code == 200
    shown = Image.open(io.BytesIO(new.content)).convert("RGB").getpixel((9, 9))
    assert shown[0] > 200  # type: ignore[index] # a triple


async def test_openexr_is_tone_mapped(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith
) -> None:
    light = np.full((400, 800, 3), (0.0, 7.0, 0.0), "float16")
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": light}).write(str(storage / "1.exr"))
    job = await job_with(render_output_path=f"{storage}/#", frames="1", format="OPEN_EXR")

    answer = await api.get(f"/api/tablao/v1/jobs/{job}/frames/1?width=320")

    image = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert image.size == (320, 160)
    assert image.getpixel((9, 9))[1] > 240  # type: ignore[index] # a triple


@pytest.mark.parametrize("content", [b"", b"half a", b"v/1\x01 and so on"])
async def test_what_is_no_image_yet_has_nothing_to_show(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith, content: bytes
) -> None:
    (storage / "0001.png").write_bytes(content)
    job = await job_with(render_output_path=f"{storage}/####", frames="1", format="PNG")

    answer = await api.get(f"/api/tablao/v1/jobs/{job}/frames/1")

    assert answer.status_code == 204


async def test_variables_lead_to_the_frames(
    api: httpx.AsyncClient, farm: "Farm", job_with: JobWith
) -> None:
    rendered(farm.parts.settings.jobs_path / "fan/0001.png")

    job = await job_with(render_output_path="{jobs}/fan/####", frames="1", format="PNG")

    assert (await listed(api, job))["frames"][0]["exists"]


async def test_frames_outside_the_shared_storage_are_not_shown(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith, tmp_path: Path
) -> None:
    rendered(tmp_path / "elsewhere/0001.png")
    (storage / "way-out").symlink_to(tmp_path / "elsewhere")
    outputs = [tmp_path / "elsewhere", storage / "way-out", f"{storage}/../../elsewhere"]

    for output in outputs:
        job = await job_with(render_output_path=f"{output}/####", frames="1", format="PNG")
        sequence = await listed(api, job)
        answer = await api.get(f"/api/tablao/v1/jobs/{job}/frames/1")

        assert sequence["frames"] == []
        assert "not in the shared storage" in sequence["note"]
        assert answer.status_code == 403


async def test_a_link_in_place_of_a_frame_leads_nowhere_else(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith, tmp_path: Path
) -> None:
    (storage / "0001.png").symlink_to(rendered(tmp_path / "secret.png"))
    job = await job_with(render_output_path=f"{storage}/####", frames="1", format="PNG")

    assert (await api.get(f"/api/tablao/v1/jobs/{job}/frames/1")).status_code == 403


async def test_jobs_without_frames_say_so(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith, unknown_id: str
) -> None:
    echo = await job_with(message="olé")
    bad = await job_with(render_output_path=f"{storage}/####", format="PNG", frames="some")
    waiting = await job_with(render_output_path=f"{storage}/####", format="PNG", frames="1-2")

    assert "where it writes frames" in (await listed(api, echo))["note"]
    assert "which frames" in (await listed(api, bad))["note"]
    assert (await listed(api, waiting))["note"] == "No frame is rendered yet."
    for url in (f"{echo}/frames/1", f"{waiting}/frames/1", f"{unknown_id}/frames"):
        assert (await api.get(f"/api/tablao/v1/jobs/{url}")).status_code == 404


async def test_long_sequences_are_cut_and_say_so(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith
) -> None:
    job = await job_with(render_output_path=f"{storage}/####", format="PNG", frames="1-50000")

    sequence = await listed(api, job)

    assert (len(sequence["frames"]), sequence["total"]) == (10_000, 50_000)


async def test_a_frame_is_made_smaller_only_once(tmp_path: Path) -> None:
    images = FrameImages(tmp_path / "kept")
    path = rendered(tmp_path / "0001.png")
    first = await images.jpeg(path, "key", 320)

    path.write_bytes(b"gone")

    assert await images.jpeg(path, "key", 320) == first
    with pytest.raises(NoPreview):
        await images.jpeg(path, "another", 320)


def test_what_was_not_looked_at_for_longest_makes_room(tmp_path: Path) -> None:
    for age in range(10):
        path = tmp_path / f"frame {age // 2}" / f"{age}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(1000))
        os.utime(path, (1000 - age, 1000 - age))

    prune(tmp_path, 5_000)

    assert {path.name for path in tmp_path.rglob("*.jpg")} == {f"{age}.jpg" for age in range(4)}
    assert {path.name for path in tmp_path.iterdir()} == {"frame 0", "frame 1"}


def painted(jpeg: bytes) -> tuple[int, ...]:
    colour = Image.open(io.BytesIO(jpeg)).convert("RGB").getpixel((9, 9))
    assert isinstance(colour, tuple)
    return colour


async def test_a_frame_that_is_rendered_again_keeps_the_picture_that_was_shown(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith
) -> None:
    path = rendered(storage / "0001.png", (2000, 1000), "blue")
    job = await job_with(render_output_path=f"{storage}/####", frames="1", format="PNG")
    address = f"/api/tablao/v1/jobs/{job}/frames/1"
    os.utime(path, (1_000, 1_000))
    for width in (640, 1280):
        await api.get(f"{address}?width={width}")
    before = (await api.get(f"{address}/versions")).json()["versions"]

    rendered(path, (2000, 1000), "red")
    (version,) = (await api.get(f"{address}/versions")).json()["versions"]
    picture = await api.get(version["url"])

    assert before == []
    assert (version["saved"], version["width"]) == ("1970-01-01T00:16:40Z", 1280)
    assert picture.headers["content-type"] == "image/jpeg"
    assert painted(picture.content)[2] > 200
    assert painted((await api.get(address)).content)[0] > 200


async def test_versions_are_those_of_one_file_newest_first_and_at_most_five(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith
) -> None:
    job = await job_with(render_output_path=f"{storage}/####", frames="1-2", format="PNG")
    address = f"/api/tablao/v1/jobs/{job}/frames"
    for second in range(1, 8):
        for frame in (1, 2):
            os.utime(rendered(storage / f"000{frame}.png"), (second, second))
        await api.get(f"{address}/1?width=320")

    versions = (await api.get(f"{address}/1/versions")).json()["versions"]

    assert [each["saved"][17:20] for each in versions] == ["06Z", "05Z", "04Z", "03Z", "02Z"]
    assert (await api.get(f"{address}/2/versions")).json() == {"versions": []}


@pytest.mark.parametrize(
    ("version", "status"), [("1.1", 404), ("..%2f1", 404), ("x", 400), ("1" * 17 + ".1", 400)]
)
async def test_a_version_that_is_not_kept_is_refused(
    api: httpx.AsyncClient, storage: Path, job_with: JobWith, version: str, status: int
) -> None:
    rendered(storage / "0001.png")
    job = await job_with(render_output_path=f"{storage}/####", frames="1", format="PNG")

    answer = await api.get(f"/api/tablao/v1/jobs/{job}/frames/1/versions/{version}")

    assert answer.status_code == status, answer.text


async def test_a_frame_keeps_pictures_of_its_newest_contents_only(tmp_path: Path) -> None:
    images = FrameImages(tmp_path / "kept")
    path = rendered(tmp_path / "0001.png")

    for key in [f"{'a' * 32}-{saved:x}.ff" for saved in range(9)] + [f"{'b' * 32}-1.ff"]:
        for width in (320, 640):
            await images.jpeg(path, key, width)

    # The newest one, and five earlier ones.
    kept = {str(path.relative_to(tmp_path / "kept")) for path in (tmp_path / "kept").rglob("*.jpg")}
    assert kept == {
        *(f"{'a' * 32}/{saved}.ff-{width}.jpg" for saved in range(3, 9) for width in (320, 640)),
        *(f"{'b' * 32}/1.ff-{width}.jpg" for width in (320, 640)),
    }


async def test_versions_of_a_frame_are_looked_for_among_its_own_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = FrameImages(tmp_path / "kept")
    path = rendered(tmp_path / "0001.png")
    for file in "abc":
        await images.jpeg(path, f"{file * 32}-1.ff", 320)
    looked_at: list[str] = []
    for name in ("scandir", "listdir", "walk"):
        original = getattr(os, name)

        def watched(folder: Path, *rest: Any, original: Any = original) -> Any:
            looked_at.append(str(folder))
            return original(folder, *rest)

        monkeypatch.setattr(os, name, watched)

    found = images.earlier(f"{'a' * 32}-2.ff")

    assert [each.content for each in found] == ["1.ff"]
    assert looked_at == [str(tmp_path / "kept" / ("a" * 32))]
