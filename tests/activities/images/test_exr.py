"""OpenEXR frames for people to look at: what is shown of them, and what a bad one can do."""

import io
import os
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR  # type: ignore[import-not-found] # compiled, and without stubs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from activities.images import pictures
from activities.images.decoder import jpegs
from activities.images.exr import NoPreview, choose, shown
from activities.images.pictures import FITS_IN, FRAMES
from worker_host.processes.environment import clean_environment

WIDTH, HEIGHT = 64, 36
Channels = dict[str, Any]


def plane(value: float, kind: str = "float16") -> Any:
    return np.full((HEIGHT, WIDTH), value, kind)


def color(layer: str, red: float, green: float, blue: float, kind: str = "float16") -> Channels:
    values = zip("RGB", (red, green, blue), strict=True)
    return {f"{layer}.{c}" if layer else c: plane(value, kind) for c, value in values}


def written(path: Path, *parts: Channels, **header: Any) -> Path:
    base = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION, **header}
    if len(parts) == 1:
        OpenEXR.File(base, parts[0]).write(str(path))
    else:
        whole = [OpenEXR.Part({**base, "name": f"part{n}"}, part) for n, part in enumerate(parts)]
        OpenEXR.File(whole).write(str(path))
    return path


def coded(light: float) -> float:
    """As the sRGB standard has it, below the shoulder; above, bent."""
    [[pixel]] = shown([np.array([[light]], np.float32)])
    return float(pixel) / 255


def as_jpeg(path: str) -> bytes:
    """What the child process does."""
    [jpeg] = jpegs(path, [FITS_IN], FRAMES)
    return jpeg


def middle(path: Path) -> tuple[int, int, int]:
    image = Image.open(io.BytesIO(as_jpeg(str(path))))
    pixel = image.getpixel((image.width // 2, image.height // 2))
    assert isinstance(pixel, tuple)
    return pixel  # type: ignore[return-value] # of an RGB image


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_middle_gray_looks_as_the_screens_standard_has_it(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path / "a.exr", color("", 0.18, 0.18, 0.18, kind))

    assert middle(path) == pytest.approx((118, 118, 118), abs=2)


def test_of_layers_the_combined_one_is_shown(tmp_path: Path) -> None:
    layers = (
        color("ViewLayer.Albedo", 0, 0, 1)
        | color("ViewLayer.Combined", 0, 1, 0)
        | {"ViewLayer.Depth.Z": plane(1e10, "float32")}
        | color("ViewLayer.Normal", 1, 0, 0)
    )

    red, green, blue = middle(written(tmp_path / "a.exr", layers))

    assert green > 200
    assert max(red, blue) < 20


def test_of_parts_the_combined_one_is_shown_wherever_it_is(tmp_path: Path) -> None:
    depth, beauty = {"Depth.Z": plane(3, "float32")}, color("ViewLayer.Combined", 0, 1, 0)

    for number, parts in enumerate([(depth, beauty), (beauty, depth)]):
        red, green, _ = middle(written(tmp_path / f"{number}.exr", *parts))
        assert (green > 200, red < 20) == (True, True)


@pytest.mark.parametrize(
    ("channels", "shown_ones"),
    [
        (["A", "B", "G", "R", "diffuse.B", "diffuse.G", "diffuse.R"], ("R", "G", "B")),
        (["beauty.R", "beauty.G", "beauty.B", "a.R", "a.G", "a.B"], ("beauty.R",)),
        (["L.Composite.Combined.R", "L.Composite.Combined.G", "L.Composite.Combined.B",
          "L.Combined.R", "L.Combined.G", "L.Combined.B"], ("L.Composite.Combined.R",)),
        (["ViewLayer.Combined.left.R", "ViewLayer.Combined.left.G", "ViewLayer.Combined.left.B"],
         ("ViewLayer.Combined.left.R",)),
        (["Y", "Z"], ("Y",)),
    ],
)  # fmt: skip
def test_names_say_what_people_want_to_see(
    channels: list[str], shown_ones: tuple[str, ...]
) -> None:
    chosen = choose([channels], [""]).channels

    assert chosen[: len(shown_ones)] == shown_ones


@pytest.mark.parametrize("channels", [["Z"], ["N.X", "N.Y", "N.Z"], ["id"], []])
def test_depths_and_directions_are_no_image(channels: list[str]) -> None:
    with pytest.raises(NoPreview):
        choose([channels], [""])


def test_luminance_alone_is_gray(tmp_path: Path) -> None:
    red, green, blue = middle(written(tmp_path / "a.exr", {"Y": plane(0.5)}))

    assert red == green == blue == pytest.approx(188, abs=2)


def test_no_number_is_black_and_infinite_light_white(tmp_path: Path) -> None:
    nothing = written(tmp_path / "a.exr", color("", np.nan, -np.inf, -5))
    light = written(tmp_path / "b.exr", color("", np.inf, np.inf, 60_000))

    assert max(middle(nothing)) < 3
    assert min(middle(light)) > 252


@given(st.lists(st.floats(width=32), min_size=2, max_size=30))
def test_brighter_light_is_never_darker_on_the_screen(values: list[float]) -> None:
    light = np.array(sorted(v for v in values if v == v), np.float32).reshape(1, -1)

    pixels = shown([light])[0].astype(int)

    assert all(np.diff(pixels) >= 0)


def test_lamps_keep_their_shades() -> None:
    [pixels] = shown([np.array([[1.0, 1.2, 1.5]], np.float32)])

    assert len(set(pixels.tolist())) == 3


def test_a_large_frame_is_made_smaller_and_read_in_bands(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 1, 4000, dtype=np.float16), (2000, 1))
    path = written(tmp_path / "a.exr", {"R": ramp, "G": ramp, "B": ramp})

    image = Image.open(io.BytesIO(as_jpeg(str(path))))

    assert image.size == (1920, 960)
    assert image.width <= FITS_IN[0]
    for y in (0, 700, 959):
        assert np.asarray(image.convert("L"), float)[y, ::200].tolist() == pytest.approx(
            [round(255 * coded(x / 1919)) for x in range(0, 1920, 200)], abs=6
        )


def test_a_window_that_does_not_begin_at_zero_is_read_whole(tmp_path: Path) -> None:
    window = (np.array([-10, -20], np.int32), np.array([WIDTH - 11, HEIGHT - 21], np.int32))
    path = written(tmp_path / "a.exr", color("", 0.18, 0.18, 0.18), dataWindow=window)

    assert middle(path) == pytest.approx((118, 118, 118), abs=2)


# --- bad files ------------------------------------------------------------------------------------


async def refusal(path: Path) -> str:
    with pytest.raises(pictures.NoPreview) as refused:
        await pictures.jpegs(path, [FITS_IN])
    return str(refused.value)


async def test_a_file_that_claims_to_be_enormous_is_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "a.exr", color("", 1, 1, 1))
    small = struct.pack("<4i", 0, 0, WIDTH - 1, HEIGHT - 1)
    large = struct.pack("<4i", 0, 0, 99_999, 99_999)
    path.write_bytes(path.read_bytes().replace(small, large))

    assert "100000 by 100000 pixels" in await refusal(path)


