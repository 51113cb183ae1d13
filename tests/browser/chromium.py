"""Real Chromium for the tests: how it is found and started, and what must not happen in a page."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserType,
    ConsoleMessage,
    Error,
    Page,
    Request,
    Response,
    sync_playwright,
)

#: Generous, because test machines are slow and do other things.
TIMEOUT_MS = 30_000
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
#: The first one takes a third of the others' processor time: it has no windows to draw for nobody.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
_INSTALL = (
    "no Chromium: apt-get install chromium-headless-shell, or "
    ".venv/bin/python -m playwright install chromium"
)


class NoChromium(Exception):
    """The message says how to install one."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's, else Playwright's own.

    Raises:
        NoChromium: There is neither.
    """
    with sync_playwright() as playwright:
        browser = _launched(playwright.chromium)
        try:
            yield browser
        finally:
            browser.close()


def _launched(kind: BrowserType) -> Browser:
    found = (path for name in _NAMES if (path := shutil.which(name)))
    executable = next(found, kind.executable_path)
    if not Path(executable).exists():
        raise NoChromium(_INSTALL)
    return kind.launch(executable_path=executable, args=[*_FLAGS])


class Problems:
    """What went wrong in a page, without anybody having said that it may."""

    def __init__(self, page: Page) -> None:
        self._found: list[str] = []
        self._allowed: list[str] = []
        page.on("console", self._logged)
        page.on("pageerror", self._raised)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def allow(self, *patterns: str) -> None:
        """Problems that a test brings about on purpose: regular expressions, found anywhere."""
        self._allowed += patterns

    def check(self) -> None:
        """Raises:
        AssertionError: Something went wrong in the page.
        """
        allowed = self._allowed
        bad = [one for one in self._found if not any(re.search(each, one) for each in allowed)]
        assert not bad, "in the page:\n" + "\n".join(bad)

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            where = message.location.get("url", "")
            self._found.append(f"console {message.type}: {message.text} ({where})")

    def _raised(self, error: Error) -> None:
        self._found.append(f"uncaught: {error}")

    def _failed(self, request: Request) -> None:
        # A page that is left takes its requests with it.
        if request.failure and "ERR_ABORTED" not in request.failure:
            self._found.append(f"request failed: {request.method} {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            asked = f"{response.request.method} {response.url}"
            self._found.append(f"refused: {asked} {response.status}")
