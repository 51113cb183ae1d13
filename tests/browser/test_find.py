"""Finding in a long list: all of it, also what is not drawn; and whose key Ctrl-F is."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PROJECT, At, Submit
from tests.browser.farm import BrowsedFarm
from tests.browser.test_tasks import grid, waiting

FIND = "ControlOrMeta+f"
#: Counts presses of the key that are left to the browser.
COUNT = """
window.left = 0
document.addEventListener('keydown', event => {
  if (event.key === 'f' && !event.defaultPrevented) window.left++
})
"""


def box(page: Page, what: str = "tasks") -> Locator:
    return page.get_by_role("searchbox", name=f"Find in the {what}", exact=True)


def said(page: Page, what: str = "tasks") -> Locator:
    return page.get_by_role("search", name=f"Find in the {what}").get_by_role("status")


def hit(page: Page) -> Locator:
    return page.locator("[role=row].hit")


def test_find_goes_through_all_tasks_of_a_long_job(at: At, page: Page, farm: BrowsedFarm) -> None:
    naps = {"message": "olé", "sleep_duration_seconds": 0, "sleep_repeats": 9_999}
    job_id = farm.submit(
        "echo-sleep-test", naps, name="10,000 tasks", worker_tag=farm.tags["nobody"]
    )
    at(f"/jobs/{job_id}?tab=tasks")
    expect(grid(page)).to_have_attribute("aria-rowcount", "10001")

    page.keyboard.press(FIND)
    expect(box(page)).to_be_focused()
    box(page).fill("#7654")
    expect(said(page)).to_have_text("1 of 1")
    expect(hit(page)).to_contain_text("7654")
    expect(hit(page)).to_be_in_viewport()

    box(page).fill("sleep")
    expect(said(page)).to_have_text(re.compile(r"of 9,999$"))


def test_enter_and_shift_enter_go_from_hit_to_hit(at: At, page: Page, farm: BrowsedFarm) -> None:
    at(f"/jobs/{waiting(farm)}?tab=tasks")
    expect(grid(page)).to_have_attribute("aria-rowcount", "8")

    page.keyboard.press("/")
    box(page).fill("sleep")
    expect(said(page)).to_have_text("1 of 6")
    page.keyboard.press("Shift+Enter")
    expect(said(page)).to_have_text("6 of 6")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text("2 of 6")
    box(page).fill("nothing like it")
    expect(said(page)).to_have_text("nothing found")
    expect(page.get_by_role("button", name="Next hit")).to_be_disabled()


def test_escape_leaves_the_focus_on_the_hit(at: At, page: Page, farm: BrowsedFarm) -> None:
    at(f"/jobs/{waiting(farm)}?tab=tasks")
    expect(grid(page)).to_have_attribute("aria-rowcount", "8")

    page.keyboard.press(FIND)
    box(page).fill("#5")
    expect(hit(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(box(page)).not_to_be_attached()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/tasks/"))
    expect(page.get_by_role("region", name="Log of the task")).to_be_visible()


def test_the_job_list_has_a_find_box_of_its_own(at: At, page: Page, submit: Submit) -> None:
    for name in ("find me first", "find me second", "another"):
        submit(name)
    at(f"/jobs?project={PROJECT.replace(' ', '+')}")

    page.keyboard.press(FIND)
    box(page, "jobs").fill("find me")
    expect(said(page, "jobs")).to_have_text("1 of 2")
    first = hit(page).text_content()
    page.keyboard.press("Enter")

    expect(said(page, "jobs")).to_have_text("2 of 2")
    expect(hit(page)).not_to_have_text(first or "")


def test_a_second_ctrl_f_is_the_browsers(at: At, page: Page, farm: BrowsedFarm) -> None:
    page.add_init_script(COUNT)
    at(f"/jobs/{waiting(farm)}?tab=tasks")
    expect(grid(page)).to_have_attribute("aria-rowcount", "8")

    page.keyboard.press(FIND)
    expect(box(page)).to_be_focused()
    assert page.evaluate("window.left") == 0
    page.keyboard.press(FIND)

    assert page.evaluate("window.left") == 1


def test_ctrl_f_in_a_log_is_the_browsers(at: At, page: Page, farm: BrowsedFarm) -> None:
    page.add_init_script(COUNT)
    job_id = farm.standing["failed"]
    task = next(task for task in farm.tasks(job_id) if task["status"] == "failed")
    at(f"/jobs/{job_id}/tasks/{task['id']}")
    log = page.get_by_role("region", name="Log", exact=True)
    expect(log).to_contain_text("rig is missing")

    log.focus()
    page.keyboard.press(FIND)
    page.get_by_role("searchbox", name="Search the log").press(FIND)

    assert page.evaluate("window.left") == 2
    expect(box(page)).not_to_be_attached()


def test_a_slash_in_the_job_list_is_for_its_filter(at: At, page: Page, farm: BrowsedFarm) -> None:
    at(f"/jobs/{waiting(farm)}?tab=tasks&q=tasks+that+wait")
    page.get_by_role("grid", name="Jobs").locator("[role=row][tabindex='0']").focus()

    page.keyboard.press("/")

    expect(page.get_by_role("searchbox", name="Text")).to_be_focused()
