"""A project whose files are hard to pack renders on a worker that has only the shared storage.

The frames equal those that the artist's own Blender renders, pixel by pixel.
"""

import json
import os
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.addon.blender.blenders import BLENDERS, Blender, build_zip, environment_of
from tests.addon.files.farm import FilesFarm

HERE = Path(__file__).parent
FRAMES = ("000001.png", "000002.png", "000003.png")
ROUTES = ("COPY", "SHAMAN")
TILE = 16
TIMEOUT_S = 240

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Rendered:
    tiles: list[list[list[int] | None]]
    """Each tile's colour in each frame; None: it is not checked."""
    local: Path
    farm: dict[str, Path]
    """Folders of frames, by route."""
    answers: dict[str, dict[str, Any]]
    """The results of the deliveries, by route."""


@pytest.fixture(scope="module")
def addon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the unpacked zip of the add-on."""
    folder = tmp_path_factory.mktemp("addon")
    with zipfile.ZipFile(build_zip()) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module", params=BLENDERS, ids=lambda blender: blender.name)
def rendered(
    request: pytest.FixtureRequest,
    farm: FilesFarm,
    addon: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Rendered:
    blender: Blender = request.param
    blender.check_is_there()
    folder = tmp_path_factory.mktemp("artist") / "home of the artist"
    _run(blender, folder, HERE / "hard_project.py", str(folder))
    project = json.loads((folder / "project.json").read_text())
    local = folder / "local"
    blendfile = Path(project["blendfile"])
    _run(blender, folder, "-y", blendfile, "-o", f"{local}/######", "-F", "PNG", "-f", "1..3")
    asked = {
        "addon": str(addon),
        "manager": farm.url,
        "blendfile": str(blendfile),
        "project_root": project["project_root"],
        # The farm's worker chooses its Blender by this name.
        "job_name": f"{blender.name}-größe: 影",
        "cache": str(folder / "cache"),
    }
    answers = {route: _deliver(blender, folder, asked, route, farm) for route in ROUTES}

    folder.rename(folder.with_name("out of reach"))  # nothing but the storage is left to render
    local = local.parent.with_name("out of reach") / "local"
    out = {route: farm.out / f"{blender.name} {route}" for route in ROUTES}
    jobs = [
        farm.render(answer["blendfile"], answer["checkout"], "1-3", out[route])
        for route, answer in answers.items()
    ]
    for job in jobs:
        farm.until_job_is(job, "completed", timeout_s=TIMEOUT_S)
    return Rendered(project["tiles"], local, out, answers)


def _deliver(
    blender: Blender, folder: Path, asked: dict[str, str], route: str, farm: FilesFarm
) -> dict[str, Any]:
    answer = folder / f"{route}.json"
    location = farm.location if route == "SHAMAN" else farm.storage
    where = {"route": route, "location": str(location), "answer": str(answer)}
    _run(blender, folder, HERE / "deliver_in_blender.py", json.dumps(asked | where))
    return dict(json.loads(answer.read_text()))


def _run(blender: Blender, folder: Path, script: Path | str, *arguments: Path | str) -> None:
    """Run Blender with a script and its arguments, or with Blender's own arguments."""
    options: tuple[Path | str, ...] = (script, *arguments)
    if isinstance(script, Path):
        options = ("--factory-startup", "--python-exit-code", "1", "--python", script, "--")
        options += arguments
    done = subprocess.run(
        [*blender.command, "-b", *options],
        env=environment_of(folder / "profile"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def _pixels(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def test_every_asset_is_seen_where_all_files_are(rendered: Rendered) -> None:
    seen, expected = [], []
    for frame, name in enumerate(FRAMES):
        image = _pixels(rendered.local / name)
        for number, colours in enumerate(rendered.tiles):
            colour = colours[frame]
            if colour is not None:
                expected.append((name, number, tuple(colour)))
                middle = (number * TILE + TILE // 2, TILE // 2)
                seen.append((name, number, image.getpixel(middle)))

    assert seen == expected


@pytest.mark.parametrize("route", ROUTES)
def test_frames_equal_a_local_render_pixel_by_pixel(rendered: Rendered, route: str) -> None:
    differing = [
        name
        for name in FRAMES
        if _pixels(rendered.local / name).tobytes()
        != _pixels(rendered.farm[route] / name).tobytes()
    ]

    assert differing == []


@pytest.mark.parametrize("route", ROUTES)
def test_the_artists_blender_is_left_alone(rendered: Rendered, route: str) -> None:
    answer = rendered.answers[route]

    assert answer["missing"] == []
    assert answer["bat_modules"] == []
    assert [entry for entry in answer["path"] if "wheels" in entry] == []


def test_the_copy_holds_what_the_farm_needs_and_the_project_keeps_its_shape(
    rendered: Rendered, farm: FilesFarm
) -> None:
    blendfile = Path(rendered.answers["COPY"]["blendfile"])
    root = blendfile.parents[2]

    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}

    assert root.parent == farm.storage
    assert "größe- 影" in root.name
    expected = {
        "assets/figuren/hero.blend",
        "assets/requisiten/prop.blend",
        "caches/senke.pc2",
        "plates/folge 0001.png",
        "plates/folge 0003.png",
        "shots/sh 010/größe 影.blend",
        "textures/held.png",
        "textures/kachel ü.1002.png",
    }
    assert expected <= files
    names = {Path(name).name for name in files}
    assert {"tree.blend", "rinde.png", "holz 木.png", "Schrift ß.woff2", "schritt.wav"} <= names
    assert len([name for name in files if name.endswith(".bphys")]) == 3
    assert "gone.png" not in names
    assert os.access(blendfile, os.R_OK)
