"""A long list shows its first rows before it has all; nothing on the page takes them for all."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import At, Submit
from tests.browser.farm import BrowsedFarm
from tests.browser.test_find import FIND, box, said
from tests.browser.test_tasks import grid, rows, waiting

TASKS = 300
_PART = re.compile(r"/tasks\?after=\d+&limit=2000")
_ALL_JOBS = re.compile(r"/api/tablao/v1/jobs$")


class Held:
    """Requests for the rest of a list, which are not passed on to the manager for now."""

    def __init__(self) -> None:
        self._routes: list[Route] = []
        self._are_held = True

    def hold(self, route: Route) -> None:
        if self._are_held:
            self._routes.append(route)
        else:
            route.continue_()

    def let_go(self) -> None:
        self._are_held = False
        for route in self._routes:
            route.continue_()


@contextmanager
def held(page: Page, what: re.Pattern[str]) -> Iterator[None]:
    """Inside, the page has only the first rows; afterwards it gets all."""
    requests = Held()
    page.route(what, requests.hold)
    yield
    requests.let_go()


def long_job(farm: BrowsedFarm, **changes: Any) -> str:
    naps = {"message": "olé", "sleep_duration_seconds": 0, "sleep_repeats": TASKS - 1}
    return farm.submit(
        "echo-sleep-test", naps, name="a long job", worker_tag=farm.tags["nobody"], **changes
    )


def counts(page: Page) -> Locator:
    details = page.get_by_role("region", name="Details of the job")
    return details.get_by_role("group", name="Tasks by status").last


def test_the_first_tasks_are_shown_before_all_are_there(
    at: At, page: Page, farm: BrowsedFarm
) -> None:
    job_id = long_job(farm)

    with held(page, _PART):
        at(f"/jobs/{job_id}?tab=tasks")
        expect(rows(page).first).to_contain_text("echo")
        expect(grid(page)).to_have_attribute("aria-rowcount", str(TASKS + 1))
        expect(grid(page)).to_have_attribute("aria-busy", "true")
        expect(counts(page)).to_have_text("Fetching the tasks…")
        expect(
            grid(page).get_by_role("checkbox", name="Select all that are shown")
        ).to_be_disabled()
        expect(page.get_by_role("combobox", name="Select tasks by status")).to_be_disabled()
        expect(page.get_by_role("button", name="Lock rows")).to_be_disabled()

    expect(counts(page)).to_contain_text(f"{TASKS} queued")
    expect(grid(page)).to_have_attribute("aria-busy", "false")
    expect(grid(page)).to_have_attribute("aria-rowcount", str(TASKS + 1))
    expect(page.get_by_role("button", name="Lock rows")).to_be_enabled()


def test_the_end_of_a_list_that_is_being_fetched_is_its_last_row(
    at: At, page: Page, farm: BrowsedFarm
) -> None:
    job_id = long_job(farm)

    with held(page, _PART):
        at(f"/jobs/{job_id}?tab=tasks")
        rows(page).first.focus()
        page.keyboard.press("End")
        coming = grid(page).get_by_role("row", name="Fetching…").last
        expect(coming).to_be_focused()

    expect(rows(page).last).to_contain_text(str(TASKS))
    expect(rows(page).last).to_be_focused()


def test_first_tasks_are_selected_opened_and_kept_current(
    at: At, page: Page, farm: BrowsedFarm
) -> None:
    job_id = long_job(farm)

    with held(page, _PART):
        at(f"/jobs/{job_id}?tab=tasks")
        rows(page).nth(1).get_by_role("checkbox").check()
        expect(page.get_by_text("1 task selected")).to_be_visible()
        expect(page.get_by_text("hidden by the filter")).to_have_count(0)
        nap = farm.tasks(job_id)[4]
        cancel = f"/api/tablao/v1/tasks/{nap['id']}/actions"
        farm.http.post(cancel, json={"action": "cancel"}).raise_for_status()
        expect(rows(page).nth(4).get_by_role("img", name="canceled")).to_be_visible()
        rows(page).nth(1).click()
        expect(page.get_by_role("region", name="Details of the task")).to_contain_text("sleep")

    expect(counts(page)).to_contain_text("1 canceled")
    expect(rows(page).nth(4).get_by_role("img", name="canceled")).to_be_visible()
    expect(page.get_by_text("1 task selected")).to_be_visible()


def test_a_find_box_and_a_filter_wait_for_all_tasks(at: At, page: Page, farm: BrowsedFarm) -> None:
    job_id = long_job(farm)

    with held(page, _PART):
        at(f"/jobs/{job_id}?tab=tasks")
        expect(rows(page).first).to_be_visible()
        page.keyboard.press(FIND)
        box(page).fill("sleep")
        expect(said(page)).to_have_text("fetching…")
        page.keyboard.press("Escape")
        page.get_by_role("searchbox", name=re.compile("^Filter tasks")).fill("echo")
        expect(grid(page)).to_contain_text("Fetching the tasks…")
        expect(rows(page)).to_have_count(0)

    expect(rows(page)).to_have_count(1)


def test_a_short_list_is_asked_for_once(at: At, page: Page, farm: BrowsedFarm) -> None:
    job_id = waiting(farm)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    at(f"/jobs/{job_id}?tab=tasks")

    expect(counts(page)).to_contain_text("7 queued")
    assert sum("/tasks?" in url for url in asked) == 1


def test_the_newest_jobs_are_shown_before_all_are_there(at: At, page: Page, submit: Submit) -> None:
    submit("the second newest")
    submit("the newest of all")
    # As on a farm with more jobs than come first.
    page.route(
        re.compile(r"/jobs\?limit=60"),
        lambda route: route.continue_(url=route.request.url.replace("60", "2")),
    )
    jobs = page.get_by_role("grid", name="Jobs")
    all_jobs = page.get_by_role("group", name="Jobs by status").get_by_role("button").first

    with held(page, _ALL_JOBS):
        at("/jobs")
        expect(jobs.locator("[role=row][data-index]")).to_have_count(2)
        expect(jobs.locator("[role=row][data-index]").first).to_contain_text("the newest of all")
        expect(jobs).to_have_attribute("aria-busy", "true")
        expect(all_jobs).to_have_text("… jobs")
        expect(jobs.get_by_role("checkbox", name="Select all that are shown")).to_be_disabled()
        total = int(jobs.get_attribute("aria-rowcount") or 0) - 1
        assert total > 2

    expect(jobs).to_have_attribute("aria-busy", "false")
    expect(all_jobs).to_have_text(f"{total} jobs")
    expect(jobs).to_have_attribute("aria-rowcount", str(total + 1))
