"""The manager serves the add-on as a zip that has the manager's address, and as a repository."""

import hashlib
import io
import zipfile
from pathlib import Path

import httpx
import pytest

from manager_api.contract.errors import BadRequest
from manager_api.web.addon_package import AddonNotBuilt, address_of, zip_for
from tests.addon.package.installing import extension_command
from tests.farm.processes import FarmProcesses


def _address_in(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return archive.read("tablao/manager_address.txt").decode().strip()


def test_the_zip_knows_the_address_by_which_it_was_asked_for(manager: FarmProcesses) -> None:
    by_number = manager.http.get("/tablao-addon.zip")
    by_name = manager.http.get("/tablao-addon.zip", headers={"host": f"localhost:{manager.port}"})

    assert by_number.headers["content-type"] == "application/zip"
    assert 'filename="tablao-addon.zip"' in by_number.headers["content-disposition"]
    assert by_number.headers["cache-control"] == "no-store"
    assert _address_in(by_number.content) == manager.url
    assert _address_in(by_name.content) == f"http://localhost:{manager.port}"


def test_all_else_in_it_is_as_it_was_built(manager: FarmProcesses, built: Path) -> None:
    content = manager.http.get("/tablao-addon.zip").content

    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(built) as original:
        assert given.namelist() == [*original.namelist(), "tablao/manager_address.txt"]
        assert all(given.read(name) == original.read(name) for name in original.namelist())


@pytest.mark.parametrize("address", ["/flamenco-addon.zip", "/flamenco3-addon.zip"])
def test_flamencos_addresses_lead_to_it(manager: FarmProcesses, address: str) -> None:
    answer = manager.http.get(address)

    assert (answer.status_code, answer.headers["location"]) == (308, "/tablao-addon.zip")


@pytest.mark.parametrize(
    "host",
    ["farm", "farm.studio:8080", "192.168.1.7", "[fe80::1]:8080", "render-01_a.local", "a"],
)
def test_names_and_numbers_are_addresses(host: str) -> None:
    assert address_of("http", host) == f"http://{host}"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "farm/evil",
        "user@farm",
        "farm:port",
        "farm:123456",
        "farm\nother: header",
        "farm evil",
        'farm"',
        "-farm",
        "[farm]",
        "fārm",
        "a" * 300,
    ],
)
def test_other_hosts_are_refused(host: str) -> None:
    with pytest.raises(BadRequest, match="must be a name or an address of this manager"):
        address_of("http", host)


def test_a_manager_without_the_zip_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(AddonNotBuilt, match="make addon") as refusal:
        zip_for("http://farm", None, tmp_path)

    assert refusal.value.http_status == 503


def test_the_repository_tells_the_truth_about_the_zip(manager: FarmProcesses) -> None:
    listing = manager.http.get("/addon/index.json").json()
    told = listing["data"][0]
    content = httpx.get(told["archive_url"]).content

    assert listing["version"] == "v1"
    assert told["archive_url"] == f"{manager.url}/tablao-addon.zip"
    assert told["archive_size"] == len(content)
    assert told["archive_hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert (told["id"], told["type"]) == ("tablao", "add-on")


def test_blender_installs_the_add_on_from_that_repository(
    manager: FarmProcesses, tmp_path: Path
) -> None:
    where = ("--remote-url", f"{manager.url}/addon/index.json", "--local-dir", str(tmp_path))

    extension_command("sync", *where)
    extension_command(
        "install", *where, "--blender-version", "5.2.3", "--python-version", "3.13.0", "tablao"
    )

    installed = tmp_path / "tablao"
    assert (installed / "blender_manifest.toml").is_file()
    assert (installed / "manager_address.txt").read_text().strip() == manager.url
