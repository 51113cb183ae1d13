"""The route of a job's files depends on where the file is and whether there is a Shaman."""

from pathlib import Path

import pytest

from addon.core.files import FilesError, Route, choose_route
from addon.core.files.names import safe_name
from tests.addon.files.delivering import delivered, storage_at


@pytest.mark.parametrize("shaman", [False, True])
def test_what_is_on_the_storage_is_used_in_place(tmp_path: Path, shaman: bool) -> None:
    blendfile = tmp_path / "storage/shots/a.blend"

    assert choose_route(blendfile, storage_at(tmp_path / "storage", shaman=shaman)) is (
        Route.IN_PLACE
    )


@pytest.mark.parametrize(
    ("shaman", "route"), [(False, Route.COPY), (True, Route.SHAMAN)], ids=["copy", "shaman"]
)
def test_what_is_elsewhere_is_brought_there(tmp_path: Path, shaman: bool, route: Route) -> None:
    blendfile = tmp_path / "storage of mine/a.blend"

    assert choose_route(blendfile, storage_at(tmp_path / "storage", shaman=shaman)) is route


def test_a_way_out_of_the_storage_is_followed(tmp_path: Path) -> None:
    blendfile = tmp_path / "storage/../mine/a.blend"

    assert choose_route(blendfile, storage_at(tmp_path / "storage")) is Route.COPY


def test_a_link_into_the_storage_leads_there(tmp_path: Path) -> None:
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage/a.blend").touch()
    (tmp_path / "a.blend").symlink_to(tmp_path / "storage/a.blend")

    assert choose_route(tmp_path / "a.blend", storage_at(tmp_path / "storage")) is Route.IN_PLACE


def test_a_farm_without_a_storage_has_nothing_in_place(tmp_path: Path) -> None:
    assert choose_route(tmp_path / "a.blend", storage_at("")) is Route.COPY


def test_a_storage_that_is_not_there_is_a_sentence(small_project: Path, tmp_path: Path) -> None:
    with pytest.raises(FilesError, match=r"shared storage .*away is not there on this machine"):
        delivered(Route.COPY, small_project / "shot.blend", tmp_path / "away")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("shot 1", "shot 1"),
        ("größe: 影/ä", "größe- 影-ä"),
        ("..", "job"),
        ("", "job"),
        ("../../etc", "etc"),
        (".hidden", "hidden"),
        ("a?b*c:d;e{f}g\\h", "a-b-c-d-e-f-g-h"),
        ("CON", "job-CON"),
        ("nul.blend", "job-nul.blend"),
        ("tab\tline\n", "tab-line"),
    ],
)
def test_a_jobs_name_becomes_one_that_every_system_takes(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_long_name_is_cut_between_letters() -> None:
    cut = safe_name("影" * 200)

    assert cut == "影" * 50
