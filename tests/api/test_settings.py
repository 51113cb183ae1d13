"""Where a setting comes from, and which are refused."""

from pathlib import Path

import pytest

from activities.layered_settings import SettingsError
from manager_api.settings import check_listen, read_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory and a data directory without settings."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("TABLAO_DATA_DIR", str(tmp_path / "data"))
    return here


def write(directory: Path, text: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "tablao-manager.yaml").write_text(text)


def test_the_command_line_beats_the_environment_beats_the_file(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(elsewhere, "port: 1\nretry_pause_s: 1\nmanager_name: Peña\n")
    monkeypatch.setenv("TABLAO_PORT", "2")
    monkeypatch.setenv("TABLAO_RETRY_PAUSE_S", "2")

    settings = read_settings(port=3, retry_pause_s=None)

    assert (settings.port, settings.retry_pause_s, settings.manager_name) == (3, 2.0, "Peña")
    assert settings.host == "127.0.0.1"


def test_the_data_directorys_file_beats_the_current_directorys(
    tmp_path: Path, elsewhere: Path
) -> None:
    write(elsewhere, "manager_name: here\nport: 5\n")
    write(tmp_path / "data", "manager_name: data\n")

    settings = read_settings()

    assert (settings.manager_name, settings.port) == ("data", 8080)


def test_paths_follow_the_data_directory(tmp_path: Path) -> None:
    settings = read_settings(data_dir=tmp_path / "farm")

    assert settings.storage_path == tmp_path / "farm/storage"
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path / 'farm/tablao.sqlite'}"
    assert read_settings(storage="/render").storage_path == Path("/render")


def test_variables_are_flamencos_and_keep_the_defaults(elsewhere: Path) -> None:
    write(
        elsewhere,
        "variables:\n"
        "  blenderArgs: {values: [{platform: all, value: -b}]}\n"
        "  render:\n"
        "    is_twoway: true\n"
        "    values:\n"
        "      - {platforms: [linux, darwin], value: /render}\n"
        "      - {platform: windows, audience: workers, value: 'R:\\'}\n",
    )

    variables = read_settings(storage="/storage").farm_variables
    expansion = variables.for_workers("windows", "linux")

    assert expansion.text("{blender} {blenderArgs} {jobs}") == "blender.exe -b /storage"
    assert expansion.text("{render}/shot") == "R:\\shot"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("port: many", "port"),
        ("prot: 8080", "prot"),
        ("- a list", "must hold"),
        ("a: [", "cannot be read"),
        ("variables: {x: {values: [{audience: gods, value: y}]}}", "audience"),
        ("retention_days: 0", "retention_days"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(elsewhere: Path, text: str, word: str) -> None:
    write(elsewhere, text)

    with pytest.raises(SettingsError, match=word):
        read_settings()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_this_machine_may_be_served_without_a_login(host: str) -> None:
    check_listen(host, insecure=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "farm.studio", ""])
def test_a_network_may_not(host: str) -> None:
    with pytest.raises(SettingsError, match="--insecure"):
        check_listen(host, insecure=False)

    check_listen(host, insecure=True)
