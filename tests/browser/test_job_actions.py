"""What is done with jobs: what is offered, what is asked first, and what can be taken back."""

import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.chromium import Problems
from tests.browser.conftest import At, Submit
from tests.browser.farm import BrowsedFarm
from tests.browser.job_list import confirm, of_open_job, pick, row, selected


def test_only_what_is_possible_is_offered(at: At) -> None:
    page = at("/jobs?project=Pilot")

    row(page, "sh010_0020 layout").click()

    # Requeueing is asked for beside them, in all its ways.
    expect(of_open_job(page).get_by_role("button")).to_have_text(["Archive", "Delete", "Export"])


def test_selected_jobs_are_offered_what_is_possible_for_any_of_them(at: At) -> None:
    page = at("/jobs?project=Pilot")

    pick(page, "sh010_0020 layout")

    offered = selected(page).get_by_role("button")
    expect(offered).to_have_text(
        ["Requeue…", "Archive", "Delete", "Compare", "Export", "Worker tag…", "Project…", "✕"]
    )


def test_several_are_paused_and_the_pause_is_undone(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    names = ("together one", "together two")
    ids = [submit(name) for name in names]
    page = at("/jobs?q=together")
    pick(page, *names)

    selected(page).get_by_role("button", name="Pause").click()
    for job_id in ids:
        farm.until_job_is(job_id, "paused")
    expect(page.get_by_text("2 jobs asked to pause")).to_be_visible()
    page.get_by_role("button", name="Undo").click()

    for job_id in ids:
        farm.until_job_is(job_id, "queued", "active")


def test_canceling_asks_first_and_can_be_left(at: At, farm: BrowsedFarm, submit: Submit) -> None:
    job_id = submit("canceled at last")
    page = at("/jobs?q=canceled+at+last")
    row(page, "canceled at last").click()

    of_open_job(page).get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_contain_text("canceled at last")
    confirm(page, "Leave it")
    assert farm.job(job_id)["status"] == "queued"
    of_open_job(page).get_by_role("button", name="Cancel").click()
    confirm(page, "Cancel 1 job")

    farm.until_job_is(job_id, "canceled")


def test_requeueing_asks_only_where_finished_frames_would_be_rendered_again(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    ids = [submit(f"requeued {number}") for number in (1, 2)]
    for job_id in ids:
        farm.set_job_status(job_id, "cancel-requested")
        farm.until_job_is(job_id, "canceled")
    page = at("/jobs")

    pick(page, "sh010_0020 layout", "requeued 1")
    selected(page).get_by_role("button", name="Requeue").click()
    expect(page.get_by_role("dialog")).to_contain_text("All frames will be rendered again")
    confirm(page, "Leave it")
    selected(page).get_by_role("button", name="Select nothing").click()
    page.get_by_role("searchbox", name="Text").fill("requeued")
    pick(page, "requeued 1", "requeued 2")
    selected(page).get_by_role("button", name="Requeue", exact=True).click()

    for job_id in ids:
        farm.until_job_is(job_id, "queued")
    page.get_by_role("listitem").get_by_role("button", name="Cancel", exact=True).click()
    for job_id in ids:
        farm.until_job_is(job_id, "canceled")


def test_one_job_is_requeued_from_its_menu_in_a_way_that_is_chosen(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    job_id = submit("requeued by its menu")
    farm.set_job_status(job_id, "cancel-requested")
    farm.until_job_is(job_id, "canceled")
    page = at("/jobs?q=requeued+by+its+menu")

    row(page, "requeued by its menu").click(button="right")
    page.get_by_role("menuitem", name="Requeue…").click()
    dialog = page.get_by_role("dialog", name="Requeue requeued by its menu")
    expect(dialog.get_by_text("With changes")).to_be_visible()
    dialog.get_by_role("button", name=re.compile(r"^Requeue \d+ tasks?$")).click()

    farm.until_job_is(job_id, "queued")
    farm.set_job_status(job_id, "cancel-requested")


def test_what_could_not_be_done_is_told_with_the_reason(
    at: At, page: Page, problems: Problems, farm: BrowsedFarm, submit: Submit
) -> None:
    names = ("goes well", "has changed meanwhile")
    well, _ = [submit(name) for name in names]
    changed = farm.http.get("/api/v3/jobs").json()["jobs"][0]["id"]
    problems.allow("422")
    refusal = {"code": 422, "message": "it has come to its end"}
    page.route(f"**/jobs/{changed}/actions", lambda route: route.fulfill(status=422, json=refusal))
    at("/jobs")
    pick(page, *names)

    selected(page).get_by_role("button", name="Pause").click()

    expect(page.get_by_text("1 job asked to pause")).to_be_visible()
    expect(page.get_by_text("Not done for 1 job: it has come to its end")).to_be_visible()
    farm.until_job_is(well, "paused")


def test_deleting_says_what_goes_and_the_job_vanishes(at: At, submit: Submit) -> None:
    submit("to be forgotten")
    page = at("/jobs?q=to+be+forgotten")
    row(page, "to be forgotten").click()

    of_open_job(page).get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("Rendered frames are not touched")
    confirm(page, "Delete 1 job")

    expect(row(page, "to be forgotten")).to_have_count(0)


def test_archived_jobs_are_apart_and_were_exported_before(
    at: At, farm: BrowsedFarm, submit: Submit, tmp_path: Path
) -> None:
    job_id = submit("kept for years")
    farm.set_job_status(job_id, "cancel-requested")
    farm.until_job_is(job_id, "canceled")
    page = at("/jobs?q=kept+for+years")
    pick(page, "kept for years")

    selected(page).get_by_role("button", name="Archive").click()
    page.get_by_role("checkbox", name="Download them as JSON first").check()
    with page.expect_download() as downloading:
        confirm(page, "Archive 1 job")
    downloading.value.save_as(tmp_path / "export.json")

    expect(row(page, "kept for years")).to_have_count(0)
    assert len(json.loads((tmp_path / "export.json").read_text())["tasks"]) == 4
    page.get_by_role("search").page.get_by_role("button", name="Archived", exact=True).click()
    row(page, "kept for years").click()
    expect(page.get_by_role("heading", name="kept for years")).to_be_visible()
    expect(page.get_by_text("Its tasks and logs are gone")).to_be_visible()


def test_an_open_job_is_closed_when_it_is_archived(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    job_id = submit("closed by its archiving")
    farm.set_job_status(job_id, "cancel-requested")
    farm.until_job_is(job_id, "canceled")
    page = at(f"/jobs/{job_id}")

    of_open_job(page).get_by_role("button", name="Archive").click()
    confirm(page, "Archive 1 job")

    expect(page.get_by_role("region", name="Details of the job")).to_have_count(0)
