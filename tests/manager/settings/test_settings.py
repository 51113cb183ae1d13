"""Where a setting comes from, and which are refused."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from activities.process.layered_settings import SettingsError
from manager_api.settings.model import read_settings


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
    write(elsewhere, "listen: 127.0.0.1:1\nretry_pause_s: 1\nmanager_name: Peña\n")
    monkeypatch.setenv("TABLAO_LISTEN", "127.0.0.2:2")
    monkeypatch.setenv("TABLAO_RETRY_PAUSE_S", "2")

    settings = read_settings(port=3, retry_pause_s=None)

    assert (settings.port, settings.retry_pause_s, settings.manager_name) == (3, 2.0, "Peña")
    assert settings.listen == "127.0.0.2:3"


def test_the_data_directorys_file_beats_the_current_directorys(
    tmp_path: Path, elsewhere: Path
) -> None:
    write(elsewhere, "manager_name: here\nlisten: localhost:5\n")
    write(tmp_path / "data", "manager_name: data\n")

    settings = read_settings()

    assert (settings.manager_name, settings.port) == ("data", 8080)


def test_paths_follow_the_data_directory(tmp_path: Path) -> None:
    settings = read_settings(data_dir=tmp_path / "farm")

    assert settings.shared_storage_path == tmp_path / "farm/storage"
    assert settings.local_manager_storage_path == tmp_path / "farm/job-files"
    assert settings.job_types_path == tmp_path / "farm/scripts"
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path / 'farm/tablao.sqlite'}"


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    settings = read_settings(data_dir=tmp_path / "a #b?c;d%41")

    assert make_url(settings.database_url).database == str(settings.data_dir / "tablao.sqlite")


@pytest.mark.parametrize(("enabled", "jobs"), [("true", "/render/jobs"), ("false", "/render")])
def test_jobs_are_below_the_storage_that_shaman_uses(
    elsewhere: Path, enabled: str, jobs: str
) -> None:
    write(elsewhere, f"shared_storage_path: /render\nshaman: {{enabled: {enabled}}}\n")

    settings = read_settings()

    assert settings.jobs_path == Path(jobs)
    assert settings.farm_variables.for_workers("linux", "linux").text("{jobs}") == jobs


def test_a_path_of_the_managers_own_may_name_variables(elsewhere: Path) -> None:
    write(
        elsewhere,
        "shared_storage_path: '{farm}/shared'\n"
        "local_manager_storage_path: '{logs}/tablao'\n"
        "variables:\n"
        "  farm: {is_twoway: true, values: [{platform: all, value: /mnt/farm/}]}\n"
        "  logs: {values: [{platform: all, value: /var/log}]}\n",
    )

    settings = read_settings()

    assert settings.shared_storage_path == Path("/mnt/farm/shared")
    assert settings.local_manager_storage_path == Path("/var/log/tablao")


def test_flamencos_keys_are_read_as_flamenco_writes_them(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        elsewhere,
        "_meta: {version: 3}\n"
        "database_check_period: 1h30m\n"
        "task_timeout: 0\n"
        "worker_timeout: 1m0s\n"
        "shared_storage_path: ''\n"
        "shaman: {enabled: true, garbageCollect: {period: 24h0m0s, maxAge: 744h}}\n"
        "mqtt: {client: {enabled: true, broker: 'tcp://x', clientID: file, topic_prefix: y}}\n",
    )
    monkeypatch.setenv("TABLAO_MQTT__CLIENT__CLIENT_ID", "environment")

    settings = read_settings()

    assert settings.database_check_period == timedelta(hours=1.5)
    assert (settings.task_timeout, settings.worker_timeout) == (timedelta(), timedelta(minutes=1))
    assert settings.shaman.garbage_collect.max_age == timedelta(days=31)
    assert settings.mqtt.client.client_id == "environment"
    assert settings.mqtt.client.topic_prefix == "y"
    assert settings.shared_storage_path == settings.data_dir / "storage"


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

    variables = read_settings(shared_storage_path="/storage").farm_variables
    expansion = variables.for_workers("windows", "linux")

    assert expansion.text("{blender} {blenderArgs} {jobs}") == "blender.exe -b /storage/jobs"
    assert expansion.text("{render}/shot") == "R:\\shot"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("listen: '127.0.0.1:many'", "listen"),
        ("listen: '::1'", "listen"),
        ("port: 8080", "port"),
        ("_meta: {version: 2}", "_meta"),
        ("task_timeout: 10", "needs a unit"),
        ("task_timeout: -1m", "task_timeout"),
        ("shaman: {garbageCollect: {maxAge: ever}}", "shaman.garbageCollect.maxAge"),
        ("shared_storage_path: '{farm}/jobs'", "no variable {farm}"),
        ("shared_storage_path: '{jobs}/jobs'", "no variable {jobs}"),
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
