"""Previews of frames: whatever a browser shows comes through, the newest first."""

import asyncio
import io
from pathlib import Path

import numpy as np
import OpenEXR  # type: ignore[import-not-found] # compiled, and without stubs
import pytest
from PIL import Image

from activities.images.pictures import FITS_IN, NoPreview, jpegs
from tests.farm.ids import JOB
from worker_host.images import Previews
from workflows.domain.messages import RunKey

KEY = RunKey(JOB, 1, 1, 1)


def saved(path: Path, mode: str = "RGB", color: object = None) -> Path:
    Image.new(mode, (8, 4), color).save(path)  # type: ignore[arg-type] # it takes what fits the mode
    return path


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


async def as_jpeg(path: Path) -> bytes:
    [jpeg] = await jpegs(path, [FITS_IN])
    return jpeg


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
async def test_images_become_jpegs_of_the_same_size(tmp_path: Path, suffix: str) -> None:
    jpeg = opened(await as_jpeg(saved(tmp_path / f"0001.{suffix}", color=(200, 30, 30))))

    assert (jpeg.format, jpeg.size) == ("JPEG", (8, 4))


async def test_what_is_transparent_becomes_black(tmp_path: Path) -> None:
    jpeg = opened(await as_jpeg(saved(tmp_path / "0001.png", "RGBA", (255, 255, 255, 0))))

    assert jpeg.getpixel((3, 2)) == (0, 0, 0)


async def test_sixteen_bits_of_gray_keep_their_brightness(tmp_path: Path) -> None:
    jpeg = opened(await as_jpeg(saved(tmp_path / "0001.png", "I;16", 128 * 256)))

    assert jpeg.convert("L").getpixel((3, 2)) == pytest.approx(128, abs=2)


async def test_other_formats_have_no_preview(tmp_path: Path) -> None:
    for name, content in {"0001.exr": b"v/1\x01 and so on", "0001.hdr": b"#?RADIANCE"}.items():
        (tmp_path / name).write_bytes(content)

        with pytest.raises(NoPreview):
            await as_jpeg(tmp_path / name)


async def test_of_many_frames_the_newest_is_sent(tmp_path: Path) -> None:
    sent: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(_key: RunKey, jpeg: bytes) -> None:
        await sent.put(jpeg)

    previews = Previews(send)
    for number in range(1, 5):
        previews.saved(KEY, saved(tmp_path / f"{number}.png", color=(60 * number, 0, 0)))
    running = asyncio.create_task(previews.run())

    jpeg = opened(await asyncio.wait_for(sent.get(), 10))

    assert jpeg.convert("RGB").getpixel((3, 2))[0] == pytest.approx(240, abs=6)  # type: ignore[index] # a triple
    assert sent.empty()
    running.cancel()


async def test_an_openexr_frame_is_sent_as_jpeg(tmp_path: Path) -> None:
    sent: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(_key: RunKey, jpeg: bytes) -> None:
        await sent.put(jpeg)

    light = np.full((4, 8, 3), (0.0, 1.0, 0.0), "float16")
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": light}).write(str(tmp_path / "1.exr"))
    previews = Previews(send)
    running = asyncio.create_task(previews.run())

    previews.saved(KEY, tmp_path / "1.exr")

    jpeg = opened(await asyncio.wait_for(sent.get(), 60)).convert("RGB")
    assert jpeg.size == (8, 4)
    assert jpeg.getpixel((3, 2))[1] > 200  # type: ignore[index] # a triple
    running.cancel()


async def test_what_goes_wrong_with_one_preview_does_not_cost_the_next(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent: asyncio.Queue[RunKey] = asyncio.Queue()

    async def send(key: RunKey, _jpeg: bytes) -> None:
        await sent.put(key)

    previews = Previews(send)
    running = asyncio.create_task(previews.run())
    Image.effect_noise((64, 64), 50).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:2000])
    for bad in (tmp_path / "missing.png", tmp_path / "cut.png"):
        previews.saved(KEY, bad)
        async with asyncio.timeout(10):
            while bad.name not in caplog.text:  # noqa: ASYNC110 - a log record sets no event
                await asyncio.sleep(0.005)

    previews.saved(KEY, tmp_path / "whole.png")

    assert await asyncio.wait_for(sent.get(), 10) == KEY
    running.cancel()
