"""The wheel that the manager gives its workers."""

import base64
import csv
import hashlib
import io
import tomllib
import zipfile
from importlib.metadata import Distribution
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from manager_api.upgrades import package
from manager_api.version import VERSION

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

ADDRESS = "/api/tablao/v1/package"
ROOT = Path(__file__).parents[3]


async def downloaded(api: httpx.AsyncClient) -> zipfile.ZipFile:
    about = (await api.get(ADDRESS)).json()
    answer = await api.get(about["path"])
    assert answer.status_code == 200
    assert len(answer.content) == about["size"]
    assert hashlib.sha256(answer.content).hexdigest() == about["sha256"]
    assert about["path"].endswith(f"/{about['file']}")
    assert about["version"] == VERSION
    return zipfile.ZipFile(io.BytesIO(answer.content))


async def test_the_package_has_all_that_a_wheel_needs(api: httpx.AsyncClient) -> None:
    with await downloaded(api) as wheel:
        about = f"tablao-{VERSION}.dist-info"
        rows = list(csv.reader(io.StringIO(wheel.read(f"{about}/RECORD").decode())))
        names = wheel.namelist()
        contents = {name: wheel.read(name) for name in names}

    assert sorted(row[0] for row in rows) == sorted(names)
    for name, digest, size in rows[:-1]:
        raw = hashlib.sha256(contents[name]).digest()
        assert digest == f"sha256={base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"
        assert size == str(len(contents[name]))
    assert rows[-1] == [f"{about}/RECORD", "", ""]
    assert f"Version: {VERSION}" in contents[f"{about}/METADATA"].decode()
    assert "tablao-worker = " in contents[f"{about}/entry_points.txt"].decode()
    assert b"Tag: py3-none-any" in contents[f"{about}/WHEEL"]


async def test_nothing_that_running_leaves_behind_is_in_it(api: httpx.AsyncClient) -> None:
    with await downloaded(api) as wheel:
        unwanted = (".pyc", "/.", "addon/wheels/")

        assert [name for name in wheel.namelist() if any(each in name for each in unwanted)] == []


async def test_a_machine_without_credentials_gets_it(farm: "Farm", api: httpx.AsyncClient) -> None:
    api.headers.pop("authorization")

    with await downloaded(api) as wheel:
        assert "worker_host/main.py" in wheel.namelist()


@pytest.mark.parametrize("file", ["tablao-9.9.9-py3-none-any.whl", "..%2f..%2fetc%2fpasswd", "x"])
async def test_another_file_is_not_there(api: httpx.AsyncClient, file: str) -> None:
    assert (await api.get(f"{ADDRESS}/{file}")).status_code == 404


async def test_a_version_that_was_replaced_on_disk_is_not_given_out(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Replaced(Distribution):
        version = "99.1"

        def read_text(self, filename: str) -> str | None:
            return None

        def locate_file(self, path: object) -> Path:
            return ROOT

    monkeypatch.setattr(package, "distribution", lambda _: Replaced())

    answer = await api.get(ADDRESS)

    assert answer.status_code == 503
    assert "restart the manager" in answer.json()["message"]


def test_the_same_files_make_the_same_bytes() -> None:
    assert package.ManagerPackage().wheel() == package.ManagerPackage().wheel()


def test_the_folders_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    built = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

    assert sorted(package.FOLDERS) == sorted(built)
