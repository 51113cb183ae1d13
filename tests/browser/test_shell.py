"""The dashboard's frame: navigation, colours, the farm's status, the live connection."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, WebSocketRoute, expect

from tests.browser.chromium import Problems
from tests.browser.conftest import At, open_view
from tests.browser.farm import BrowsedFarm
from tests.farm.processes import SCALED, FarmProcesses

VIEWS = {
    "Jobs": "/app/jobs",
    "Workers": "/app/workers",
    "Last rendered": "/app/last-rendered",
    "Submit": "/app/submit",
    "Settings": "/app/settings",
}
#: What Chromium says of a connection that ends because the manager does.
_MANAGER_AWAY = (
    "ERR_CONNECTION",
    "WebSocket connection to",
    "ERR_EMPTY_RESPONSE",
    # It was killed in the middle of an answer.
    "ERR_CONTENT_LENGTH_MISMATCH",
    "ERR_INCOMPLETE_CHUNKED_ENCODING",
)
EVENTS = "/api/tablao/v1/events"


class Heard:
    """The ids of the events that a page was told, over all its connections."""

    def __init__(self, page: Page) -> None:
        self.addresses: list[str] = []
        self.ids: list[int] = []
        page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        self.addresses.append(socket.url)
        socket.on("framereceived", self._received)

    def _received(self, payload: str | bytes) -> None:
        event = json.loads(payload)
        if event["id"] is not None:
            self.ids.append(event["id"])


def test_every_view_is_one_click_away(at: At) -> None:
    page = at("/jobs")

    for label, address in VIEWS.items():
        page.get_by_role("navigation", name="Views").get_by_role("link", name=label).click()

        page.wait_for_url(f"**{address}*")
        current = page.get_by_role("navigation", name="Views").locator("[aria-current=page]")
        expect(current).to_have_text(label)


def test_the_address_of_the_manager_leads_to_the_jobs(page: Page, farm: BrowsedFarm) -> None:
    page.goto(farm.url)

    page.wait_for_url("**/app/jobs")


def test_an_unknown_address_says_so_and_leads_back(at: At) -> None:
    page = at("/there-is-no-such-view")

    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page.get_by_role("link", name="To the jobs", exact=True).click()
    page.wait_for_url("**/app/jobs")


def test_colours_are_the_machines_until_somebody_chooses(at: At, page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    at("/jobs")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    page.get_by_role("button", name="Light colours").click()

    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.emulate_media(color_scheme="light")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_the_header_tells_how_the_farm_is(at: At, farm: BrowsedFarm) -> None:
    told = farm.http.get("/api/v3/status").json()["status"]

    page = at("/jobs")

    expect(page.get_by_role("banner").get_by_role("status")).to_have_text(f"farm {told}")


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_no_view_is_wider_than_the_window(at: At, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})

    for address in VIEWS.values():
        at(address.removeprefix("/app"))

        too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert too_wide <= 0, f"{address} at {width} pixels: {too_wide} too wide"


def test_on_a_phone_the_open_view_and_tab_are_in_sight(
    at: At, page: Page, farm: BrowsedFarm
) -> None:
    page.set_viewport_size({"width": 390, "height": 800})

    at(f"/jobs/{farm.standing['completed']}?tab=comments")
    expect(page.get_by_role("tab", name="Comments")).to_be_in_viewport(ratio=0.98)

    at("/settings/notifications")
    link = page.get_by_role("navigation", name="Views").get_by_role("link", name="Settings")
    expect(link).to_be_in_viewport(ratio=0.98)


def test_every_view_is_reached_with_the_keyboard(at: At) -> None:
    page = at("/jobs")
    link = page.get_by_role("navigation", name="Views").get_by_role("link", name="Workers")

    for _ in range(10):
        page.keyboard.press("Tab")
        if link.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")

    page.wait_for_url("**/app/workers")


def test_a_killed_manager_costs_the_page_no_event(
    page: Page, problems: Problems, tmp_path: Path
) -> None:
    problems.allow(*_MANAGER_AWAY)
    heard = Heard(page)
    with FarmProcesses(tmp_path / "farm", settings=SCALED) as farm:
        open_view(page, farm.url, "/jobs")
        farm.submit_frames("1-3", name="before the accident")
        expect(page.get_by_text("before the accident")).to_be_visible()
        status = page.get_by_role("banner").get_by_role("status")

        farm.kill_manager()
        expect(status).to_have_text("connection lost")
        farm.start_manager()
        farm.submit_frames("1-3", name="while nobody listened")

        expect(status).to_contain_text("farm")
        expect(page.get_by_text("while nobody listened")).to_be_visible()
        farm.submit_frames("1-2", name="after it all")
        expect(page.get_by_text("after it all")).to_be_visible()
        assert any("since=" in address for address in heard.addresses)
        kept = [row[0] for row in farm.query("SELECT id FROM events ORDER BY id")]
        newest = heard.ids[-1]
        assert heard.ids == [one for one in kept if heard.ids[0] <= one <= newest]


def test_what_was_missed_for_good_is_fetched_anew(at: At, page: Page) -> None:
    sockets: list[WebSocketRoute] = []

    def through(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket(re.compile(re.escape(EVENTS)), through)
    at("/jobs")
    while not sockets:
        # Unlike a plain sleep this lets Playwright work.
        page.wait_for_timeout(20)

    with page.expect_request("**/api/v3/status"):
        sockets[-1].send(json.dumps({"id": 10**6, "topic": "/missed", "payload": {}}))


def test_a_lost_connection_is_told_with_what_it_means(
    page: Page, problems: Problems, tmp_path: Path
) -> None:
    problems.allow(*_MANAGER_AWAY, "Failed to fetch", "preload", "dynamically imported module")
    with FarmProcesses(tmp_path / "farm", settings=SCALED) as farm:
        open_view(page, farm.url, "/jobs")
        expect(page.get_by_text("There are no jobs yet")).to_be_visible()
        banner = page.get_by_role("alert", name="Connection")
        expect(banner).to_have_count(0)

        farm.kill_manager()

        expect(banner).to_contain_text("The manager does not answer.")
        expect(banner).to_contain_text("What you see is as it was at")
        expect(page.locator("main.stale")).to_be_visible()
        expect(page.get_by_text("There are no jobs yet")).to_have_count(0)
        expect(page.get_by_text("There were no jobs when the manager")).to_be_visible()
        views = page.get_by_role("navigation", name="Views")
        views.get_by_role("link", name="Last rendered").click()
        expect(page.get_by_role("heading", name="This page could not be loaded")).to_be_visible()
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("The manager still does not answer.")).to_be_visible()

        farm.start_manager()

        expect(page.get_by_role("heading", name="Last rendered")).to_be_visible()
        expect(banner).to_have_count(0)


def test_a_list_that_was_not_sent_is_not_called_empty(
    at: At, page: Page, problems: Problems
) -> None:
    problems.allow(r"/api/tablao/v1/jobs", "ERR_FAILED")
    page.route("**/api/tablao/v1/jobs", lambda route: route.abort())
    at("/jobs?q=sh010")

    alert = page.get_by_role("grid", name="Jobs").get_by_role("alert")
    expect(alert).to_contain_text("The jobs could not be fetched: The manager cannot be reached")
    expect(page.get_by_text("There are no jobs yet")).to_have_count(0)
    expect(page.get_by_role("button", name="0 jobs")).to_have_count(0)
    page.unroute("**/api/tablao/v1/jobs")
    page.get_by_role("button", name="Try now").click()

    expect(page.get_by_text("sh010_0020 layout")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_colour_of_a_status_is_used_for_something_else(at: At, page: Page, theme: str) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    at("/jobs")
    words = (
        "accent", "focus", "queued", "active", "completed", "soft-failed", "failed", "paused",
        "asleep",
    )  # fmt: skip

    colours = page.evaluate(
        "words => words.map(word => "
        "getComputedStyle(document.documentElement).getPropertyValue(`--${word}`))",
        list(words),
    )

    assert len(set(colours)) == len(words), dict(zip(words, colours, strict=True))
