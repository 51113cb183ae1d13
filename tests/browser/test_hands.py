"""Boxes, menus, the action bar and the keys: the same in all lists."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import At, Submit
from tests.browser.farm import BrowsedFarm
from tests.browser.job_list import confirm, row, selected
from tests.farm.processes import wait_until


def menu(page: Page) -> Locator:
    return page.get_by_role("menu", name="Actions")


def box(page: Page, name: str) -> Locator:
    return page.get_by_role("checkbox", name=f"Select {name}", exact=True)


def all_box(page: Page, table: str) -> Locator:
    grid = page.get_by_role("grid", name=table)
    return grid.get_by_role("checkbox", name="Select all that are shown")


def is_partly(ticked: Locator) -> bool:
    return bool(ticked.evaluate("box => box.indeterminate"))


# --- boxes ----------------------------------------------------------------------------------------


def test_boxes_select_jobs_without_opening_them(at: At, submit: Submit) -> None:
    for number in (1, 2, 3):
        submit(f"boxed {number}")
    page = at("/jobs?q=boxed")

    box(page, "boxed 3").check()
    box(page, "boxed 1").click(modifiers=["Shift"])

    expect(selected(page)).to_contain_text("3 jobs selected")
    expect(page.get_by_role("region", name="Details of the job")).to_have_count(0)
    expect(all_box(page, "Jobs")).to_be_checked()
    box(page, "boxed 2").uncheck()
    expect(selected(page)).to_contain_text("2 jobs selected")
    assert is_partly(all_box(page, "Jobs"))


@pytest.mark.parametrize("table", ["Jobs", "Workers", "Tasks of the job"])
def test_one_box_selects_all_rows_and_none(at: At, farm: BrowsedFarm, table: str) -> None:
    addresses = {
        "Jobs": "/jobs?project=Trailer",
        "Workers": "/workers",
        "Tasks of the job": f"/jobs/{farm.standing['completed']}?tab=tasks",
    }
    page = at(addresses[table])
    rows = page.get_by_role("grid", name=table).get_by_role("row", selected=True)
    every = all_box(page, table)

    every.click()

    expect(every).to_be_checked()
    expect(rows).not_to_have_count(0)
    every.click()
    expect(rows).to_have_count(0)
    expect(every).not_to_be_checked()


def test_header_buttons_work_by_keys(at: At, submit: Submit) -> None:
    for name in ("header b", "header a"):
        submit(name)
    page = at("/jobs?q=header")

    page.get_by_role("columnheader", name="Name").get_by_role("button").press("Enter")

    expect(page.locator("[role=row][aria-rowindex='2']")).to_contain_text("header a")
    expect(page.get_by_role("region", name="Details of the job")).to_have_count(0)


# --- menus ----------------------------------------------------------------------------------------


def test_a_right_click_opens_the_menu_of_that_job(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    job_id = submit("paused by a menu")
    page = at("/jobs?q=paused+by+a+menu")

    row(page, "paused by a menu").click(button="right")
    menu(page).get_by_role("menuitem", name="Pause", exact=True).click()

    farm.until_job_is(job_id, "paused")
    expect(page.get_by_role("region", name="Details of the job")).to_have_count(0)


def test_the_menu_of_a_selected_job_is_for_all_selected_ones(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    ids = [submit(f"menu of two {number}") for number in (1, 2)]
    page = at("/jobs?q=menu+of+two")
    all_box(page, "Jobs").click()

    page.get_by_role("button", name="Actions for menu of two 1").click()
    menu(page).get_by_role("menuitem", name="Cancel", exact=True).click()
    confirm(page, "Cancel 2 jobs")

    for job_id in ids:
        farm.until_job_is(job_id, "canceled")


def test_a_question_about_another_than_the_selected_jobs_names_it(at: At, submit: Submit) -> None:
    for name in ("asked for selected", "asked for other"):
        submit(name)
    page = at("/jobs?q=asked+for")
    box(page, "asked for selected").check()

    row(page, "asked for other").click(button="right")
    menu(page).get_by_role("menuitem", name="Priority…").click()

    expect(page.get_by_role("dialog", name="Priority of asked for other")).to_be_visible()


def test_the_menu_works_by_keys_and_gives_the_focus_back(at: At, submit: Submit) -> None:
    submit("menu by keys")
    page = at("/jobs?q=menu+by+keys")
    row(page, "menu by keys").focus()

    page.keyboard.press("Shift+F10")
    items = menu(page).get_by_role("menuitem")
    expect(items.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(items.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(items.last).to_be_focused()
    page.keyboard.press("e")
    expect(items.filter(has_text="Export")).to_be_focused()
    page.keyboard.press("Escape")

    expect(menu(page)).to_be_hidden()
    expect(row(page, "menu by keys")).to_be_focused()


def test_a_menu_has_the_verbs_of_the_bar(at: At, submit: Submit) -> None:
    submit("same verbs")
    page = at("/jobs?q=same+verbs")
    box(page, "same verbs").check()
    words = selected(page).get_by_role("button").all_inner_texts()

    row(page, "same verbs").click(button="right")

    in_menu = menu(page).get_by_role("menuitem").all_inner_texts()
    assert set(words) - {"✕"} <= set(in_menu)


def test_a_workers_menu_pauses_and_resumes_it(at: At, farm: BrowsedFarm) -> None:
    page = at("/workers")
    line = page.get_by_role("grid", name="Workers").get_by_role("row").filter(has_text="carmen")

    line.click(button="right")
    menu(page).get_by_role("menuitem", name="Pause", exact=True).click()
    expect(page.get_by_text("carmen paused")).to_be_visible()
    line.get_by_role("button", name="Actions for carmen").click()
    menu(page).get_by_role("menuitem", name="Resume", exact=True).click()

    expect(page.get_by_text("carmen resumed")).to_be_visible()


def test_a_tasks_menu_cancels_it(at: At, farm: BrowsedFarm, submit: Submit) -> None:
    job_id = submit("a task is canceled by its menu")
    page = at(f"/jobs/{job_id}?tab=tasks")
    tasks = page.get_by_role("grid", name="Tasks of the job")

    tasks.get_by_role("row").nth(1).click(button="right")
    menu(page).get_by_role("menuitem", name="Cancel", exact=True).click()

    wait_until(lambda: farm.tasks(job_id)[0]["status"] == "canceled")


# --- projects, tags -------------------------------------------------------------------------------


def test_a_project_is_paused_as_a_whole_and_that_is_undone(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    about = {"metadata": {"project": "Whole", "user.name": "dora"}}
    ids = [submit(f"of the whole {number}", **about) for number in (1, 2)]
    page = at("/jobs?q=of+the+whole+1")
    row(page, "of the whole 1").click(button="right")

    menu(page).get_by_role("menuitem", name="Pause all of Whole (2 jobs)").click()
    for job_id in ids:
        farm.until_job_is(job_id, "paused")
    page.get_by_role("button", name="Undo").click()
    for job_id in ids:
        farm.until_job_is(job_id, "queued")
    page.get_by_role("searchbox", name="Text").fill("")
    page.get_by_label("Filter by project").click()
    page.get_by_role("button", name="Pause all of Whole (2 jobs)").click()

    for job_id in ids:
        farm.until_job_is(job_id, "paused")


def test_several_jobs_get_a_tag_and_it_is_taken_back(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    ids = [submit(f"tagged together {number}") for number in (1, 2)]
    page = at("/jobs?q=tagged+together")
    all_box(page, "Jobs").click()

    selected(page).get_by_role("button", name="Worker tag…").click()
    page.get_by_role("dialog").get_by_role("combobox").select_option("slow")
    confirm(page, "Set")

    expect(page.get_by_text("2 jobs got the worker tag slow")).to_be_visible()
    expect(row(page, "tagged together 1")).to_contain_text("slow")
    page.get_by_role("button", name="Undo").click()
    wait_until(lambda: {farm.job(each)["worker_tag"] for each in ids} == {farm.tags["nobody"]})


def test_tag_and_project_are_edited_where_they_stand(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    job_id = submit("edited in place")
    page = at(f"/jobs/{job_id}?q=edited+in+place")
    details = page.get_by_role("region", name="Details of the job")

    details.get_by_label("Worker tag").select_option("slow")
    expect(page.get_by_text("1 job got the worker tag slow")).to_be_visible()
    details.get_by_label("Project").fill("Another film")
    details.get_by_label("Project").press("Enter")
    expect(page.get_by_text("1 job moved to the project Another film")).to_be_visible()

    expect(row(page, "edited in place")).to_contain_text("edited in place")
    job = farm.job(job_id)
    assert (job["worker_tag"], job["metadata"]["project"]) == (farm.tags["slow"], "Another film")
    details.get_by_role("tab", name="History").click()
    expect(details.get_by_text('Project changed to "Another film"')).to_be_visible()
    expect(details.get_by_text('Worker tag changed to "slow"')).to_be_visible()
    farm.set_job_status(job_id, "cancel-requested")


# --- keys -----------------------------------------------------------------------------------------


def test_a_sheet_tells_the_keys_of_the_page(at: At) -> None:
    page = at("/jobs?q=none")
    page.locator("body").press("?")
    sheet = page.get_by_role("dialog", name="Keys of this page")
    expect(sheet).to_contain_text("select all that are shown")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()

    page.get_by_role("link", name="Submit").click()
    page.get_by_role("button", name="Keys of this page").click()

    expect(sheet).not_to_contain_text("select all that are shown")


def test_a_question_mark_that_is_typed_is_text(at: At) -> None:
    page = at("/jobs")

    page.get_by_role("searchbox", name="Text").press("?")

    expect(page.get_by_role("searchbox", name="Text")).to_have_value("?")
    expect(page.get_by_role("dialog", name="Keys of this page")).to_be_hidden()


# --- details --------------------------------------------------------------------------------------


def test_the_list_keeps_most_of_a_wide_page(at: At, page: Page, farm: BrowsedFarm) -> None:
    at(f"/jobs/{farm.standing['completed']}")
    table = page.get_by_role("grid", name="Jobs")

    width = page.evaluate("innerWidth")
    wide = table.bounding_box()
    page.set_viewport_size({"width": 1024, "height": 768})
    border = page.get_by_role("separator", name="Size of the list")
    expect(border).to_have_attribute("aria-orientation", "horizontal")
    narrow = table.bounding_box()

    assert wide is not None
    assert narrow is not None
    assert wide["width"] >= 0.55 * width
    assert narrow["width"] == 1024


def test_the_bar_names_the_tasks_by_status(at: At, farm: BrowsedFarm) -> None:
    page = at("/jobs?q=rig")

    progress = row(page, "rig is broken").get_by_role("progressbar")

    expect(progress).to_have_attribute("aria-valuetext", re.compile(r"\d+ failed, \d+ canceled"))
