"""The settings file, read and changed through the API while the manager runs."""

import asyncio
import stat
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from manager_api.settings.about import Secret, settings_of
from manager_api.settings.model import ManagerSettings, read_settings
from tests.manager.api_calls import Submit

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

    from .conftest import Fetch

FILE = "/api/v3/configuration/file"
OURS = "/api/tablao/v1/configuration"
#: What somebody wrote by hand: a list of platforms, a key of ours, a password, no defaults.
WRITTEN = """
manager_name: Peña
retry_pause_s: 7
task_timeout: 0
variables:
  render:
    is_twoway: true
    values:
      - {platforms: [linux, darwin], value: /render}
      - {platform: windows, value: 'R:\\'}
mqtt: {client: {broker: 'tcp://broker', username: tablao, password: duende}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data/tablao-manager.yaml"
    path.parent.mkdir()
    path.write_text(WRITTEN)
    return path


@pytest.fixture
def settings(file: Path) -> ManagerSettings:
    return read_settings(data_dir=file.parent)


def text(file: Path) -> str:
    return file.read_text()


def content(file: Path) -> Any:
    return yaml.safe_load(text(file))


def write(file: Path, text: str) -> None:
    file.write_text(text)


def files(file: Path) -> dict[str, int]:
    """Names and modes of the settings file and what may lie beside it."""
    return {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.glob("tablao-manager*")
    }


def replace_by_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


async def page_of(api: httpx.AsyncClient) -> dict[str, Any]:
    page: dict[str, Any] = (await api.get(FILE)).json()
    return page


async def test_the_page_has_all_keys_and_no_secret(api: httpx.AsyncClient) -> None:
    page = await page_of(api)

    assert page["_meta"] == {"version": 3}
    assert page["manager_name"] == "Peña"
    assert page["task_timeout"] == "0s"
    assert page["worker_timeout"] == "1m0s"
    assert page["shaman"] == {
        "enabled": True,
        "garbageCollect": {"period": "24h0m0s", "maxAge": "744h0m0s"},
    }
    assert page["mqtt"]["client"] == {
        "enabled": False,
        "broker": "tcp://broker",
        "clientID": "flamenco",
        "topic_prefix": "flamenco",
        "username": "tablao",
        "password": "***",
    }
    assert page["variables"]["render"]["values"] == [
        {"platform": "linux", "audience": "all", "value": "/render"},
        {"platform": "darwin", "audience": "all", "value": "/render"},
        {"platform": "windows", "audience": "all", "value": "R:\\"},
    ]
    assert page["variables"]["blenderArgs"]["values"][0]["value"] == "-b -y"
    assert "retry_pause_s" not in page


async def test_what_comes_back_as_it_was_shown_changes_nothing(
    api: httpx.AsyncClient, file: Path
) -> None:
    answer = await api.put(FILE, json=await page_of(api))

    assert (answer.status_code, answer.content) == (204, b"")
    assert content(file) == {"_meta": {"version": 3}} | yaml.safe_load(WRITTEN)
    assert files(file) == {file.name: 0o600}


async def test_one_change_is_one_change(api: httpx.AsyncClient, file: Path) -> None:
    page = await page_of(api)
    page["mqtt"]["client"]["topic_prefix"] = "peña"
    page["variables"]["extra"] = {
        "is_twoway": False,
        "values": [{"platform": "all", "audience": "all", "value": "x"}],
    }
    page["manager_name"] = "Tablao flamenco"

    await api.put(FILE, json=page)

    expected = yaml.safe_load(WRITTEN)
    expected["manager_name"] = "Tablao flamenco"
    expected["mqtt"]["client"]["topic_prefix"] = "peña"
    expected["variables"]["extra"] = page["variables"]["extra"]
    assert content(file) == {"_meta": {"version": 3}} | expected


async def test_what_is_left_out_goes_back_to_its_default(
    api: httpx.AsyncClient, farm: "Farm", file: Path
) -> None:
    page = await page_of(api)
    del page["task_timeout"], page["variables"]["render"]

    await api.put(FILE, json=page)

    assert farm.parts.settings.task_timeout == timedelta(minutes=10)
    assert farm.parts.settings.retry_pause_s == 7
    assert "render" not in content(file).get("variables", {})


async def test_a_new_password_is_kept_and_an_unreadable_one_refused(
    api: httpx.AsyncClient, farm: "Farm", file: Path
) -> None:
    page = await page_of(api)

    page["mqtt"]["client"]["password"] = "***!"
    refused = await api.put(FILE, json=page)
    page["mqtt"]["client"]["password"] = "cante"
    accepted = await api.put(FILE, json=page)

    assert (refused.status_code, accepted.status_code) == (400, 204)
    assert "password" in refused.json()["message"]
    assert content(file)["mqtt"]["client"]["password"] == "cante"
    assert farm.parts.settings.mqtt.client.password == "cante"
    assert "cante" not in (await api.get(FILE)).text + (await api.get(OURS)).text
    assert "cante" not in repr(farm.parts.settings)


@pytest.mark.parametrize(
    "url",
    ["postgresql+asyncpg://tablao:{}@db/tablao", "postgresql+asyncpg://db/tablao?password={}"],
)
async def test_a_databases_password_is_no_ones_business(
    api: httpx.AsyncClient, file: Path, url: str
) -> None:
    answer = await api.patch(OURS, json={"database": url.format("duende")})
    page = await page_of(api)
    await api.put(FILE, json=page)

    assert answer.json()["pending_restart"] == ["database"]
    assert page["database"] == url.format("***")
    assert content(file)["database"] == url.format("duende")


@pytest.mark.parametrize("user", ["tablao", "tablao@studio", "t/b"])
@pytest.mark.parametrize("password", ["can@te", "can:te", "can@te:1/x", "c%40nte"])
async def test_a_password_in_a_brokers_address_is_no_ones_business(
    api: httpx.AsyncClient, file: Path, user: str, password: str
) -> None:
    address = f"tcp://{user}:{password}@broker:1883"
    await api.patch(OURS, json={"mqtt.client.broker": address, "mqtt.client.password": "duende"})

    page = await page_of(api)
    answer = await api.put(FILE, json=page)

    assert page["mqtt"]["client"]["broker"] == f"tcp://{user}:***@broker:1883"
    assert password not in (await api.get(OURS)).text
    assert answer.status_code == 204
    assert content(file)["mqtt"]["client"]["broker"] == address


@pytest.mark.parametrize(
    "database",
    [
        *("postgresql+asyncpg://u:cante@db:port/x", "postgresql://u:cante@db/x"),
        *("mysql://u:cante@db/x", "cante://"),
    ],
)
async def test_a_database_that_no_manager_could_open_is_refused(
    api: httpx.AsyncClient, file: Path, database: str
) -> None:
    answer = await api.patch(OURS, json={"database": database})

    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Setting database: ")
    assert "cante" not in answer.text
    assert (await api.get(FILE)).status_code == 200
    assert text(file) == WRITTEN


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"task_timeout": "soon"}, "task_timeout"),
        ({"task_timeout": 5}, "task_timeout"),
        ({"blocklist_threshold": -1}, "blocklist_threshold"),
        ({"blocklist_threshold": "many"}, "blocklist_threshold"),
        ({"listen": "0.0.0.0:8080"}, "without TLS"),
        ({"listen": "here"}, "HOST:PORT"),
        ({"variables": {"x": {"values": [{"value": "y", "audience": "gods"}]}}}, "audience"),
        ({"variables": 7}, "variables"),
        ({"shared_storage_path": "{nowhere}/jobs"}, "{nowhere}"),
        ({"shared_storage_path": "~nobody-here/jobs"}, "~nobody-here"),
        ({"database": "~nobody-here/tablao.sqlite"}, "~nobody-here"),
        ({"job_type_wall_s": 1e308}, "job_type_wall_s"),
        ({"job_type_memory_mb": 10**18}, "job_type_memory_mb"),
        ({"http_poll_s": 1e300}, "http_poll_s"),
        ({"retention_days": 10**9}, "retention_days"),
        ({"shared_storage_path": "/proc/version/jobs"}, "shared_storage_path"),
        ({"shaman": {"garbageCollect": {"maxAge": "ever"}}}, "maxAge"),
        ({"mqtt": {"client": {"port": 7}}}, "mqtt.client.port"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"_meta": {"version": 4}}, "_meta"),
        ({"insecure": True}, "insecure"),
        ({"tls": {"cert": "/tmp/x", "key": "/tmp/y"}}, "Setting tls"),
        ({"trusted_proxies": ["10.0.0.1"]}, "Setting trusted_proxies"),
        ({"public_url": "https://evil.example"}, "Setting public_url"),
        ({"allowed_hosts": ["evil.example"]}, "Setting allowed_hosts"),
        # Small enough, and nobody could change it back.
        ({"max_json_bytes": 1}, "max_json_bytes"),
    ],
)
async def test_a_wrong_change_is_refused_and_changes_nothing(
    api: httpx.AsyncClient, farm: "Farm", file: Path, changes: dict[str, Any], word: str
) -> None:
    before = farm.parts.settings

    answer = await api.put(FILE, json=await page_of(api) | changes)

    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert word in answer.json()["message"]
    assert text(file) == WRITTEN
    assert farm.parts.settings is before


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b'{"manager_name": "\\u0000"}'])
async def test_what_is_no_page_is_refused(api: httpx.AsyncClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}

    answer = await api.put(FILE, content=body, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["message"]


async def test_a_page_from_elsewhere_changes_nothing(api: httpx.AsyncClient, file: Path) -> None:
    foreign = {"origin": "https://evil.example"}
    own = {"origin": "http://localhost:8080"}

    for method, path in (("PUT", FILE), ("PATCH", OURS)):
        answer = await api.request(method, path, json={"manager_name": "x"}, headers=foreign)
        assert answer.status_code == 403
    assert text(file) == WRITTEN
    assert (await api.patch(OURS, json={}, headers=own)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"mqtt.client.broker": "tcp://evil.example:1883"},
        {"mqtt.client.broker": "tcp://broker:1884"},
        {"mqtt.client.broker": "ws://broker"},
        {"mqtt.client.broker": "tcp://evil.example", "mqtt.client.username": "x"},
        {"mqtt.client.broker": "tcp://evil.example", "mqtt.client.password": "***"},
        {"mqtt": {"client": {"broker": "tcp://evil.example", "password": "***"}}},
        {"mqtt.client": {"broker": "tcp://evil.example", "password": "***"}},
    ],
)
async def test_a_password_is_not_sent_to_another_address(
    api: httpx.AsyncClient, file: Path, changes: dict[str, Any]
) -> None:
    refused = await api.patch(OURS, json=changes)

    assert refused.status_code == 400
    assert "password" in refused.json()["message"]
    assert text(file) == WRITTEN


async def test_temporals_token_is_not_shown_and_stays_with_its_address(
    api: httpx.AsyncClient, file: Path
) -> None:
    token = {"temporal_address": "temporal.studio:7233", "temporal_api_key": "duende y cante"}
    assert (await api.patch(OURS, json=token)).status_code == 200

    shown = [(await api.get(address)).text for address in (OURS, FILE)]
    moved = await api.patch(OURS, json={"temporal_address": "evil.example:7233"})

    assert not any("cante" in text for text in shown)
    assert moved.status_code == 400
    assert content(file)["temporal_api_key"] == "duende y cante"


@pytest.mark.parametrize("password", ["***", "cante", "duende", ""])
async def test_the_page_gives_a_new_address_its_password(
    api: httpx.AsyncClient, file: Path, password: str
) -> None:
    page = await page_of(api)
    page["mqtt"]["client"] |= {"broker": "tcp://evil.example", "password": password}

    answer = await api.put(FILE, json=page)

    assert answer.status_code == (400 if password == "***" else 204)
    if password == "***":
        assert "Give mqtt.client.password together with the new address." in answer.text
        assert text(file) == WRITTEN
    else:
        assert content(file)["mqtt"]["client"]["password"] == password


@pytest.mark.parametrize(
    ("changes", "password"),
    [
        ({"mqtt.client.broker": "tcp://new", "mqtt.client.password": "duende"}, "duende"),
        ({"mqtt.client.broker": "tcp://new", "mqtt.client.password": None}, ""),
        ({"mqtt.client": {"broker": "tcp://new"}}, ""),
        ({"mqtt.client.enabled": True}, "duende"),
        ({"mqtt.client.broker": ""}, "duende"),
        ({"mqtt.client.password": "cante"}, "cante"),
    ],
)
async def test_an_address_changes_with_its_password(
    api: httpx.AsyncClient, farm: "Farm", file: Path, changes: dict[str, Any], password: str
) -> None:
    assert (await api.patch(OURS, json=changes)).status_code == 200
    assert farm.parts.settings.mqtt.client.password == password


async def test_an_address_that_was_emptied_does_not_take_the_password_along(
    api: httpx.AsyncClient, file: Path
) -> None:
    await api.patch(OURS, json={"mqtt.client.broker": None})

    refused = await api.patch(OURS, json={"mqtt.client.broker": "tcp://evil.example"})

    assert refused.status_code == 400


@pytest.mark.parametrize(
    "more", [{}, {"mqtt.client.password": "x"}, {"mqtt.client.password": None}]
)
async def test_a_password_of_the_environment_stays_with_its_address_too(
    api: httpx.AsyncClient, file: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    monkeypatch.setenv("TABLAO_MQTT__CLIENT__PASSWORD", "soleá")

    refused = await api.patch(OURS, json={"mqtt.client.broker": "tcp://evil.example", **more})

    assert refused.status_code == 400
    assert text(file) == WRITTEN


@pytest.mark.parametrize(
    "changes",
    [
        {"database": "postgresql+asyncpg://tablao:***@evil.example/tablao"},
        {"mqtt.client.broker": "tcp://tablao:***@evil.example"},
    ],
)
async def test_a_masked_password_is_not_taken_for_one(
    api: httpx.AsyncClient, file: Path, changes: dict[str, Any]
) -> None:
    refused = await api.patch(OURS, json=changes | {"mqtt.client.password": "duende"})

    assert refused.status_code == 400
    assert text(file) == WRITTEN


def test_every_secret_has_its_address_in_it_or_names_it() -> None:
    whole = [
        each for each in settings_of(ManagerSettings) if each.about.secret is Secret.EVERYTHING
    ]
    names = {each.name for each in settings_of(ManagerSettings)}

    assert whole
    assert {each.about.sent_to for each in whole} <= names


async def test_changed_variables_are_in_the_next_commands(
    api: httpx.AsyncClient, submit: Submit, fetch: "Fetch"
) -> None:
    settings = {"message": "{tool} {jobs}", "sleep_duration_seconds": 1, "sleep_repeats": 1}
    job = await submit(settings=settings)
    before = (await fetch(job, "linux"))["message"]
    page = await page_of(api)
    storage = page["shared_storage_path"]
    for name, twoway, values in [
        ("tool", False, {"all": "hammer"}),
        ("stored", True, {"linux": storage, "windows": "S:\\"}),
    ]:
        rows = [{"platform": p, "audience": "all", "value": value} for p, value in values.items()]
        page["variables"][name] = {"is_twoway": twoway, "values": rows}

    await api.put(FILE, json=page)

    assert before == f"{{tool}} {storage}/jobs"
    assert (await fetch(job, "linux"))["message"] == f"hammer {storage}/jobs"
    # In Flamenco this stops working with the first change through the API.
    one_path = await submit(settings=settings | {"message": "{jobs}/a"})
    assert (await fetch(one_path, "windows"))["message"] == "S:\\jobs\\a"


async def test_what_can_takes_effect_at_once_and_the_rest_is_named(
    api: httpx.AsyncClient, farm: "Farm"
) -> None:
    heard: list[ManagerSettings] = []

    async def listen(settings: ManagerSettings) -> None:
        heard.append(settings)

    farm.parts.configuration.on_change(listen)

    answer = await api.patch(
        OURS,
        json={
            "manager_name": "Nueva",
            "blocklist_threshold": 9,
            "shaman.enabled": False,
            "listen": "127.0.0.1:9",
            "events_queue": 7,
        },
    )

    now = answer.json()
    assert now["pending_restart"] == ["listen", "events_queue"]
    assert now["values"]["listen"] == "127.0.0.1:8080"
    assert now["values"]["blocklist_threshold"] == 9
    assert (await api.get("/api/v3/version")).json()["name"] == "Nueva"
    assert (await api.get("/api/v3/configuration")).json()["shamanEnabled"] is False
    assert heard == [farm.parts.settings]
    assert heard[0].blocklist_threshold == 9
    undone = await api.patch(OURS, json={"listen": None, "events_queue": None})
    assert undone.json()["pending_restart"] == []


async def test_what_the_environment_says_stays_above_the_file(
    api: httpx.AsyncClient, farm: "Farm", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLAO_MANAGER_NAME", "of the environment")
    monkeypatch.setenv("TABLAO_SHAMAN__ENABLED", "true")

    answer = await api.patch(OURS, json={"manager_name": "of the file", "shaman.enabled": False})

    assert answer.json()["values"]["manager_name"] == "of the environment"
    assert answer.json()["overridden"] == {"manager_name": "environment", "shaman": "environment"}
    assert farm.parts.settings.shaman.enabled is True


async def test_an_edited_file_is_read_when_the_configuration_is_asked_for(
    api: httpx.AsyncClient, farm: "Farm", file: Path
) -> None:
    write(file, "manager_name: Edited\n")
    await api.get("/api/v3/configuration")
    edited = farm.parts.settings.manager_name
    write(file, "manager_name: [")
    broken = await api.get("/api/v3/configuration")

    assert edited == "Edited"
    assert (broken.status_code, broken.json()["code"]) == (500, 500)
    assert str(file) in broken.json()["message"]
    assert farm.parts.settings.manager_name == "Edited"


async def test_a_file_that_cannot_be_written_is_a_sentence(
    api: httpx.AsyncClient, farm: "Farm", file: Path
) -> None:
    page = await page_of(api)
    replace_by_directory(file)

    answer = await api.put(FILE, json=page | {"manager_name": "x"})

    assert (answer.status_code, answer.json()["code"]) == (500, 500)
    assert "cannot be written" in answer.json()["message"]
    assert farm.parts.settings.manager_name == "Peña"


async def test_changes_at_the_same_time_are_all_kept(api: httpx.AsyncClient, file: Path) -> None:
    names = ["manager_name", "retry_pause_s", "max_live", "http_poll_s"]
    values = ["x", 1.0, 2, 3.0]

    await asyncio.gather(
        *(api.patch(OURS, json={name: value}) for name, value in zip(names, values, strict=True))
    )

    assert [content(file)[name] for name in names] == values
