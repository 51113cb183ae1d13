"""Browser tests: a real farm, a real Chromium, and a page in which nothing may go wrong.

They are not async: Playwright's loop and pytest-asyncio's cannot share a thread, which is also
why the browser ends with this package.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from manager_api.web.dashboard import FILES
from tests.browser.chromium import TIMEOUT_MS, NoChromium, Problems, chromium
from tests.browser.farm import BrowsedFarm

expect.set_options(timeout=TIMEOUT_MS)

#: Of the jobs that a test submits for itself.
PROJECT = "list of jobs"
#: Submits a job by its name, with fields of the submission; returns its id.
Submit = Callable[..., str]
#: Opens a view (`/jobs?status=failed`) as an administrator, waits until it is live, and returns the
#: page.
At = Callable[[str], Page]


@pytest.fixture(scope="package")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowsedFarm]:
    """One for all modules; `farm.standing[status]` are jobs that all tests leave as they are."""
    if not (FILES / "index.html").is_file():
        pytest.fail("the dashboard has not been built: make dashboard")
    with BrowsedFarm(tmp_path_factory.mktemp("browsed") / "farm") as farm:
        farm.populate()
        yield farm


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    try:
        with chromium() as browser:
            yield browser
    except NoChromium as missing:
        pytest.fail(str(missing))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """1440 pixels wide; fails the test on any error, warning or refused request in the page.

    For other sizes: `page.set_viewport_size(…)`. For problems on purpose: `problems.allow(…)`.
    """
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme="light", accept_downloads=True
    )
    context.set_default_timeout(TIMEOUT_MS)
    yield context.new_page()
    context.close()


@pytest.fixture(autouse=True)
def problems(request: pytest.FixtureRequest) -> Iterator[Problems | None]:
    """Of this test's page; None where a test has no page."""
    if "page" not in request.fixturenames:
        yield None
        return
    found = Problems(request.getfixturevalue("page"))
    yield found
    found.check()


@pytest.fixture(scope="module")
def tidied(farm: BrowsedFarm) -> Iterator[None]:
    """The jobs of a module's tests are gone when the next module begins: its lists are short."""
    yield
    farm.delete_other_jobs()


@pytest.fixture
def at(page: Page, farm: BrowsedFarm, tidied: None) -> At:
    log_in(page, farm)

    def opened(view: str) -> Page:
        return open_view(page, farm.url, view)

    return opened


@pytest.fixture
def submit(farm: BrowsedFarm) -> Submit:
    """A job that nobody takes; returns its id."""

    def submit(name: str, **fields: Any) -> str:
        naps = {"message": "olé", "sleep_duration_seconds": 1, "sleep_repeats": 3}
        whole = {
            "metadata": {"project": PROJECT, "user.name": "dora", "shot": "010"},
            "worker_tag": farm.tags["nobody"],
        }
        return farm.submit("echo-sleep-test", naps, name=name, **(whole | fields))

    return submit


def log_in(page: Page, farm: BrowsedFarm) -> None:
    """Give the page's browser the session of an administrator."""
    address = f"{farm.url}/api/tablao/v1/login/link"
    answer = page.context.request.post(address, data={"code": farm.link_code()})
    assert answer.ok, answer.text()


def open_view(page: Page, url: str, view: str) -> Page:
    page.goto(f"{url}/app{view}")
    live = page.get_by_role("banner").get_by_role("status")
    expect(live).to_contain_text("farm")
    expect(live).not_to_contain_text("unknown")
    expect(page.locator("main")).to_be_attached()  # a key pressed before that is lost
    return page
