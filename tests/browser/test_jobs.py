"""The list of jobs: what it shows, how it is narrowed down, and its keys."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PROJECT, At, Submit
from tests.browser.farm import PATIENT, BrowsedFarm
from tests.browser.job_list import of_open_job, pick, row, selected
from tests.farm.processes import wait_until

# --- what is shown --------------------------------------------------------------------------------


def test_a_job_shows_its_status_as_an_icon_and_all_else_in_its_columns(
    at: At, farm: BrowsedFarm
) -> None:
    name = farm.job(farm.standing["completed"])["name"]

    page = at("/jobs")

    line = row(page, name)
    expect(line.get_by_role("img", name="completed")).to_be_visible()
    expect(line.get_by_text(name, exact=True)).to_have_attribute("title", name)
    for text in ("100 %", "12/12", "Pilot"):
        expect(line).to_contain_text(text)
    progress = line.get_by_role("progressbar")
    expect(progress).to_have_attribute("title", "12 of 12 frames\nTasks: 12 completed")
    expect(row(page, "waits for a tag")).to_contain_text("nobody")


def test_the_progress_of_an_active_job_tells_frames_and_samples(at: At, farm: BrowsedFarm) -> None:
    name = "rendered with patience"
    job_id = farm.submit_frames("1-3", blend_file=farm.directory / PATIENT, name=name, priority=100)
    farm.until_job_is(job_id, "active")
    page = at("/jobs")
    progress = row(page, name).get_by_role("progressbar")

    progress.hover()

    expect(progress).to_have_attribute(
        "title",
        "0 of 3 frames, 3 of 8 samples of frame 1 being rendered\nTasks: 1 active, 2 queued",
    )
    page.mouse.move(0, 0)
    expect(progress).to_have_attribute("title", "0 of 3 frames\nTasks: 1 active, 2 queued")
    farm.go_on()
    farm.until_job_is(job_id, "completed")


def test_columns_and_filters_stay_while_no_job_matches(at: At) -> None:
    page = at("/jobs")
    columns = page.get_by_role("grid", name="Jobs").get_by_role("columnheader")
    filters = page.get_by_role("search", name="Filter jobs").locator("summary")
    statuses = page.get_by_role("group", name="Jobs by status").get_by_role("button")
    expect(row(page, "sh010_0020 layout")).to_be_visible()
    before = [columns.all_inner_texts(), filters.all_inner_texts(), statuses.count()]

    page.get_by_role("searchbox", name="Text").fill("no job has this name")

    expect(page.get_by_text("No job matches.")).to_be_visible()
    assert [columns.all_inner_texts(), filters.all_inner_texts(), statuses.count()] == before


@pytest.mark.parametrize("status", ["paused", "canceled", "queued"])
def test_tasks_that_are_not_done_are_the_empty_part_of_the_bar(
    at: At, farm: BrowsedFarm, status: str
) -> None:
    page = at("/jobs?project=Trailer")

    bar = row(page, farm.job(farm.standing[status])["name"]).locator(".bar")
    parts = bar.locator("span").evaluate_all(
        "all => all.map(it => getComputedStyle(it).backgroundColor)"
    )

    assert parts == ["rgba(0, 0, 0, 0)"]


def test_a_job_says_why_it_waits_on_a_phone_too(at: At, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})

    at("/jobs?project=Trailer")

    waiting = row(page, "waits for a tag").locator(".second")
    expect(waiting).to_have_text('No worker has the tag "nobody".')
    assert waiting.evaluate("it => it.scrollWidth <= it.clientWidth")


def test_a_new_job_and_its_status_appear_by_themselves(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    page = at("/jobs")

    job_id = submit("comes while I look")
    expect(row(page, "comes while I look").get_by_role("img", name="queued")).to_be_visible()
    farm.set_job_status(job_id, "cancel-requested")

    expect(row(page, "comes while I look").get_by_role("img", name="canceled")).to_be_visible()


def test_the_priority_is_edited_where_it_stands(at: At, farm: BrowsedFarm, submit: Submit) -> None:
    job_id = submit("becomes important")
    page = at("/jobs?q=becomes+important")
    priority = page.get_by_label("Priority of becomes important")

    priority.fill("91")
    priority.press("Enter")

    expect(priority).to_have_value("91")
    priority.fill("250")
    priority.press("Enter")
    expect(priority).to_have_value("91")
    assert farm.job(job_id)["priority"] == 91


def test_several_get_one_priority_and_it_is_taken_back(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    ids = [submit("equals one", priority=20), submit("equals two", priority=40)]
    page = at("/jobs?q=equals")
    pick(page, "equals one")
    pick(page, "equals two")
    priority = selected(page).get_by_label("Priority")
    expect(priority).to_have_value("")

    priority.fill("77")
    priority.press("Enter")

    expect(page.get_by_text("2 jobs got priority 77")).to_be_visible()
    expect(priority).to_have_value("77")
    assert [farm.job(job_id)["priority"] for job_id in ids] == [77, 77]
    page.get_by_role("button", name="Undo").click()
    wait_until(lambda: [farm.job(job_id)["priority"] for job_id in ids] == [20, 40])


def test_a_phone_shows_names_and_progress_and_pauses(
    page: Page, at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    job_id = submit("paused on a phone")
    page.set_viewport_size({"width": 390, "height": 800})
    at("/jobs?q=paused+on+a+phone")

    row(page, "paused on a phone").click()
    of_open_job(page).get_by_role("button", name="Pause").click()

    # The details are in the list's place.
    expect(row(page, "paused on a phone")).to_be_hidden()
    page.get_by_role("button", name="Close the details").click()
    expect(row(page, "paused on a phone").get_by_role("img", name="paused")).to_be_visible()
    assert farm.job(job_id)["status"] == "paused"
    assert page.evaluate("document.documentElement.scrollWidth") == 390


# --- which are shown ------------------------------------------------------------------------------


def test_counts_filter_when_they_are_clicked(at: At, farm: BrowsedFarm) -> None:
    page = at("/jobs")
    counts = page.get_by_role("group", name="Jobs by status")

    counts.get_by_role("button", name="failed").click()

    expect(row(page, "rig is broken")).to_be_visible()
    expect(row(page, "sh010_0020 layout")).to_have_count(0)
    page.wait_for_url("**/jobs?status=failed")
    counts.get_by_role("button", name=re.compile(r"\d+ jobs")).click()
    expect(row(page, "sh010_0020 layout")).to_be_visible()


@pytest.mark.parametrize(
    "query",
    [
        "q=filtered+one",
        "type=echo-sleep-test&q=filtered",
        f"project={PROJECT}&q=filtered",
        "user=dora&q=filtered",
        "tag=nobody&status=queued&q=filtered",
        "meta=shot:F77",
        "meta=shot:F77+project:list",
    ],
)
def test_an_address_filters(at: At, farm: BrowsedFarm, submit: Submit, query: str) -> None:
    known = farm.http.get("/api/v3/jobs").json()["jobs"]
    if not any(job["name"] == "filtered one" for job in known):
        submit(
            "filtered one",
            metadata={"project": PROJECT, "user.name": "dora", "shot": "F77"},
        )

    page = at(f"/jobs?{query}")

    expect(row(page, "filtered one")).to_be_visible()
    expect(row(page, "sh010_0020 layout")).to_have_count(0)


def test_facets_and_text_narrow_the_list_down_and_stand_in_the_address(
    at: At, submit: Submit
) -> None:
    submit("narrowed down")
    page = at("/jobs")

    page.get_by_label("Filter by project").click()
    page.get_by_role("checkbox", name=PROJECT).check()
    page.keyboard.press("Escape")
    page.get_by_role("searchbox", name="Text").fill("narrowed")

    expect(row(page, "narrowed down")).to_be_visible()
    expect(row(page, "becomes important")).to_have_count(0)
    page.wait_for_url(re.compile(r"q=narrowed.*project=list|project=list.*q=narrowed"))
    page.get_by_role("button", name="Clear").click()
    expect(row(page, "sh010_0020 layout")).to_be_visible()


def test_a_header_sorts_and_says_so_in_the_address(at: At, submit: Submit) -> None:
    for name in ("sorted b", "sorted a", "sorted c"):
        submit(name)
    page = at("/jobs?q=sorted")

    header = page.get_by_role("columnheader", name="Name")
    header.get_by_role("button").click()
    names = page.locator("[role=row][aria-rowindex='2']")
    expect(names).to_contain_text("sorted a")
    header.get_by_role("button").click()

    expect(names).to_contain_text("sorted c")
    page.wait_for_url("**sort=-name*")


def test_views_are_saved_for_oneself_and_for_everybody(at: At, farm: BrowsedFarm) -> None:
    page = at("/jobs?status=failed")
    for name, is_shared in (("my failed ones", False), ("all our failed ones", True)):
        page.get_by_label("Saved views").click()
        page.get_by_placeholder("Name", exact=True).fill(name)
        page.get_by_role("checkbox", name="for everybody").set_checked(is_shared)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
        page.keyboard.press("Escape")
    page.get_by_role("group", name="Jobs by status").get_by_role("button", name="paused").click()

    page.get_by_label("Saved views").click()
    page.get_by_role("button", name="my failed ones", exact=True).click()

    page.wait_for_url("**/jobs?status=failed")
    others = farm.http.get("/api/tablao/v1/views", params={"owner": "somebody else"}).json()
    assert [view["name"] for view in others["views"]] == ["all our failed ones"]
    page.get_by_label("Saved views").click()
    page.get_by_role("button", name="Remove the view my failed ones").click()
    expect(page.get_by_role("button", name="my failed ones", exact=True)).to_have_count(0)


# --- by keys --------------------------------------------------------------------------------------


def test_the_keyboard_finds_opens_selects_and_closes(at: At, submit: Submit) -> None:
    for number in (1, 2, 3):
        submit(f"by keys {number}")
    page = at("/jobs")

    page.keyboard.press("/")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    expect(row(page, "by keys 3")).to_be_focused()
    expect(page.get_by_role("row")).to_have_count(4)
    page.keyboard.press("ArrowDown")
    expect(row(page, "by keys 2")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Shift+ArrowDown")
    expect(selected(page)).to_contain_text("2 jobs selected")
    page.keyboard.press("ControlOrMeta+a")
    expect(selected(page)).to_contain_text("3 jobs selected")
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Close the details")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 1024])
def test_the_size_of_open_details_is_kept(page: Page, at: At, submit: Submit, width: int) -> None:
    submit("opened below")
    page.set_viewport_size({"width": width, "height": 800})
    at("/jobs?q=opened+below")

    row(page, "opened below").first.click()
    border = page.get_by_role("separator", name="Size of the list")
    before = border.get_attribute("aria-valuenow")
    border.press("ArrowDown")
    page.reload()

    expect(border).not_to_have_attribute("aria-valuenow", before or "")
    expect(row(page, "opened below").first).to_be_visible()


def test_the_time_left_is_the_managers_in_list_and_header(
    at: At, page: Page, farm: BrowsedFarm
) -> None:
    known = {"job_id": farm.standing["active"], "earliest_s": 245.0, "latest_s": 355.0}
    page.route("**/time-left", lambda route: route.fulfill(json={"jobs": [known], "workers": {}}))
    at("/jobs?project=Pilot")

    expect(row(page, "Lighting tests").get_by_text("4\N{EN DASH}6 min", exact=True)).to_be_visible()
    expect(page.get_by_role("columnheader", name="Time left")).to_be_visible()
    row(page, "Lighting tests").click()

    header = page.get_by_role("region", name="Details of the job").locator("header").first
    expect(header.get_by_text("4\N{EN DASH}6 min left")).to_be_visible()


def test_a_time_that_cannot_be_known_is_not_told(at: At) -> None:
    page = at("/jobs?project=Pilot")

    expect(row(page, "Lighting tests").get_by_text("not known yet")).to_be_visible()


def test_what_a_filter_hides_of_the_selection_is_said_and_comes_back(at: At) -> None:
    page = at("/jobs?q=sh0")
    pick(page, "sh020_0010 waits", "sh020_0020 paused", "sh010_0020 layout")

    page.get_by_role("searchbox", name="Text").fill("paused at birth")
    expect(selected(page)).to_contain_text("1 job selected")
    expect(selected(page)).to_contain_text("2 more selected are hidden by the filter")
    page.get_by_role("searchbox", name="Text").fill("no such job")
    expect(selected(page)).to_contain_text("3 more selected are hidden by the filter")
    expect(selected(page).get_by_role("button")).to_have_text(["✕"])

    page.get_by_role("searchbox", name="Text").fill("")
    expect(selected(page)).to_contain_text("3 jobs selected")


def test_an_opened_job_is_in_sight(at: At, page: Page, submit: Submit) -> None:
    page.set_viewport_size({"width": 1440, "height": 420})
    ids = [submit(f"in sight {number:02}") for number in range(14)]

    at(f"/jobs/{ids[0]}?q=in+sight")

    expect(row(page, "in sight 00")).to_be_in_viewport()
    expect(row(page, "in sight 13")).not_to_be_in_viewport()
