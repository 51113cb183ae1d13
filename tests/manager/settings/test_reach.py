"""Which settings let other machines reach the manager, and under which names."""

from pathlib import Path
from typing import Any

import pytest

from activities.process.layered_settings import SettingsError
from manager_api.settings.model import ManagerSettings, read_settings
from manager_api.settings.reach import check_listen
from tests.manager.certificates import authority_in

NOTHING: dict[str, bool] = {"has_tls": False, "has_proxies": False, "insecure": False}
NETWORKS = ["0.0.0.0", "::", "192.168.1.7", "farm.studio", ""]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_this_machine_is_served_in_plain(host: str) -> None:
    check_listen(host, **NOTHING)


@pytest.mark.parametrize("host", NETWORKS)
def test_a_network_is_not(host: str) -> None:
    with pytest.raises(SettingsError, match="--insecure") as refusal:
        check_listen(host, **NOTHING)

    assert all(word in str(refusal.value) for word in ("tablao tls init", "trusted_proxies"))


@pytest.mark.parametrize("host", NETWORKS)
@pytest.mark.parametrize("reason", NOTHING)
def test_a_network_is_served_for_one_of_three_reasons(host: str, reason: str) -> None:
    check_listen(host, **(NOTHING | {reason: True}))


def read(tmp_path: Path, **content: Any) -> ManagerSettings:
    return read_settings(content=content, data_dir=tmp_path)


@pytest.mark.parametrize(
    ("public_url", "url", "path", "origin"),
    [
        ("", "", "", ""),
        ("https://farm.studio", "https://farm.studio", "", "https://farm.studio"),
        (
            "https://Farm.Studio/tablao/",
            "https://farm.studio/tablao",
            "/tablao",
            "https://farm.studio",
        ),
        ("http://[fd00::1]:8443/a/b", "http://[fd00::1]:8443/a/b", "/a/b", "http://[fd00::1]:8443"),
    ],
)
def test_the_public_address_has_no_slash_at_its_end(
    tmp_path: Path, public_url: str, url: str, path: str, origin: str
) -> None:
    settings = read(tmp_path, public_url=public_url)

    found = (settings.public_url, settings.public_path, settings.public_origin)
    assert found == (url, path, origin)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("public_url", "farm.studio"),
        ("public_url", "ftp://farm.studio"),
        ("public_url", "https://ana@farm.studio/"),
        ("public_url", "https://farm.studio/?a=b"),
        ("public_url", "https://farm.studio/<script>"),
        ("public_url", "https://farm.studio/a/../b"),
        ("public_url", "https://farm.studio/api/tablao"),
        ("public_url", "https://farm.studio:0/"),
        ("public_url", "https://["),
        ("trusted_proxies", ["proxy.studio"]),
        ("trusted_proxies", ["10.0.0.1/99"]),
        ("trusted_proxies", ["0.0.0.0/0"]),
        ("trusted_proxies", ["::/0"]),
        ("trusted_proxies", ["10.0.0.1"] * 101),
        ("allowed_hosts", ["*"]),
        ("allowed_hosts", ["*.studio"]),
        ("allowed_hosts", ["farm.studio:8080"]),
        ("allowed_hosts", ["https://farm.studio"]),
        ("allowed_hosts", ["a" * 254]),
    ],
)
def test_an_address_that_cannot_be_is_a_sentence(
    tmp_path: Path, setting: str, value: object
) -> None:
    with pytest.raises(SettingsError, match=f"Setting {setting}"):
        read(tmp_path, **{setting: value})


def test_lists_are_parted_by_commas_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLAO_TRUSTED_PROXIES", "10.1.2.3/8, ::1")
    monkeypatch.setenv("TABLAO_ALLOWED_HOSTS", "Farm,[FD00::1]")

    settings = read(tmp_path)

    assert settings.trusted_proxies == ("10.0.0.0/8", "::1/128")
    assert settings.allowed_hosts == ("farm", "fd00::1")


def test_a_certificate_lets_the_manager_serve_a_network(tmp_path: Path) -> None:
    files = authority_in(tmp_path / "tls", "farm.studio")

    settings = read(
        tmp_path, listen=":8080", tls={"cert": "tls/manager.pem", "key": "tls/manager.key"}
    )

    assert settings.tls_files == (files.certificate, files.key)


def test_a_certificate_that_cannot_be_served_is_a_sentence(tmp_path: Path) -> None:
    files = authority_in(tmp_path / "tls", "farm.studio")
    other = authority_in(tmp_path / "other", "farm.studio")
    (tmp_path / "empty.pem").touch()
    for cert, key, sentence in (
        (files.certificate, tmp_path / "none", "tls.key: .* cannot be read: No such file"),
        (tmp_path / "none", files.key, "tls.cert: .* cannot be read: No such file"),
        (tmp_path, files.key, "tls.cert: .* cannot be read: Is a directory"),
        (files.certificate, other.key, "do not belong together"),
        (tmp_path / "empty.pem", files.key, "do not belong together"),
    ):
        with pytest.raises(SettingsError, match=sentence):
            read(tmp_path, tls={"cert": str(cert), "key": str(key)})
    with pytest.raises(SettingsError, match="give both or none"):
        read(tmp_path, tls={"cert": str(files.certificate)})
