"""Job types: where they come from, their source, trying them out, changing them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import Problems
from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm

ADDRESS = "/api/tablao/v1/job-types"
NAMES = ("broken-thing", "echo-sleep-test", "palmas", "simple-blender-render")


@pytest.fixture
def scripts(farm: BrowsedFarm) -> Iterator[Path]:
    folder = Path(farm.http.get(ADDRESS).json()["folder"])
    folder.mkdir(exist_ok=True)
    yield folder
    for script in folder.glob("*.js"):
        if script.stem.replace("_", "-") in NAMES:
            script.unlink()


def _row(page: Page, name: str):  # type: ignore[no-untyped-def] # Playwright's locator
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_the_list_says_where_each_comes_from_and_what_is_broken(at: At, scripts: Path) -> None:
    (scripts / "broken_thing.js").write_text("const JOB_TYPE = {label: 'Broken'};")

    page = at("/settings/job-types")

    expect(_row(page, "simple-blender-render")).to_contain_text("built in")
    expect(_row(page, "broken-thing")).to_contain_text("own")
    expect(_row(page, "broken-thing")).to_contain_text("it defines no function that compiles jobs")


def test_a_built_in_one_is_shown_tried_out_and_customised(
    at: At, farm: BrowsedFarm, scripts: Path
) -> None:
    page = at("/settings/job-types")
    page.get_by_role("link", name="simple-blender-render").click()
    expect(page.get_by_label("Source of simple-blender-render")).to_contain_text(
        "Frames of a scene"
    )
    # Coloured: a keyword looks different from what is around it.
    expect(page.locator(".cm-line span", has_text="const").first).to_be_visible()

    page.get_by_role("button", name="Compile", exact=True).click()
    expect(page.get_by_role("heading", name="11 tasks")).to_be_visible()
    page.get_by_label("Frames").fill("1-3")
    page.get_by_role("button", name="Compile", exact=True).click()
    expect(page.get_by_role("heading", name="4 tasks")).to_be_visible()
    page.get_by_role("button", name="Customise").click()

    expect(_row(page, "simple-blender-render")).to_contain_text("customised")
    assert (scripts / "simple_blender_render.js").is_file()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(_row(page, "simple-blender-render")).to_contain_text("built in")


def test_a_new_one_is_written_and_stored(at: At, farm: BrowsedFarm, scripts: Path) -> None:
    page = at("/settings/job-types")
    page.get_by_label("Name of the new job type").fill("palmas")
    page.get_by_role("button", name="New…").click()

    source = page.get_by_label("Source of palmas")
    expect(source).to_contain_text("compileJob")
    source.click()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text("// Clap.\n")
    page.keyboard.press("Control+s")

    expect(_row(page, "palmas")).to_contain_text("works")
    assert (scripts / "palmas.js").read_text().startswith("// Clap.\nconst JOB_TYPE")
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(_row(page, "palmas")).to_be_hidden()


TALKER = """
const JOB_TYPE = { label: "Talker", settings: [] };
function compileJob(job) {
  print("No camera is named, so the scene's own is used.");
  console.warn("Two frames are rendered twice.");
  const task = author.Task("clap", "misc");
  task.addCommand(author.Command("echo", { message: "olé" }));
  job.addTask(task);
}
"""


def test_the_submitter_reads_what_a_script_prints(at: At, scripts: Path) -> None:
    (scripts / "palmas.js").write_text(TALKER)
    lines = ["No camera is named, so the scene's own is used.", "Two frames are rendered twice."]

    page = at("/settings/job-types")
    page.get_by_role("link", name="palmas").click()
    page.get_by_role("button", name="Compile", exact=True).click()
    said = page.get_by_role("region", name="The job type says")
    expect(said.locator("p")).to_have_text(lines)
    page = at("/submit")
    page.get_by_label("Job type").select_option("palmas")
    page.get_by_label("Name *").fill("Soleá")
    page.get_by_label("Begin paused").check()
    expect(said.locator("p")).to_have_text(lines)
    page.get_by_role("button", name="Submit", exact=True).click()

    page.wait_for_url(re.compile("/app/jobs/[0-9a-f-]{36}"))
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_text(f"The job type says: {lines[0]}")).to_be_visible()


def test_what_does_not_work_is_told_with_its_line_and_stored_when_insisted_on(
    at: At, scripts: Path, problems: Problems
) -> None:
    problems.allow(r"refused: PUT .*palmas/source.* 400", r"status of 400")
    page = at("/settings/job-types")
    page.get_by_label("Name of the new job type").fill("palmas")
    page.get_by_role("button", name="New…").click()
    page.get_by_label("Source of palmas").click()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text("const const\n")

    page.get_by_role("button", name="Compile", exact=True).click()
    expect(page.get_by_role("button", name="Go to line 1")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save it all the same").click()

    expect(_row(page, "palmas")).to_contain_text("SyntaxError")
