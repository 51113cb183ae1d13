"""`tablao up` opens the browser of a person at a desktop, and of nothing else."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from manager_api.cli import desktop
from manager_api.cli.supervise import free_port

#: Stands in for a browser: it writes down what it is to show.
STUB = """#!/bin/sh
echo "$1" > "$0.draft"
mv "$0.draft" "$0.shown"
"""


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    path = tmp_path / "browser"
    path.write_text(STUB)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("environment", "is_terminal", "opens"),
    [
        ({"DISPLAY": ":0"}, True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True, True),
        ({"DISPLAY": ":0"}, False, False),
        ({"DISPLAY": ":0", "CI": "true"}, True, False),
        ({"DISPLAY": ""}, True, False),
        ({}, True, False),
    ],
)
def test_only_a_person_at_a_desktop_sees_a_browser(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], is_terminal: bool, opens: bool
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal, raising=False)

    assert desktop.has_desktop() == opens


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_some_systems_always_have_a_desktop(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)

    assert desktop.has_desktop()


class Terminal:
    """`tablao up` in a terminal."""

    def __init__(self, environment: Mapping[str, str], *arguments: str) -> None:
        ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "manager_api.cli.main", "up", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
        )
        os.close(theirs)
        self.said = ""
        self._reading = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self._reading.start()

    def _read(self, terminal: int) -> None:
        while True:
            try:
                text = os.read(terminal, 4096)
            except OSError:  # The process has ended.
                return
            self.said += text.decode(errors="replace")

    def until_says(self, words: str) -> None:
        deadline = time.monotonic() + 120
        while words not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)


def start_up(browser: Path, data_dir: Path, *arguments: str, **more: str) -> tuple[Terminal, str]:
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"DISPLAY": ":0", "BROWSER": f"{browser} %s", **more}
    port = str(free_port("127.0.0.1"))
    options = ("--data-dir", str(data_dir), "--port", port, "--workers", "0", *arguments)
    return Terminal(environment, *options), f"http://127.0.0.1:{port}"


def test_up_opens_the_dashboard_with_a_link_that_works_once(browser: Path, tmp_path: Path) -> None:
    shown = browser.with_suffix(".shown")
    up, url = start_up(browser, tmp_path / "farm")
    try:
        up.until_says("Press Ctrl-C")
        deadline = time.monotonic() + 60
        while not shown.exists():
            assert time.monotonic() < deadline, up.said
            time.sleep(0.02)
        link = shown.read_text().strip()
        code = link.partition("#link=")[2]
        own_page = {"sec-fetch-site": "same-origin"}
        answers = [
            httpx.post(f"{url}/api/tablao/v1/login/link", json={"code": code}, headers=own_page)
            for _ in range(2)
        ]
    finally:
        up.end()

    assert link.startswith(f"{url}/app/login#link=tablao_link_")
    assert [answer.status_code for answer in answers] == [200, 401]
    assert answers[0].json()["role"] == "admin"
    # The printed one is another.
    assert "#link=tablao_link_" in up.said
    assert code not in up.said


@pytest.mark.parametrize("how", ["--no-browser", "CI"])
def test_up_opens_no_browser_if_it_is_not_to(browser: Path, tmp_path: Path, how: str) -> None:
    arguments = (how,) if how.startswith("-") else ()
    more = {} if how.startswith("-") else {how: "1"}
    up, _ = start_up(browser, tmp_path / "farm", *arguments, **more)
    try:
        up.until_says("Press Ctrl-C")
    finally:
        up.end()

    assert not browser.with_suffix(".shown").exists()
    assert not browser.with_suffix(".draft").exists()


@pytest.mark.parametrize(("name", "is_shown"), [("", False), ("w3m", True)])
def test_a_browser_for_terminals_is_opened_only_if_the_user_says_so(
    browser: Path, tmp_path: Path, name: str, is_shown: bool
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy(browser, folder / "w3m")
    program = (
        "import threading; from manager_api.cli.desktop import open_browser; "
        "open_browser('http://farm'); "
        "[each.join() for each in threading.enumerate() if each.daemon]"
    )

    subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        env={"PATH": f"{folder}:/usr/bin:/bin", "TERM": "xterm", "BROWSER": name},
        cwd=Path(__file__).parents[3],
    )

    assert (folder / "w3m.shown").exists() == is_shown
