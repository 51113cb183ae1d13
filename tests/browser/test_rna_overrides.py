"""Editing the RNA overrides of a job."""

import re
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm, described

PILOT: Mapping[str, Any] = described("a job with overrides", "Pilot", 0)
SAMPLES = "bpy.context.scene.cycles.samples = 64"


def overrides(page: Page) -> Locator:
    page.get_by_role("region", name="Details of the job").get_by_role(
        "tab", name="Settings"
    ).click()
    region = page.get_by_role("region", name="RNA overrides")
    expect(region.get_by_role("textbox")).to_be_visible()
    return region


def write(region: Locator, text: str) -> None:
    region.get_by_role("textbox").fill(text)


def stored(farm: BrowsedFarm, job_id: str) -> list[str]:
    answer = farm.http.get(f"/api/tablao/v1/jobs/{job_id}/rna-overrides")
    return list(answer.json()["overrides"])


def paused_job(farm: BrowsedFarm) -> str:
    return farm.submit_frames("1-6", initial_status="paused", **PILOT)


def test_overrides_are_written_and_kept(at: At, farm: BrowsedFarm) -> None:
    job_id = paused_job(farm)
    page = at(f"/jobs/{job_id}")
    region = overrides(page)
    expect(region).to_contain_text("They apply to the 6 tasks that are yet to begin.")

    write(region, f"# for the preview\n{SAMPLES}")
    region.get_by_role("button", name="Save overrides").click()

    expect(page.get_by_text("The RNA overrides are saved")).to_be_visible()
    expect(region.get_by_role("button", name="Save overrides")).to_be_disabled()
    assert stored(farm, job_id) == ["# for the preview", SAMPLES]
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_text(f"RNA overrides changed: {SAMPLES}")).to_be_visible()


def test_a_line_that_is_no_assignment_is_shown_with_its_number(
    at: At, farm: BrowsedFarm, problems: Any
) -> None:
    job_id = paused_job(farm)
    page = at(f"/jobs/{job_id}")
    problems.allow("400")
    region = overrides(page)

    write(region, f"{SAMPLES}\nbpy.ops.wm.quit_blender()")
    region.get_by_role("textbox").press("Control+s")

    expect(region.get_by_role("alert")).to_contain_text("Line 2: not an assignment")
    region.get_by_role("button", name="Line 2").click()
    expect(region.get_by_role("textbox")).to_be_focused()
    assert stored(farm, job_id) == []
    region.get_by_role("button", name="Undo the changes").click()
    expect(region.get_by_role("alert")).to_have_count(0)


def test_what_somebody_else_saves_shows_at_once(at: At, farm: BrowsedFarm) -> None:
    job_id = paused_job(farm)
    page = at(f"/jobs/{job_id}")
    region = overrides(page)
    place = f"/api/tablao/v1/jobs/{job_id}/rna-overrides"

    farm.http.put(place, json={"overrides": [SAMPLES]})
    expect(region.get_by_role("textbox")).to_have_text(SAMPLES)

    write(region, "bpy.context.scene.frame_step = 2")
    farm.http.put(place, json={"overrides": []})
    expect(region.get_by_role("status")).to_contain_text("Another user has changed them")
    region.get_by_role("button", name="Show theirs").click()
    expect(region.get_by_role("textbox")).not_to_have_text(re.compile("frame_step"))


def test_unsaved_overrides_are_not_left_by_mistake(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{paused_job(farm)}")
    region = overrides(page)
    write(region, SAMPLES)

    page.get_by_role("tab", name="Overview").click()
    dialog = page.get_by_role("dialog", name="Leave without saving?")
    dialog.get_by_role("button", name="Leave it").click()

    expect(region.get_by_role("textbox")).to_have_text(SAMPLES)
