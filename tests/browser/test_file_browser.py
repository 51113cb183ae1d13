"""The browser of the shared storage: looked into, and where a path is to be chosen."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm
from tests.browser.frame_files import paused_job, render, storage


@pytest.fixture(scope="module")
def job(farm: BrowsedFarm) -> str:
    folder = storage(farm) / "browse/fan"
    render(folder, 1, 2)
    (folder.parent / ".hidden").touch()
    (folder.parent / "way-out").symlink_to("/usr")
    many = folder.parent / "many"
    many.mkdir()
    for number in range(5_100):
        (many / f"texture-{number}.png").touch()
    return paused_job(farm, folder, "1-2")


def browser_in(page: Page) -> Locator:
    page.get_by_role("button", name="Browse Render Output Root").click()
    dialog = page.get_by_role("dialog", name="On the shared storage")
    expect(dialog.get_by_role("listbox")).to_be_focused()
    return dialog


def folders_above(dialog: Locator) -> Locator:
    return dialog.get_by_role("navigation", name="Folders above")


def test_it_begins_where_the_path_is_and_goes_everywhere_below_the_storage(
    at: At, job: str
) -> None:
    dialog = browser_in(at(f"/jobs/{job}?tab=settings"))

    folders_above(dialog).get_by_role("button", name="browse").click()
    expect(dialog.get_by_role("option")).to_have_count(2)
    dialog.get_by_role("option", name="fan").click()
    expect(dialog.get_by_role("option", name="0001.png")).to_be_visible()
    folders_above(dialog).get_by_role("button", name="Shared storage").click()

    expect(dialog.get_by_role("option", name="browse")).to_be_visible()
    expect(folders_above(dialog).get_by_role("button")).to_have_count(1)


def test_what_is_not_shown_is_told(at: At, job: str) -> None:
    dialog = browser_in(at(f"/jobs/{job}?tab=settings"))
    folders_above(dialog).get_by_role("button", name="browse").click()

    expect(dialog).to_contain_text("1 hidden.")
    expect(dialog).to_contain_text("lead out of the shared storage")
    expect(dialog.get_by_role("option", name="way-out")).to_have_count(0)
    dialog.get_by_role("checkbox", name="Hidden files").check()
    expect(dialog.get_by_role("option", name=".hidden")).to_be_visible()


def test_keys_lead_into_folders_and_out_again(at: At, job: str) -> None:
    dialog = browser_in(at(f"/jobs/{job}?tab=settings"))
    folders_above(dialog).get_by_role("button", name="browse").click()
    files = dialog.get_by_role("listbox")
    expect(files).to_be_focused()
    expect(dialog.get_by_role("option")).to_have_count(2)

    files.press("Enter")
    expect(dialog.get_by_role("option", name="0002.png")).to_be_visible()
    files.press("End")
    expect(dialog.get_by_role("option", name="0002.png")).to_have_attribute("aria-selected", "true")
    files.press("Backspace")
    expect(dialog.get_by_role("option", name="many")).to_be_visible()
    files.press("Escape")
    expect(dialog).to_be_hidden()


def test_of_thousands_those_are_found_that_are_not_shown(at: At, job: str) -> None:
    dialog = browser_in(at(f"/jobs/{job}?tab=settings"))
    folders_above(dialog).get_by_role("button", name="browse").click()
    dialog.get_by_role("option", name="many").click()
    expect(dialog).to_contain_text("5000 of 5100 are shown")

    dialog.get_by_role("searchbox", name="Part of a name").fill("texture-5099")

    expect(dialog.get_by_role("option")).to_have_count(1)
    expect(dialog.get_by_role("option", name="texture-5099.png")).to_be_visible()


def test_a_path_outside_the_storage_is_not_gone_to(at: At, farm: BrowsedFarm) -> None:
    outside = paused_job(farm, farm.directory / "out", "1-2")

    dialog = browser_in(at(f"/jobs/{outside}?tab=settings"))

    expect(dialog.get_by_role("alert")).to_contain_text("is not in the shared storage")
    expect(dialog.get_by_role("option", name="browse")).to_be_visible()


def test_what_is_chosen_goes_into_the_form(at: At, job: str, farm: BrowsedFarm) -> None:
    page = at("/submit?type=simple-blender-render")
    page.get_by_role("combobox", name="Job type").select_option("simple-blender-render")
    page.get_by_role("button", name="Browse for Blendfile").click()
    dialog = page.get_by_role("dialog", name="Choose a file")
    expect(dialog.get_by_role("button", name="Choose this file")).to_be_disabled()
    dialog.get_by_role("option", name="browse").click()
    dialog.get_by_role("option", name="fan").click()
    dialog.get_by_role("option", name="0002.png").click()

    dialog.get_by_role("button", name="Choose this file").click()

    chosen = str(storage(farm) / "browse/fan/0002.png")
    expect(dialog).to_be_hidden()
    assert chosen in page.locator("input").evaluate_all("inputs => inputs.map(i => i.value)")


def test_for_a_folder_no_file_is_chosen(at: At, job: str, farm: BrowsedFarm) -> None:
    page = at("/submit?type=simple-blender-render")
    page.get_by_role("combobox", name="Job type").select_option("simple-blender-render")
    page.get_by_role("button", name="Browse for Render Output Root").click()
    dialog = page.get_by_role("dialog", name="Choose a folder")
    dialog.get_by_role("option", name="browse").click()
    dialog.get_by_role("option", name="fan").click()
    dialog.get_by_role("option", name="0002.png").click()

    dialog.get_by_role("button", name="Choose this folder").click()

    root = page.get_by_role("textbox", name="Render Output Root")
    expect(root).to_have_value(str(storage(farm) / "browse/fan"))


def test_looking_into_a_jobs_paths_chooses_nothing(at: At, job: str, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{job}?tab=settings")
    dialog = browser_in(page)
    folders_above(dialog).get_by_role("button", name="browse").click()
    dialog.get_by_role("option", name="fan").click()
    dialog.get_by_role("option", name="0001.png").click()
    expect(dialog.get_by_role("button", name="Choose")).to_have_count(0)

    dialog.get_by_role("button", name="Copy path").click()

    expect(dialog.get_by_role("status")).to_have_text("Copied")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    find = page.get_by_role("searchbox", name="Text")
    find.press("Control+v")
    expect(find).to_have_value(str(storage(farm) / "browse/fan/0001.png"))
