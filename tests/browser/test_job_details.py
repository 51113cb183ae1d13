"""What the dashboard shows of one job, and requeueing it."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import At, Submit
from tests.browser.farm import BROKEN, BrowsedFarm, described
from tests.browser.job_list import row
from tests.farm.processes import wait_until

PILOT: Mapping[str, Any] = described("details of a job", "Pilot", 0)


def details(page: Page) -> Locator:
    return page.get_by_role("region", name="Details of the job")


def show(page: Page, tab: str) -> Locator:
    details(page).get_by_role("tab", name=tab).click()
    return details(page).get_by_role("tabpanel", name=tab)


def test_counts_come_first_and_lead_to_the_tasks(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['failed']}")

    counts = details(page).get_by_role("group", name="Tasks by status")
    counts.get_by_role("button", name="failed").first.click()

    expect(page).to_have_url(re.compile("tab=tasks"))
    expect(page).to_have_url(re.compile("tasks=(soft-)?failed"))
    expect(details(page).get_by_role("grid", name="Tasks of the job")).to_be_visible()


def test_the_address_keeps_the_tab(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['completed']}")
    show(page, "History")

    page.reload()

    expect(details(page).get_by_role("tab", name="History")).to_have_attribute(
        "aria-selected", "true"
    )


def test_tabs_follow_the_arrow_keys(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['completed']}")

    details(page).get_by_role("tab", name="Overview").press("ArrowRight")

    expect(details(page).get_by_role("tab", name="Tasks")).to_be_focused()
    expect(details(page).get_by_role("grid", name="Tasks of the job")).to_be_visible()


def test_the_grid_opens_tasks_and_shows_their_times(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['completed']}")
    grid = details(page).get_by_role("application")

    details(page).get_by_role("button", name="Show render times").click()
    grid.press("ArrowRight")
    expect(details(page).locator("figcaption").first).to_contain_text("completed")
    grid.press("Enter")

    expect(details(page).get_by_role("region", name="Details of the task")).to_be_visible()


def test_facts_lead_to_no_temporal_that_is_not_served(at: At, farm: BrowsedFarm) -> None:
    job_id = farm.standing["completed"]
    page = at(f"/jobs/{job_id}")

    overview = details(page).get_by_role("tabpanel", name="Overview")

    expect(overview).to_contain_text("simple-blender-render")
    expect(overview.get_by_role("link", name="Temporal")).to_have_count(0)


def test_a_blocked_worker_is_forgiven(at: At, farm: BrowsedFarm) -> None:
    job_id = farm.submit_frames("1-30", blend_file=farm.directory / BROKEN, **PILOT, priority=95)
    blocklist = f"/api/v3/jobs/{job_id}/blocklist"
    wait_until(lambda: farm.http.get(blocklist).json(), 120)
    # Or it would be blocked again while we look.
    farm.set_job_status(job_id, "cancel-requested")
    farm.until_job_is(job_id, "canceled")
    page = at(f"/jobs/{job_id}")
    blocked = details(page).get_by_role("region", name="Blocked workers")
    expect(blocked.get_by_role("listitem").first).to_be_visible()

    blocked.get_by_role("button", name=re.compile("^Forgive")).first.click()

    expect(page.get_by_text(re.compile("^Forgiven: "))).to_be_visible()
    expect(blocked).to_have_count(0)
    assert farm.http.get(blocklist).json() == []


def test_settings_are_shown_and_paths_are_browsed(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['completed']}")

    settings = show(page, "Settings")

    expect(settings.get_by_role("row", name="Frames")).to_contain_text("1-12")
    expect(settings).to_contain_text("Pilot")
    settings.get_by_role("button", name=re.compile("^Browse")).first.click()
    expect(page.get_by_role("dialog", name="On the shared storage")).to_be_visible()


def test_a_failed_job_tells_what_failed_and_leads_to_the_log(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['failed']}")
    failures = page.get_by_role("region", name="Why it failed")
    expect(failures.get_by_role("listitem").first).to_contain_text("exited abnormally")

    failures.get_by_role("button", name="render-").first.click()

    expect(page.get_by_text("this scene's rig is missing its library").first).to_be_visible()


def test_statistics_tell_what_was_slow_and_who_was_quick(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['completed']}")

    statistics = show(page, "Statistics")

    expect(statistics.get_by_role("img", name=re.compile("^Times of"))).to_be_visible()
    slowest = statistics.get_by_role("region", name="Slowest tasks").get_by_role("row")
    assert slowest.count() > 2
    workers = statistics.get_by_role("region", name="Workers, the quickest first")
    expect(workers.get_by_role("link").first).to_have_text(re.compile("anita|bruno"))


def test_without_times_statistics_say_so(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['paused']}")

    expect(show(page, "Statistics")).to_contain_text("No task has been completed yet")


def test_history_leads_to_the_tasks_that_failed(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['failed']}")

    history = show(page, "History")

    expect(history.get_by_role("listitem").last).to_contain_text("Submitted")
    expect(history.get_by_role("listitem").first).to_contain_text("failed")
    history.get_by_role("button", name=re.compile("^Task ")).first.click()
    expect(details(page).get_by_role("region", name="Details of the task")).to_be_visible()


def test_a_job_is_requeued_as_it_was(at: At, farm: BrowsedFarm) -> None:
    job_id = farm.submit_frames("1-2", **PILOT)
    farm.until_job_is(job_id, "completed", timeout_s=120)
    page = at(f"/jobs/{job_id}")

    details(page).get_by_role("button", name="Requeue…").click()
    dialog = page.get_by_role("dialog", name=re.compile("^Requeue"))
    expect(dialog).to_contain_text("will run again")
    expect(dialog.get_by_role("radio", name=re.compile("All of it"))).to_be_checked()
    dialog.get_by_role("button", name="Requeue 2 tasks").click()

    expect(page.get_by_text(re.compile("was requeued: 2 tasks run again"))).to_be_visible()
    farm.until_job_is(job_id, "completed", timeout_s=120)


@pytest.mark.parametrize("width", [1440, 390])
def test_a_job_is_requeued_with_changes(at: At, farm: BrowsedFarm, width: int) -> None:
    job_id = farm.submit_frames("1-2", **PILOT)
    farm.until_job_is(job_id, "completed", timeout_s=120)
    before = len(farm.tasks(job_id))
    page = at(f"/jobs/{job_id}")
    page.set_viewport_size({"width": width, "height": 900})

    details(page).get_by_role("button", name="Requeue…").click()
    dialog = page.get_by_role("dialog", name=re.compile("^Requeue"))
    dialog.get_by_role("radio", name=re.compile("Edit the settings")).check()
    dialog.get_by_label(re.compile("^frames", re.IGNORECASE)).fill("1-4")
    dialog.get_by_role("button", name="Requeue", exact=True).click()

    expect(page.get_by_text(re.compile(r"compiled again: [1-9]\d* of"))).to_be_visible()
    farm.until_job_is(job_id, "completed", timeout_s=120)
    assert len(farm.tasks(job_id)) > before


def test_a_paused_job_stays_paused_with_its_changes(at: At, farm: BrowsedFarm) -> None:
    job_id = farm.submit_frames("1-2", initial_status="paused", **PILOT)
    page = at(f"/jobs/{job_id}")

    details(page).get_by_role("button", name="Requeue…").click()
    dialog = page.get_by_role("dialog", name=re.compile("^Requeue"))
    dialog.get_by_role("radio", name=re.compile("Edit the settings")).check()
    dialog.get_by_label(re.compile("^frames", re.IGNORECASE)).fill("1-5")
    dialog.get_by_role("button", name="Requeue", exact=True).click()

    expect(page.get_by_text(re.compile("was compiled again: 0 of"))).to_be_visible()
    assert {task["status"] for task in farm.tasks(job_id)} == {"paused"}
    farm.set_job_status(job_id, "queued")
    farm.until_job_is(job_id, "completed", timeout_s=120)


def test_settings_that_do_not_fit_are_refused_with_a_sentence(
    at: At, farm: BrowsedFarm, problems: Any
) -> None:
    job_id = farm.submit_frames("1-2", initial_status="paused", **PILOT)
    farm.until_job_is(job_id, "paused", timeout_s=60)
    page = at(f"/jobs/{job_id}")
    problems.allow("400")

    details(page).get_by_role("button", name="Requeue…").click()
    dialog = page.get_by_role("dialog", name=re.compile("^Requeue"))
    dialog.get_by_role("radio", name=re.compile("Edit the settings")).check()
    dialog.get_by_label(re.compile("^frames", re.IGNORECASE)).fill("ten to twenty")
    dialog.get_by_role("button", name="Requeue", exact=True).click()

    expect(page.get_by_role("list").get_by_text(re.compile("ten to twenty")).first).to_be_visible()
    expect(dialog).to_be_visible()


def test_requeueing_says_how_many_tasks_run_again(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['completed']}")

    details(page).get_by_role("button", name="Requeue…").click()

    all_of_it = page.get_by_role("radio", name="All of it: 12 completed tasks.")
    expect(all_of_it).to_be_checked()


def test_a_failed_job_is_requeued_with_all_that_is_not_finished(at: At, farm: BrowsedFarm) -> None:
    tasks = Counter(str(task["status"]) for task in farm.tasks(farm.standing["failed"]))
    page = at(f"/jobs/{farm.standing['failed']}")

    details(page).get_by_role("button", name="Requeue…").click()
    dialog = page.get_by_role("dialog", name=re.compile("^Requeue"))

    text = f"not finished: {tasks['failed']} failed and {tasks['canceled']} canceled tasks."
    expect(dialog.get_by_role("radio", name=text)).to_be_checked()
    expect(dialog.get_by_role("button", name=f"Requeue {tasks.total()} tasks")).to_be_visible()
    dialog.get_by_role("radio", name=re.compile("Only what failed")).check()
    expect(dialog.get_by_role("button", name=f"Requeue {tasks['failed']} tasks")).to_be_visible()


@pytest.mark.parametrize("status", ["queued", "active"])
def test_requeueing_is_not_offered_where_no_task_can_be_requeued(
    at: At, farm: BrowsedFarm, status: str
) -> None:
    page = at(f"/jobs/{farm.standing[status]}")

    expect(details(page).get_by_role("button", name="Cancel")).to_be_visible()
    expect(details(page).get_by_role("group", name="Tasks by status")).to_contain_text("queued")
    expect(details(page).get_by_role("button", name="Requeue…")).to_have_count(0)


def test_like_reasons_name_three_tasks_and_count_the_others(
    page: Page, at: At, farm: BrowsedFarm
) -> None:
    job_id = farm.standing["failed"]
    tasks = farm.tasks(job_id)[:5]
    ids = [task["id"] for task in tasks]
    reasons = [{"text": "no camera", "tasks": 5, "task_ids": ids}]
    told = {"reasons": reasons, "warnings": []}
    page.route("**/reasons", lambda route: route.fulfill(json=told))

    at(f"/jobs/{job_id}")
    item = page.get_by_role("region", name="Why it failed").get_by_role("listitem")

    expect(item).to_contain_text(re.compile(r"no camera\s+5 tasks:\s+render-\S+.*,.*and 2 more"))
    expect(item.get_by_role("button")).to_have_count(3)


def test_tasks_that_are_being_fetched_are_not_called_none(
    at: At, page: Page, farm: BrowsedFarm
) -> None:
    held: list[Route] = []
    page.route(re.compile(r"/jobs/[^/]+/tasks\?"), lambda route: held.append(route))
    at(f"/jobs/{farm.standing['completed']}")
    by_status = details(page).get_by_role("group", name="Tasks by status")

    expect(by_status).to_have_text("Fetching the tasks…")
    details(page).get_by_role("tab", name="Tasks").click()
    expect(details(page).get_by_text("No tasks", exact=True)).to_have_count(0)
    held[0].continue_()

    expect(by_status).to_contain_text("12 completed")


# --- why it waits ---------------------------------------------------------------------------------


def test_a_job_that_waits_says_why_in_list_overview_and_task(
    at: At, farm: BrowsedFarm, submit: Submit
) -> None:
    why = 'No worker has the tag "nobody".'
    job_id = submit("wants a tag that no worker has")
    page = at("/jobs")

    expect(row(page, "wants a tag that no worker has")).to_contain_text(why)

    page = at(f"/jobs/{job_id}")
    note = page.get_by_role("region", name="Why tasks wait")
    expect(note).to_contain_text(f"1 task: {why}")
    tasks = show(page, "Tasks").get_by_role("grid", name="Tasks of the job")
    tasks.get_by_role("row").filter(has_text="echo").click()
    expect(page.get_by_role("region", name="Details of the task")).to_contain_text(why)


def test_comments_are_written_edited_and_deleted(at: At, submit: Submit) -> None:
    page = at(f"/jobs/{submit('a job to talk about')}?tab=comments")
    panel = details(page).get_by_role("tabpanel", name="Comments")
    expect(panel).to_contain_text("There are no comments")

    panel.get_by_label("A comment").fill("waits for **v2** <b>now</b> ![x](https://spy.example/p)")
    panel.get_by_label("A comment").press("Control+Enter")
    comment = panel.get_by_role("article")
    expect(comment.locator("strong")).to_have_text("v2")
    expect(comment).to_contain_text("<b>now</b>")
    expect(comment.locator("img")).to_have_count(0)
    expect(panel.get_by_label("A comment")).to_have_value("")

    comment.get_by_role("button", name="Edit").click()
    comment.get_by_label("The comment").fill("v2 is there")
    comment.get_by_role("button", name="Save").click()
    expect(comment).to_contain_text("edited")
    expect(comment).to_contain_text("v2 is there")

    comment.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(panel).to_contain_text("There are no comments")


def test_comments_of_others_come_by_themselves(at: At, submit: Submit, farm: BrowsedFarm) -> None:
    job_id = submit("another job to talk about")
    page = at(f"/jobs/{job_id}?tab=comments")
    panel = details(page).get_by_role("tabpanel", name="Comments")
    expect(panel).to_contain_text("There are no comments")

    address = f"/api/tablao/v1/jobs/{job_id}/comments"
    assert farm.http.post(address, json={"text": "by a script"}).status_code == 201

    expect(panel.get_by_role("article")).to_contain_text("by a script")


def test_a_worker_has_comments(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/workers/{farm.worker('anita')['id']}")
    comments = page.get_by_role("region", name="Comments")

    comments.get_by_label("A comment").fill("its fan is loud")
    comments.get_by_role("button", name="Comment", exact=True).click()
    expect(comments.get_by_role("article")).to_contain_text("its fan is loud")

    comments.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(comments.get_by_role("article")).to_have_count(0)
