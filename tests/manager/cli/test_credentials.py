"""The token that `tablao` shows: to its own manager, and to no other program of the machine."""

from pathlib import Path

import pytest

from manager_api.access.local_admin import LocalAdmin
from manager_api.cli.client import in_full
from manager_api.cli.credentials import token_for

HERE = "http://127.0.0.1:8080"
SIX = "http://[::1]:8080"


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLAO_TOKEN", raising=False)
    monkeypatch.setenv("TABLAO_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("listens_on", "shown_at", "not_at"),
    [
        ("127.0.0.1", {HERE}, {SIX, "http://127.0.0.2:8080", "http://127.0.0.1:8081"}),
        ("::1", {SIX}, {HERE}),
        ("localhost", {HERE}, {SIX}),
        ("0.0.0.0", {HERE}, {SIX}),
        ("::", {SIX}, {HERE}),
        ("", {HERE, SIX}, {"http://127.0.0.2:8080"}),
        ("10.0.0.7", set(), {HERE, SIX}),
    ],
)
def test_the_local_token_is_shown_where_its_manager_listens(
    tmp_path: Path, listens_on: str, shown_at: set[str], not_at: set[str]
) -> None:
    local = LocalAdmin()
    local.write(tmp_path, listens_on, 8080)

    assert {url: token_for(url) for url in shown_at} == dict.fromkeys(shown_at, local.token)
    assert {url: token_for(url) for url in not_at} == dict.fromkeys(not_at, "")


def test_with_tls_a_certificate_shows_who_listens(tmp_path: Path) -> None:
    local = LocalAdmin()
    local.write(tmp_path, "", 8080)

    assert token_for("https://localhost:8080") == local.token
    assert token_for("https://farm.studio:8080") == ""


@pytest.mark.parametrize(
    ("typed", "full"),
    [
        ("localhost:8080", HERE),
        ("http://LOCALHOST:8080/", HERE),
        ("http://localhost/tablao", "http://127.0.0.1/tablao"),
        ("localhost", "http://127.0.0.1"),
        ("https://localhost:8080", "https://localhost:8080"),
        ("localhost.studio:8080", "http://localhost.studio:8080"),
        ("farm:8080", "http://farm:8080"),
    ],
)
def test_localhost_is_one_address(typed: str, full: str) -> None:
    assert in_full(typed) == full
