"""Two frames compared, the contact sheet, and the render time of each frame."""

import re

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm, described
from tests.browser.frame_files import SIZE, paused_job, render, storage
from tests.browser.job_list import pick, row, selected


@pytest.fixture(scope="module")
def job(farm: BrowsedFarm) -> str:
    """Of its six frames the third and the last are missing."""
    folder = storage(farm) / "render/compared"
    render(folder, 1, 2, 4, 5)
    return paused_job(farm, folder, "1-6")


def picture(page: Page, side: str) -> Locator:
    return page.get_by_role("img", name=f"{side} picture")


def shows(page: Page, side: str, frame: int) -> None:
    expect(picture(page, side)).to_have_attribute("src", re.compile(rf"/frames/{frame}\?"))
    expect(picture(page, side)).to_have_js_property("naturalWidth", SIZE[0])


def test_two_frames_of_a_job_are_beside_each_other(at: At, job: str) -> None:
    page = at(f"/jobs/{job}?tab=frames")

    page.get_by_role("link", name="Compare frames").click()
    shows(page, "Left", 1)
    shows(page, "Right", 2)
    page.get_by_label("Frame on the right").fill("5")
    page.get_by_label("Frame on the right").press("Enter")

    shows(page, "Right", 5)
    expect(page).to_have_url(re.compile(rf"left={job}:1&right={job}:5"))
    page.get_by_role("button", name="Swap").click()
    shows(page, "Left", 5)
    page.get_by_role("button", name="Previous frames").click()
    shows(page, "Left", 4)
    expect(page.get_by_text("The job has no frame 0.")).to_be_visible()


def test_a_frame_of_another_job_is_chosen_by_name(at: At, farm: BrowsedFarm, job: str) -> None:
    folder = storage(farm) / "render/the-other-shot"
    render(folder, 1)
    other = paused_job(farm, folder, "1-2")
    page = at(f"/compare?left={job}:1")

    page.get_by_label("Right: Choose a job").click()
    page.get_by_role("searchbox", name="Find a job for the right").fill("the-other")
    page.get_by_role("button", name="frames in the-other-shot").click()

    shows(page, "Right", 1)
    expect(page).to_have_url(re.compile(rf"right={other}:1"))


def test_two_selected_jobs_are_compared_at_a_frame_that_both_have(
    at: At, farm: BrowsedFarm
) -> None:
    folders = [storage(farm) / "render" / name for name in ("pair-before", "pair-after")]
    render(folders[0], 1, 2, 3)
    render(folders[1], 2, 3)
    before, after = (paused_job(farm, folder, "1-3") for folder in folders)
    page = at("/jobs?q=frames+in+pair")
    bar = selected(page)

    pick(page, "pair-after")
    compare = bar.get_by_role("button", name="Compare")
    expect(compare).to_be_disabled()
    expect(compare).to_have_attribute("title", "Select two jobs to compare their frames")
    pick(page, "pair-before")
    compare.click()

    expect(page).to_have_url(re.compile(rf"left={before}:2&right={after}:2"))
    shows(page, "Left", 2)
    page.go_back()
    pick(page, "pair-before", "pair-after")
    row(page, "pair-after").click(button="right")
    page.get_by_role("menuitem", name="Compare").click()
    shows(page, "Right", 2)
    page.go_back()
    page.locator("body").press("c")
    expect(page.get_by_text("Select two jobs to compare their frames.")).to_be_visible()
    pick(page, "pair-before", "pair-after")
    page.keyboard.press("c")
    shows(page, "Right", 2)


def test_one_frame_is_wiped_over_the_other_by_keys_and_by_pointer(at: At, job: str) -> None:
    page = at(f"/compare?left={job}:1&right={job}:2&mode=wipe")
    shows(page, "Right", 2)
    wipe = page.get_by_role("slider", name="Wipe")

    wipe.press("End")
    expect(page.locator(".layer").last).to_have_css("clip-path", "inset(0px 0px 0px 100%)")
    wipe.press("Home")
    expect(page.locator(".layer").last).to_have_css("clip-path", "inset(0px 0px 0px 0%)")
    stage = page.locator(".stage").bounding_box()
    assert stage
    page.mouse.move(stage["x"] + 2, stage["y"] + 50)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] / 4, stage["y"] + 50, steps=4)
    page.mouse.up()

    expect(wipe).to_have_value("25")


def test_both_pictures_have_the_same_zoom_and_place(at: At, job: str) -> None:
    page = at(f"/compare?left={job}:1&right={job}:2")
    shows(page, "Right", 2)

    picture(page, "Left").hover()
    page.mouse.wheel(0, -100)
    page.mouse.down()
    page.mouse.move(60, 400, steps=3)
    page.mouse.up()

    moved = page.locator(".moved")
    expect(moved.first).to_have_css("transform", re.compile(r"matrix\(1\.25"))
    first, second = moved.evaluate_all("all => all.map(each => each.style.transform)")
    assert first == second
    page.get_by_role("button", name="Whole picture").click()
    expect(moved.first).to_have_css("transform", "matrix(1, 0, 0, 1, 0, 0)")


