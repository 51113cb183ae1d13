"""The sequence viewer: a job's rendered frames, looked at one by one or played."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm
from tests.browser.frame_files import paused_job, render, render_exr, storage


@pytest.fixture(scope="module")
def job(farm: BrowsedFarm) -> str:
    """Of its eight frames the third and the last two are missing."""
    folder = storage(farm) / "render/fan"
    render(folder, 1, 2, 4, 5, 6)
    return paused_job(farm, folder, "1-8")


def viewer_in(page: Page) -> Locator:
    viewer = page.get_by_role("group", name="Rendered frames")
    expect(viewer.get_by_role("img")).to_be_visible()
    return viewer


def shows(viewer: Locator, frame: int) -> None:
    image = viewer.get_by_role("img", name=f"Frame {frame}", exact=True)
    expect(image).to_have_attribute("src", re.compile(rf"/frames/{frame}\?"))
    expect(image).to_have_js_property("naturalWidth", 64)


def test_frames_are_gone_through_by_keys(at: At, job: str) -> None:
    viewer = viewer_in(at(f"/jobs/{job}?tab=frames"))
    viewer.focus()
    shows(viewer, 1)

    viewer.press("ArrowRight")
    shows(viewer, 2)
    viewer.press("Shift+ArrowRight")
    expect(
        viewer.get_by_label("Frame", exact=True).and_(viewer.get_by_role("slider"))
    ).to_have_value("7")
    viewer.press("Home")
    shows(viewer, 1)


def test_missing_frames_are_marked_and_named(at: At, job: str) -> None:
    viewer = viewer_in(at(f"/jobs/{job}?tab=frames"))

    expect(viewer).to_contain_text(re.compile("5 of 8 frames rendered; missing: 3, 7.8"))
    expect(viewer.locator(".gap")).to_have_count(3)
    viewer.get_by_role("slider").fill("2")
    expect(viewer).to_contain_text("Frame 3 is not rendered")
    expect(viewer.get_by_role("slider")).to_have_attribute(
        "aria-valuetext", "Frame 3, not rendered"
    )


def test_one_can_scrub_and_go_to_a_number(at: At, job: str) -> None:
    viewer = viewer_in(at(f"/jobs/{job}?tab=frames"))

    viewer.get_by_role("slider").fill("4")
    shows(viewer, 5)
    viewer.get_by_role("spinbutton", name="Frame").fill("2")
    viewer.get_by_role("spinbutton", name="Frame").press("Enter")
    shows(viewer, 2)


def test_playing_goes_to_the_end_and_stops_there_without_a_loop(at: At, job: str) -> None:
    viewer = viewer_in(at(f"/jobs/{job}?tab=frames"))
    viewer.get_by_role("checkbox", name="Loop").uncheck()
    viewer.get_by_role("spinbutton", name="fps").fill("60")

    viewer.get_by_role("button", name="Play").click()

    expect(viewer.get_by_role("slider")).to_have_value("7")
    expect(viewer.get_by_role("button", name="Play")).to_be_visible()


def test_a_loop_begins_again_until_it_is_stopped(at: At, job: str) -> None:
    viewer = viewer_in(at(f"/jobs/{job}?tab=frames"))
    viewer.get_by_role("spinbutton", name="Frame").fill("6")
    viewer.get_by_role("spinbutton", name="Frame").press("Enter")
    shows(viewer, 6)

    viewer.focus()
    viewer.press(" ")

    shows(viewer, 1)
    viewer.press(" ")
    expect(viewer.get_by_role("button", name="Play")).to_be_visible()


def test_the_viewer_fills_the_screen(at: At, job: str) -> None:
    page = at(f"/jobs/{job}?tab=frames")
    viewer = viewer_in(page)

    viewer.get_by_role("button", name="Full screen", exact=True).click()

    expect(viewer.get_by_role("button", name="Leave full screen")).to_be_visible()
    shows(viewer, 1)
    viewer.focus()
    viewer.press("f")
    expect(viewer.get_by_role("button", name="Full screen", exact=True)).to_be_visible()


def test_openexr_is_shown(at: At, farm: BrowsedFarm) -> None:
    folder = storage(farm) / "render/light"
    render_exr(folder, 1, 2)
    job = paused_job(farm, folder, "1-2", form="OPEN_EXR")

    viewer = viewer_in(at(f"/jobs/{job}?tab=frames"))
    shows(viewer, 1)
    viewer.press("ArrowRight")

    shows(viewer, 2)


def test_frames_that_are_rendered_meanwhile_appear(at: At, farm: BrowsedFarm) -> None:
    folder = storage(farm) / "render/meanwhile"
    render(folder, 1)
    job = paused_job(farm, folder, "1-3")
    viewer = viewer_in(at(f"/jobs/{job}?tab=frames"))
    expect(viewer).to_contain_text("1 of 3 frames rendered")

    render(folder, 2, 3)
    farm.set_job_status(job, "queued")

    expect(viewer).to_contain_text("3 of 3 frames rendered")


def test_an_external_viewer_can_be_had_instead(at: At, farm: BrowsedFarm, job: str) -> None:
    page = at(f"/jobs/{job}?tab=frames")
    viewer_in(page).get_by_role("button", name="Viewer…").click()
    dialog = page.get_by_role("dialog", name="Where frames are opened")
    dialog.get_by_label("In a program on my machine").check()

    dialog.get_by_label("Address of the link").fill("javascript:alert('{path}')")
    expect(dialog.get_by_role("alert")).to_contain_text("so it is refused")
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    dialog.get_by_label("Address of the link").fill("viewer:{pattern}")
    dialog.get_by_role("button", name="Save").click()
    page.reload()

    link = page.get_by_role("link", name="Open in my viewer")
    pattern = str(storage(farm) / "render/fan").replace("\\", "/") + "/%23%23%23%23.png"
    expect(link).to_have_attribute("href", f"viewer:{pattern}")


def test_a_job_says_why_there_is_no_frame(at: At, farm: BrowsedFarm) -> None:
    nothing = paused_job(farm, storage(farm) / "render/nothing", "1-3")
    outside = paused_job(farm, farm.directory / "elsewhere", "1-3")

    expect(
        at(f"/jobs/{nothing}?tab=frames").get_by_text("No frame is rendered yet.")
    ).to_be_visible()
    expect(
        at(f"/jobs/{outside}?tab=frames").get_by_text("is not in the shared storage")
    ).to_be_visible()
