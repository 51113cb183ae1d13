"""Command line over environment over file over default, each read once."""

from pathlib import Path

import pytest

from activities.process.layered_settings import SettingsError
from worker_host.data_directory import SETTINGS_FILE
from worker_host.settings import HostSettings, read_settings


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory and the data directory, with nothing in the environment."""
    for name in HostSettings.model_fields:
        monkeypatch.delenv(f"TABLAO_{name.upper()}", raising=False)
    monkeypatch.setenv("TABLAO_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_source_goes_before_the_next(somewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (somewhere / SETTINGS_FILE).write_text("name: of the file\nslots: 3\nmanager: farm:1\n")
    monkeypatch.setenv("TABLAO_NAME", "of the environment")
    monkeypatch.setenv("TABLAO_SLOTS", "2")

    settings = read_settings(name="of the command line", slots=None)

    assert settings.name == "of the command line"
    assert settings.slots == 2
    assert settings.manager == "http://farm:1"
    assert settings.stop_grace_s == 10.0


@pytest.mark.parametrize("given", ["blender, misc,", ["blender", "misc"]])
def test_task_types_are_a_list_or_words_with_commas(given: object) -> None:
    assert read_settings(task_types=given).task_types == ("blender", "misc")


def test_a_file_in_the_data_directory_goes_before_one_here(somewhere: Path, tmp_path: Path) -> None:
    (somewhere / SETTINGS_FILE).write_text("name: here")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / SETTINGS_FILE).write_text("name: there")

    assert read_settings(data_dir=tmp_path / "data").name == "there"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("slots: many", "slots"),
        ("slotz: 1", "slotz"),
        ("manager: ftp://farm", "http://"),
        ("- a list", "name: value"),
        ("{", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(somewhere: Path, content: str, problem: str) -> None:
    (somewhere / SETTINGS_FILE).write_text(content)

    with pytest.raises(SettingsError, match=problem):
        read_settings()


def test_programs_are_found_where_the_settings_say(tmp_path: Path) -> None:
    settings = read_settings(blender="/opt/blender", ffmpeg="/opt/ffmpeg")

    assert settings.run_settings.tools == {"blender": "/opt/blender", "ffmpeg": "/opt/ffmpeg"}


def test_our_own_ffmpeg_is_used_where_there_is_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    ffmpeg = read_settings().run_settings.tools["ffmpeg"]

    assert Path(ffmpeg).is_file()


@pytest.mark.parametrize("name", HostSettings.model_fields)
def test_each_setting_is_documented(name: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "worker-host.md"

    assert f"`{name}`" in page.read_text(encoding="utf-8")
