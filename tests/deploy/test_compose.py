"""The files of deploy/compose fit each other, our settings and our programs. No engine runs."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from manager_api.settings.model import ManagerSettings, read_settings
from manager_api.temporal.process import DYNAMIC_CONFIG
from tests.cluster.configuration import write_dynamic
from worker_host.settings import HostSettings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = DEPLOY / "compose"
GIVEN = {
    "TABLAO_PUBLIC_URL": "https://farm.studio/",
    "TABLAO_STORAGE": "/srv/storage",
    "TABLAO_MANAGER_PIN": f"sha256:{'ab' * 32}",
}
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """The compose file, with the variables of `GIVEN` and its own defaults in their places."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        return GIVEN[name] if kind == "?" else GIVEN.get(name, rest or "")

    text = _VARIABLE.sub(value, (COMPOSE / "compose.yaml").read_text())
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.mark.parametrize("name", ["manager-1", "manager-2"])
def test_the_managers_read_their_environment(
    project: Mapping[str, Any], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = project["services"][name]["environment"]
    monkeypatch.chdir(tmp_path)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)

    settings = read_settings(data_dir=tmp_path)

    assert settings.listen == "0.0.0.0:8080"
    assert settings.public_url == "https://farm.studio"
    assert name in settings.allowed_hosts
    assert settings.temporal_address == "temporal:7233"
    known = {f"TABLAO_{each.upper()}" for each in ManagerSettings.model_fields}
    assert environment.keys() <= known
    mounted = {str(each).rpartition(":")[2] for each in project["services"][name]["volumes"]}
    for path in (settings.shared_storage_path, settings.local_manager_storage_path):
        assert str(path) in mounted
    assert not settings.serves_network_in_plain


def test_the_proxy_and_prometheus_are_trusted_by_the_managers(project: Mapping[str, Any]) -> None:
    services = project["services"]

    trusted = services["manager-1"]["environment"]["TABLAO_TRUSTED_PROXIES"].split(",")

    fixed = [services[name]["networks"]["farm"]["ipv4_address"] for name in ("proxy", "prometheus")]
    assert trusted == fixed


def test_the_worker_reads_its_environment(project: Mapping[str, Any]) -> None:
    environment = project["services"]["worker"]["environment"]

    known = {f"TABLAO_{each.upper()}" for each in HostSettings.model_fields}

    assert environment.keys() <= known


def test_every_file_and_every_secret_that_is_mounted_is_there(project: Mapping[str, Any]) -> None:
    named = 0
    for service in project["services"].values():
        for volume in service.get("volumes", ()):
            source = str(volume).partition(":")[0]
            if source.startswith("."):
                named += 1
                assert (COMPOSE / source).exists(), source
            elif not source.startswith("/"):
                assert source in project["volumes"]
        for secret in service.get("secrets", ()):
            source = secret["source"] if isinstance(secret, dict) else secret
            assert source in project["secrets"]
    assert named


def test_every_service_waits_for_services_that_are_there(project: Mapping[str, Any]) -> None:
    for service in project["services"].values():
        for other, how in service.get("depends_on", {}).items():
            waited_for = project["services"][other]
            if how["condition"] == "service_healthy":
                is_ours = "MANAGER" in waited_for["image"].upper()
                assert is_ours or "healthcheck" in waited_for


def test_the_example_names_what_must_be_given() -> None:
    text = (COMPOSE / "compose.yaml").read_text()

    required = {name for name, kind, _ in _VARIABLE.findall(text) if kind == "?"}

    example = (COMPOSE / ".env.example").read_text()
    assert required == GIVEN.keys()
    assert all(f"\n{name}=" in example for name in required)


def test_temporal_gets_the_values_of_the_embedded_one(tmp_path: Path) -> None:
    write_dynamic(tmp_path / "dynamic.yaml")

    ours = yaml.safe_load((COMPOSE / "temporal/dynamic.yaml").read_text())

    assert ours == yaml.safe_load((tmp_path / "dynamic.yaml").read_text())
    assert ours.keys() == DYNAMIC_CONFIG.keys()


def test_the_proxy_and_prometheus_ask_the_managers(project: Mapping[str, Any]) -> None:
    managers = {f"{name}:8080" for name in project["services"] if name.startswith("manager-")}

    scraped = yaml.safe_load((COMPOSE / "prometheus.yaml").read_text())["scrape_configs"]

    assert {each for job in scraped for each in job["static_configs"][0]["targets"]} == managers
    upstream = re.findall(r"server (manager-\d:\d+);", (COMPOSE / "proxy.conf").read_text())
    assert set(upstream) == managers


def test_the_images_are_not_root_and_start_programs_of_the_package() -> None:
    dockerfile = (DEPLOY / "containers/Dockerfile").read_text()

    users = re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE)

    assert users[-1] == users[0] == "10001:10001"
    pyproject = (DEPLOY.parent / "pyproject.toml").read_text()
    for program in re.findall(r'^CMD \["([\w-]+)"', dockerfile, re.MULTILINE):
        assert f"\n{program} = " in pyproject