async def test_damaged_files_cost_a_sentence(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.exr", color("", 1, 1, 1)).read_bytes()
    noise = bytes(byte ^ 0x5A for byte in whole[400:])
    for name, content in {
        "cut": whole[: len(whole) // 2],
        "noise": whole[:400] + noise,
        "header": whole[:12],
    }.items():
        (tmp_path / name).write_bytes(content)
        assert await refusal(tmp_path / name)


async def test_a_file_that_is_no_image_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "a.exr", {"Z": plane(1, "float32")})

    assert await refusal(path) == "it has no image in it"


# --- real Blender ---------------------------------------------------------------------------------

RENDER = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 2
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
scene.render.resolution_percentage = 100
scene.view_layers[0].use_pass_z = scene.view_layers[0].use_pass_normal = True
for kind in ("OPEN_EXR", "OPEN_EXR_MULTILAYER"):
    scene.render.image_settings.file_format = kind
    scene.render.filepath = f"{sys.argv[-1]}/{kind}-####"
    bpy.ops.render.render(animation=True)
scene.render.image_settings.file_format = "PNG"
scene.view_settings.view_transform = "Standard"
scene.render.filepath = f"{sys.argv[-1]}/PNG-####"
bpy.ops.render.render(animation=True)
"""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default cube as Blender writes it: EXR, multilayer EXR, and PNG to compare with."""
    out = tmp_path_factory.mktemp("frames")
    setup = "import bpy; s = bpy.context.scene; s.frame_start = s.frame_end = 1"
    subprocess.run(
        [
            *("blender", "-b", "--factory-startup", "--python-exit-code", "3"),
            *("--python-expr", setup, "--python-expr", RENDER, "--", str(out)),
        ],
        check=True,
        capture_output=True,
        env=clean_environment(os.environ, {}, "scene"),
    )
    return out


@pytest.mark.parametrize("kind", ["OPEN_EXR", "OPEN_EXR_MULTILAYER"])
async def test_a_frame_of_blenders_looks_as_its_png_does(rendered: Path, kind: str) -> None:
    exr, png = rendered / f"{kind}-0001.exr", rendered / "PNG-0001.png"

    [jpeg] = await pictures.jpegs(exr, [FITS_IN])
    preview = Image.open(io.BytesIO(jpeg)).convert("L")
    expected = Image.open(png).convert("L")

    assert preview.size == expected.size == (64, 36)
    difference = np.abs(np.asarray(preview, float) - np.asarray(expected, float))
    assert np.asarray(expected).std() > 5  # there is something to see
    assert difference.mean() < 6
