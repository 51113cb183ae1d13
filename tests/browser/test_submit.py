"""Submitting from the browser: a form made of the job type, checked while somebody types."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm


def test_a_job_is_submitted_and_opened(at: At, farm: BrowsedFarm) -> None:
    page = at("/submit")
    page.get_by_label("Job type").select_option("echo-sleep-test")
    page.get_by_label("Name *").fill("Soleá")
    page.get_by_label("Priority").fill("70")
    page.get_by_label("Begin paused").check()
    expect(page.get_by_role("main").get_by_role("status")).to_have_text("Still missing: Message.")

    page.get_by_label("Message").fill("olé")
    page.get_by_label("Sleep Repeats").fill("3")
    page.get_by_role("button", name="Add to metadata").click()
    page.get_by_role("group", name="Metadata").get_by_label("Key").fill("project")
    page.get_by_role("group", name="Metadata").get_by_label("Value").fill("Pilot")
    expect(page.get_by_text("This makes 4 tasks.")).to_be_visible()
    page.get_by_role("button", name="Submit", exact=True).click()

    page.wait_for_url(re.compile("/app/jobs/[0-9a-f-]{36}"))
    job = farm.job(page.url.rpartition("/")[2])
    assert (job["name"], job["priority"], job["status"]) == ("Soleá", 70, "paused")
    assert job["metadata"] == {"project": "Pilot"}
    assert job["settings"]["sleep_repeats"] == 3


def test_who_would_rather_submit_from_blender_gets_the_add_on(at: At) -> None:
    page = at("/submit")

    with page.expect_download() as download:
        page.get_by_role("link", name="Blender add-on").click()

    assert download.value.suggested_filename == "tablao-addon.zip"


def test_what_a_job_type_refuses_is_said_before_it_is_submitted(at: At) -> None:
    page = at("/submit")
    page.get_by_label("Name *").fill("Soleá")
    page.get_by_label("Frames *").fill("a-b")
    page.get_by_label("Render Output Root *").fill("/render")
    page.get_by_label("Blendfile *").fill("/render/scene.blend")

    expect(page.get_by_role("main").get_by_role("status")).to_contain_text("a-b")
    expect(page.get_by_role("button", name="Submit", exact=True)).to_be_disabled()
    page.get_by_label("Frames *").fill("1-5")

    # Five frames, and the video of them.
    expect(page.get_by_text("This makes 6 tasks.")).to_be_visible()


def test_the_form_has_the_kinds_and_limits_of_the_job_type(at: At) -> None:
    page = at("/submit")

    components = page.get_by_label("Add Path Components *")
    expect(components).to_have_attribute("type", "number")
    expect(components).to_have_attribute("max", "32")
    page.get_by_text("Values that Blender would read from the scene").click()
    expect(page.get_by_label("Fps")).to_have_value("24")
    expect(page.get_by_label("Has Previews")).to_have_attribute("type", "checkbox")


def test_a_path_is_browsed_for(at: At) -> None:
    page = at("/submit")

    page.get_by_role("button", name="Browse for Render Output Root").click()

    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
