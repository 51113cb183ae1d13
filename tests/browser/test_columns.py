"""The columns of the lists: what they say, and that they are chosen, ordered and kept."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import At, Submit
from tests.browser.farm import BrowsedFarm
from tests.browser.job_list import row
from tests.browser.views import settled


def headers(page: Page) -> list[str]:
    texts = page.get_by_role("columnheader").all_inner_texts()
    return [text.strip() for text in texts if text.strip() and text.strip() != "Actions"]


def show(page: Page, *labels: str) -> None:
    page.get_by_label("Columns", exact=True).click()
    for label in labels:
        page.get_by_role("checkbox", name=label, exact=True).check()
    page.keyboard.press("Escape")


def test_columns_tell_what_the_tasks_of_a_job_do(at: At, farm: BrowsedFarm) -> None:
    page = at("/jobs?project=Pilot")
    show(page, "Workers", "Frame time", "Age", "Submitted", "Failed")

    expect(row(page, "sh010_0020 layout")).to_contain_text("12/12")
    expect(row(page, "sh010_0020 layout")).to_contain_text(re.compile(r"\d\.\d s"))
    active = row(page, "Lighting tests").get_by_role("gridcell")
    expect(active.filter(has_text=re.compile(r"^1$"))).to_have_count(2)


def test_numbers_of_a_running_job_change_by_themselves(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    job_id = submit("counts by itself")
    page = at("/jobs?q=counts+by+itself")
    line = row(page, "counts by itself")
    expect(line).to_contain_text("0/4")

    farm.set_job_status(job_id, "cancel-requested")

    expect(line.get_by_role("progressbar")).to_have_attribute(
        "aria-valuetext", re.compile("Tasks: 4 canceled")
    )


def test_the_choice_of_columns_is_kept(at: At) -> None:
    page = at("/jobs?project=Pilot")
    assert "Workers" not in headers(page)
    page.get_by_label("Columns", exact=True).click()
    page.get_by_role("checkbox", name="Workers", exact=True).check()
    page.get_by_role("checkbox", name="Priority", exact=True).uncheck()

    page.reload()

    expect(page.get_by_role("columnheader", name="Workers")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Priority")).to_have_count(0)
    page.get_by_label("Columns", exact=True).click()
    page.get_by_role("button", name="Default columns").click()
    expect(page.get_by_role("columnheader", name="Priority")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Workers")).to_have_count(0)


def test_columns_are_ordered_by_keys_and_by_dragging(at: At) -> None:
    page = at("/jobs?project=Pilot")
    settled(page)  # what is dragged must not move meanwhile
    before = headers(page)
    at_first = before.index("Progress")
    page.get_by_label("Columns", exact=True).click()
    handle = page.get_by_role("button", name="Move Progress")

    handle.focus()
    handle.press("ArrowDown")
    expect(handle).to_be_focused()
    assert headers(page).index("Progress") == at_first + 1
    handle.press("ArrowUp")
    assert headers(page) == before
    page.locator("li[data-key=priority]").drag_to(page.locator("li[data-key=progress]"))

    labeled = page.get_by_role("columnheader").filter(has_text=re.compile(r"\S"))
    expect(labeled.nth(at_first)).to_have_text("Priority")


def test_a_saved_view_carries_the_columns(at: At) -> None:
    page = at("/jobs?project=Pilot")
    show(page, "Submitted")
    page.get_by_label("Saved views").click()
    page.get_by_placeholder("Name", exact=True).fill("with the submission")
    page.get_by_role("button", name="Save", exact=True).click()
    view = page.get_by_role("button", name="with the submission", exact=True)
    expect(view).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_label("Columns", exact=True).click()
    page.get_by_role("button", name="Default columns").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("columnheader", name="Submitted")).to_have_count(0)

    page.get_by_label("Saved views").click()
    view.click()

    expect(page.get_by_role("columnheader", name="Submitted")).to_be_visible()
    page.wait_for_url("**/jobs?project=Pilot")
    page.get_by_label("Saved views").click()
    page.get_by_role("button", name="Remove the view with the submission").click()
    expect(view).to_have_count(0)


def test_workers_show_their_load_and_the_time_on_their_task(at: At) -> None:
    page = at("/workers")
    line = page.get_by_role("grid", name="Workers").get_by_role("row").filter(has_text="bruno")

    expect(line.get_by_role("meter", name="CPU")).to_be_visible()
    expect(line.get_by_role("meter", name="Memory")).to_be_visible()
    expect(line).to_contain_text(re.compile(r"(< 1|\d+) (min|h)"))


def test_loads_are_asked_for_only_while_they_are_shown(at: At, page: Page) -> None:
    with page.expect_websocket() as opened:
        at("/workers")
    socket = opened.value
    expect(page.get_by_role("meter", name="CPU").first).to_be_visible()
    page.get_by_label("Columns", exact=True).click()
    loads = [
        page.get_by_role("checkbox", name=each, exact=True) for each in ("CPU", "Memory", "GPU")
    ]

    with socket.expect_event("framesent", lambda frame: str(frame) == '{"also": []}'):
        for load in loads:
            load.uncheck()
    with socket.expect_event("framesent", lambda frame: "/statistics" in str(frame)):
        loads[0].check()


def test_a_worker_without_blender_says_so(at: At, page: Page, farm: BrowsedFarm) -> None:
    def without(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        found["workers"][0]["set_aside"] = [
            {
                "cause": "program-missing",
                "reason": "A program is missing.",
                "task_types": ["blender"],
                "since": "2026-01-01T10:00:00Z",
            }
        ]
        route.fulfill(response=answer, json=found)

    page.route("**/api/tablao/v1/workers", without)
    at("/workers")

    expect(page.get_by_text("no Blender", exact=True)).to_be_visible()
