"""The page for a screen on the wall: what it says, by itself."""

import re
from typing import Any

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.chromium import Problems
from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm


def test_the_wall_says_what_the_farm_does(at: At, page: Page, farm: BrowsedFarm) -> None:
    page.emulate_media(color_scheme="light")
    at("/wall")

    active = page.get_by_role("region", name=re.compile(r"^\d+ active jobs?$"))
    expect(active).to_contain_text(farm.job(farm.standing["active"])["name"])
    expect(active).to_contain_text(re.compile(r"\d+ %"))
    workers = page.get_by_role("region", name="Workers")
    expect(workers).to_contain_text(
        re.compile(r"\d\s*working.*\d\s*idle.*\d\s*set aside", re.DOTALL)
    )
    expect(workers).to_contain_text(re.compile(r"1\s*asleep"))
    failed = page.get_by_role("region", name="Failed in the last day")
    expect(failed).to_contain_text(farm.job(farm.standing["failed"])["name"])
    expect(page.get_by_role("img", name=re.compile("^Last rendered image of"))).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("navigation")).to_have_count(0)


def test_the_menu_of_the_header_leads_to_the_wall(at: At, page: Page) -> None:
    at("/jobs")
    page.get_by_role("banner").locator("summary").last.click()

    page.get_by_role("link", name="Screen on the wall").click()

    expect(page.get_by_role("region", name="Workers")).to_be_visible()


def test_the_wall_is_live(at: At, page: Page, farm: BrowsedFarm) -> None:
    at("/wall")
    said = page.get_by_text(re.compile(r"^\d+ jobs? waits?$"))
    jobs = farm.http.get("/api/v3/jobs").json()["jobs"]
    before = sum(job["status"] == "queued" for job in jobs)
    expect(said).to_have_text(f"{before} {'job waits' if before == 1 else 'jobs wait'}")
    naps: dict[str, Any] = {"message": "wall", "sleep_duration_seconds": 1, "sleep_repeats": 1}

    farm.submit("echo-sleep-test", naps, name="for the wall", worker_tag=farm.tags["nobody"])

    expect(said).to_have_text(f"{before + 1} jobs wait")


def test_the_wall_says_that_the_connection_is_lost_and_goes_on(
    at: At, page: Page, problems: Problems
) -> None:
    problems.allow("WebSocket", "ERR_FAILED", "Failed to load resource")
    is_away = False
    lines: list[WebSocketRoute] = []

    def connected(line: WebSocketRoute) -> None:
        if is_away:
            line.close()
        else:
            line.connect_to_server()
            lines.append(line)

    page.route_web_socket(re.compile("/events"), connected)
    at("/wall")

    is_away = True
    lines[-1].close()
    alarm = page.get_by_role("alert")
    expect(alarm).to_contain_text("The manager does not answer since")
    is_away = False

    expect(alarm).to_have_count(0)


def test_the_wall_keeps_the_screen_on(at: At, page: Page) -> None:
    page.add_init_script("""
        window.asked = 0
        const sentinel = { release: () => { window.asked -= 1; return Promise.resolve() } }
        const request = () => { window.asked += 1; return Promise.resolve(sentinel) }
        Object.defineProperty(navigator, 'wakeLock', { value: { request } })
    """)
    at("/last-rendered")

    page.get_by_role("link", name="For a screen on the wall").click()
    page.wait_for_function("() => window.asked === 1")
    page.get_by_role("link", name="Leave").click()

    page.wait_for_function("() => window.asked === 0")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
