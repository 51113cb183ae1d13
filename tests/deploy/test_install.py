"""The installation finds packages where pip would, and nothing that is not pinned."""

from pathlib import Path
from types import ModuleType

import pytest


def test_uv_is_told_what_pip_is_told(install: ModuleType) -> None:
    listed = "global.index-url='https://mirror.example/simple'\nglobal.cert='/etc/ca.pem'\n"

    assert install.uv_settings(listed) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "SSL_CERT_FILE": "/etc/ca.pem",
    }


def test_the_environment_goes_before_pips_files(install: ModuleType) -> None:
    listed = (
        ":env:.index-url='https://third.example'\n"
        "global.index-url='https://first.example'\n"
        "install.index-url='https://second.example'\n"
    )

    assert install.uv_settings(listed) == {"UV_DEFAULT_INDEX": "https://third.example"}


def test_a_folder_of_packages_that_is_missing_is_left_out(
    install: ModuleType, tmp_path: Path
) -> None:
    listed = f":env:.find-links='/no/such/folder {tmp_path} https://mirror.example/'\n"

    assert install.uv_settings(listed) == {"UV_FIND_LINKS": f"{tmp_path},https://mirror.example/"}


def test_other_settings_of_pip_are_pips_own(install: ModuleType) -> None:
    assert install.uv_settings("global.timeout='180'\ndownload.cert='/x'\n") == {}


def test_the_installer_itself_is_installed_with_its_hashes(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])

    lines = install.pin("uv", install.BUILD).splitlines()

    assert lines[0].startswith("uv==")
    assert len(lines) > 1
    assert all(line.lstrip().startswith("--hash=sha256:") for line in lines[1:])


def test_a_package_in_two_lists_is_counted_once(install: ModuleType, tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("one==1 \\\n    --hash=sha256:0\ntwo==2\n")
    second.write_text("two==2\nthree==3 ; sys_platform == 'linux'\n")

    assert install.count(first, second) == 3