def test_the_difference_is_drawn_and_its_figures_are_said(
    at: At, farm: BrowsedFarm, job: str
) -> None:
    page = at(f"/compare?left={job}:1&right={job}:5&mode=difference")
    said = page.locator(".tools").get_by_role("status")

    # Their red differs by 80, their green and blue not at all.
    expect(said).to_contain_text(
        re.compile(r"Mean difference 2[5-9]\.\d\d, largest (7|8)\d of 255")
    )
    page.get_by_label("Frame on the right").fill("1")
    page.get_by_label("Frame on the right").press("Enter")
    expect(said).to_have_text("The two pictures are alike.")


def test_a_frame_is_compared_with_itself_before_it_was_rendered_again(
    at: At, farm: BrowsedFarm
) -> None:
    folder = storage(farm) / "render/again"
    render(folder, 1)
    job = paused_job(farm, folder, "1-1")
    page = at(f"/compare?left={job}:1&right={job}:1")
    shows(page, "Left", 1)

    Image.new("RGB", (2 * SIZE[0], 2 * SIZE[1]), "teal").save(folder / "0001.png")
    page.reload()
    page.get_by_role("button", name="Before and after").click()

    expect(picture(page, "Left")).to_have_attribute("src", re.compile("/versions/"))
    expect(picture(page, "Left")).to_have_js_property("naturalWidth", SIZE[0])
    expect(picture(page, "Right")).to_have_js_property("naturalWidth", 2 * SIZE[0])
    expect(page.get_by_label("Version on the left")).to_contain_text("before, of")


def test_the_contact_sheet_shows_holes_and_opens_the_sequence(at: At, job: str) -> None:
    page = at(f"/jobs/{job}?tab=frames")
    page.get_by_role("button", name="Contact sheet").click()
    sheet = page.get_by_role("group", name="Contact sheet")

    expect(sheet.get_by_role("button")).to_have_count(6)
    expect(sheet.get_by_role("button", name="Frame 3, missing, queued")).to_be_visible()
    expect(page.get_by_text("4 of 6 frames rendered; missing: 3, 6")).to_be_visible()
    fourth = sheet.get_by_role("button", name=re.compile("^Frame 4"))
    expect(fourth.locator("img")).to_have_js_property("naturalWidth", SIZE[0])
    fourth.click()

    viewer = page.get_by_role("group", name="Rendered frames")
    expect(viewer.get_by_role("img", name="Frame 4", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("frame=4"))


def test_thousands_of_frames_have_a_contact_sheet(at: At, farm: BrowsedFarm) -> None:
    folder = storage(farm) / "render/many"
    render(folder, 1)
    page = at(f"/jobs/{paused_job(farm, folder, '1-3000')}?tab=frames&show=sheet")
    sheet = page.get_by_role("group", name="Contact sheet")
    expect(sheet.get_by_role("button", name=re.compile("^Frame 1,"))).to_be_visible()

    sheet.evaluate("sheet => sheet.scrollTo(0, sheet.scrollHeight)")

    expect(sheet.get_by_role("button", name=re.compile("^Frame 3000,"))).to_be_visible()
    assert sheet.get_by_role("button").count() < 200


def test_render_times_are_a_chart_and_a_table(at: At, farm: BrowsedFarm) -> None:
    job_id = farm.standing["completed"]
    page = at(f"/jobs/{job_id}?tab=frames&show=times")
    chart = page.get_by_role("application", name=re.compile("^Render times of 12 frames"))

    chart.press("End")
    expect(page.locator("figcaption")).to_have_text(re.compile(r"Frame 12 · \S+ s · (anita|bruno)"))
    page.get_by_role("button", name="As a table").click()
    table = page.get_by_role("table", name="Render times")
    expect(table.get_by_role("row")).to_have_count(13)
    table.get_by_role("button", name="Frame").click()
    expect(table.get_by_role("row").nth(1).get_by_role("cell").first).to_have_text("1")
    page.get_by_role("button", name="As a chart").click()
    chart.press("Home")
    chart.press("Enter")

    expect(page.get_by_role("region", name="Details of the task")).to_be_visible()


def test_slow_frames_are_named(at: At, page: Page, farm: BrowsedFarm) -> None:
    job_id = farm.standing["completed"]
    worker = {"id": farm.worker("anita")["id"], "name": "anita", "address": ""}
    tasks = [
        {"index_in_job": n, "status": "completed", "frames": [n], "worker": worker}
        | {"seconds": 95.0 if n == 7 else 3.0}
        for n in range(1, 13)
    ]
    page.route(
        "**/frame-tasks", lambda route: route.fulfill(json={"tasks": tasks, "is_complete": True})
    )
    at(f"/jobs/{job_id}?tab=frames&show=times")

    page.get_by_role("button", name="7 (1 min 35 s, anita)").click()

    task = farm.tasks(job_id)[6]
    expect(page).to_have_url(re.compile(str(task["id"])))


def test_a_job_without_times_says_so(at: At, farm: BrowsedFarm) -> None:
    about = described("no times", "Pilot", 0) | {"worker_tag": farm.tags["nobody"]}
    job_id = farm.submit_frames("1-3", **about)

    page = at(f"/jobs/{job_id}?tab=frames&show=times")

    expect(page.get_by_text("No frame has a render time yet.")).to_be_visible()
