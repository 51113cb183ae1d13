"""A job's tasks: found, locked, selected, acted on; their details and their logs."""

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, Route, WebSocketRoute, expect

from tests.browser.conftest import At
from tests.browser.farm import BROKEN, BrowsedFarm, described

NAPS = {"message": "good night", "sleep_duration_seconds": 0, "sleep_repeats": 6}


def grid(page: Page) -> Locator:
    return page.get_by_role("grid", name="Tasks of the job")


def rows(page: Page) -> Locator:
    return grid(page).locator("[role=row][data-index]")


def waiting(farm: BrowsedFarm, **changes: Any) -> str:
    """A job whose tasks wait for a worker that there is not."""
    about = described("tasks that wait", "Pilot", 0) | {"worker_tag": farm.tags["nobody"]}
    job_id = farm.submit("echo-sleep-test", NAPS, **about | changes)
    farm.until_job_is(job_id, changes.get("initial_status", "queued"), timeout_s=60)
    return str(job_id)


def paused(farm: BrowsedFarm, tasks: int) -> str:
    """A job with so many tasks, of which none begins."""
    many = NAPS | {"sleep_repeats": tasks - 1}
    about = described(f"{tasks} tasks", "Pilot", 0)
    job_id = farm.submit("echo-sleep-test", many, **about, initial_status="paused")
    farm.until_job_is(job_id, "paused", timeout_s=120)
    return str(job_id)


def make_stuck(page: Page, task_id: str) -> None:
    """From now on the page is told that the task gives no sign of life."""

    def answer(route: Route) -> None:
        found = route.fetch()
        told = found.json()
        for task in told["tasks"]:
            if task["id"] == task_id:
                task["silent_since"] = "2026-01-02T03:04:05Z"
        route.fulfill(response=found, json=told)

    page.route(re.compile(r"/jobs/[^/]+/tasks\?"), answer)


def test_tasks_are_filtered_by_text_and_status(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{waiting(farm)}?tab=tasks")
    expect(rows(page)).to_have_count(7)

    page.get_by_role("searchbox", name=re.compile("^Filter tasks")).fill("ECHO")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("searchbox", name=re.compile("^Filter tasks")).fill("")
    expect(rows(page)).to_have_count(7)
    statuses = page.get_by_role("region", name="Details of the job")
    statuses.get_by_role("button", name="7 queued").click()

    expect(page).to_have_url(re.compile("tasks=queued"))
    expect(rows(page)).to_have_count(7)


def test_tasks_are_sorted(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{waiting(farm)}?tab=tasks")

    grid(page).get_by_role("button", name="#").click()

    expect(rows(page).first).to_contain_text("7")


def test_a_stuck_task_says_so_and_since_when(page: Page, at: At, farm: BrowsedFarm) -> None:
    job_id = farm.standing["active"]
    [active] = [task for task in farm.tasks(job_id) if task["status"] == "active"]
    make_stuck(page, active["id"])

    at(f"/jobs/{job_id}?tab=tasks")
    rows(page).get_by_text("stuck").click()

    details = page.get_by_role("region", name="Details of the task")
    expect(details.get_by_role("alert")).to_have_text(
        re.compile(r"^Stuck: the last sign of life was \d+ d ago \(.*2026.*\)\.$")
    )


def test_a_jobs_overview_counts_and_names_stuck_tasks(
    page: Page, at: At, farm: BrowsedFarm
) -> None:
    job_id = farm.standing["active"]
    [active] = [task for task in farm.tasks(job_id) if task["status"] == "active"]
    make_stuck(page, active["id"])

    at(f"/jobs/{job_id}")
    notice = page.get_by_role("region", name="1 task stuck")

    expect(notice).to_contain_text(re.compile(r"on bruno: the last sign of life was \d+ d ago"))
    notice.get_by_role("button", name=active["name"]).click()
    expect(page.get_by_role("region", name="Details of the task")).to_be_visible()


def test_older_news_does_not_overtake_what_is_fetched_anew(
    page: Page, at: At, farm: BrowsedFarm
) -> None:
    # What is told waits for a second, as on a page that nobody sees.
    page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => true })")
    lines: list[WebSocketRoute] = []
    page.route_web_socket(re.compile("/events"), lambda line: lines.append(_through(line)))
    job_id = farm.standing["canceled"]
    at(f"/jobs/{job_id}?tab=tasks")
    expect(rows(page).first).to_be_visible()
    first, second = farm.tasks(job_id)[:2]
    job = farm.job(job_id)

    lines[0].send(_told(f"/jobs/{job_id}", first | {"status": "soft-failed"}))
    with page.expect_response(re.compile(rf"/jobs/{job_id}/tasks\?")):
        lines[0].send(_told("/jobs", job | {"refresh_tasks": True}))
    expect(rows(page).first).to_be_visible()
    lines[0].send(_told(f"/jobs/{job_id}", second | {"name": "told later"}))

    expect(grid(page)).to_contain_text("told later")
    details = page.get_by_role("region", name="Details of the job")
    expect(details.get_by_role("button", name="canceled")).to_be_visible()
    expect(details.get_by_role("button", name="soft-failed")).to_have_count(0)


def _through(line: WebSocketRoute) -> WebSocketRoute:
    line.connect_to_server()
    return line


def _told(topic: str, payload: dict[str, Any]) -> str:
    return json.dumps({"id": None, "topic": topic, "payload": payload})


def test_locked_rows_stay_when_their_status_changes(at: At, farm: BrowsedFarm) -> None:
    job_id = waiting(farm)
    page = at(f"/jobs/{job_id}?tab=tasks&tasks=queued")
    expect(rows(page)).to_have_count(7)
    page.get_by_role("button", name="Lock rows").click()

    farm.http.post(
        f"/api/tablao/v1/tasks/{farm.tasks(job_id)[-1]['id']}/actions", json={"action": "cancel"}
    ).raise_for_status()

    expect(rows(page).last.get_by_role("img", name="canceled")).to_be_visible()
    expect(rows(page)).to_have_count(7)
    page.get_by_role("button", name="Rows are locked").click()
    expect(rows(page)).to_have_count(6)


def test_tasks_are_selected_by_status_canceled_and_requeued(at: At, farm: BrowsedFarm) -> None:
    job_id = waiting(farm)
    page = at(f"/jobs/{job_id}?tab=tasks")
    expect(rows(page)).to_have_count(7)
    rows(page).nth(1).click()
    rows(page).nth(3).click(modifiers=["Shift"])
    page.get_by_role("button", name="Cancel 3").click()
    expect(page.get_by_text("3 tasks canceled")).to_be_visible()
    expect(grid(page).get_by_role("img", name="canceled")).to_have_count(3)

    page.get_by_role("combobox", name="Select tasks by status").select_option("canceled")
    page.get_by_role("button", name="Requeue 3").click()

    expect(page.get_by_text("3 tasks requeued")).to_be_visible()
    expect(grid(page).get_by_role("img", name="queued")).to_have_count(7)


def test_finished_tasks_run_again_only_when_that_is_confirmed(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['completed']}?tab=tasks")
    rows(page).first.click()

    page.get_by_role("button", name="Requeue 1").click()
    dialog = page.get_by_role("dialog", name="Requeue 1 task?")

    expect(dialog).to_contain_text("will run again")
    dialog.get_by_role("button", name="Leave it").click()
    expect(rows(page).first.get_by_role("img", name="completed")).to_be_visible()


def test_a_task_tells_its_worker_its_tries_and_its_commands(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['completed']}?tab=tasks")

    rows(page).first.click()
    task = page.get_by_role("region", name="Details of the task")

    expect(task.get_by_role("link", name=re.compile("anita|bruno"))).to_be_visible()
    expect(task).to_contain_text(re.compile("Tries ?1"))
    task.get_by_text(re.compile("^1 command")).click()
    expect(task.get_by_text("blendfile", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("/tasks/"))


def test_a_log_is_searched_wrapped_and_downloaded(at: At, farm: BrowsedFarm) -> None:
    failed = [task for task in farm.tasks(farm.standing["failed"]) if "failed" in task["status"]]
    page = at(f"/jobs/{farm.standing['failed']}/tasks/{failed[0]['id']}")
    log = page.get_by_role("region", name="Log of the task")

    log.get_by_role("searchbox").fill("rig is missing")
    expect(log.locator("mark").first).to_have_text("rig is missing")
    log.get_by_label("Wrap").check()
    log.get_by_role("button", name=re.compile("^Next error")).click()
    expect(log.locator(".error.marked")).to_be_visible()
    with page.expect_download() as download:
        log.get_by_role("link", name="Download").click()

    assert "rig is missing" in download.value.path().read_text(encoding="utf-8")


def test_a_log_grows_while_it_is_looked_at(at: At, farm: BrowsedFarm) -> None:
    job_id = farm.submit_frames("1-1", **described("a live log", "Pilot", 0))
    farm.until_job_is(job_id, "completed", timeout_s=120)
    page = at(f"/jobs/{job_id}/tasks/{farm.tasks(job_id)[0]['id']}")
    log = page.get_by_role("region", name="Log of the task")
    # Only lines in sight are drawn; the search knows all of them.
    log.get_by_role("searchbox").fill("Task assigned to worker")
    expect(log.get_by_role("status")).to_have_text("1 of 1")
    task = page.get_by_role("region", name="Details of the task")

    task.get_by_role("button", name="Requeue").click()
    page.get_by_role("dialog").get_by_role("button", name="Requeue 1 task").click()

    # The marked line stays in sight; the new try has a tab.
    log.get_by_role("tab", name="Try 2").click()
    expect(log.get_by_role("status")).to_have_text("1")
    log.get_by_role("searchbox").fill("changed status active -> completed")
    expect(log.get_by_role("status")).to_have_text("1 of 1")
    expect(task.get_by_role("img", name="completed").first).to_be_visible()


def test_a_broken_scene_is_found_by_its_log(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{farm.standing['failed']}?tab=tasks&tasks=failed")

    rows(page).first.click()

    expect(page.get_by_role("region", name="Log", exact=True)).to_contain_text(BROKEN)


def test_ten_thousand_tasks_are_all_there(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{paused(farm, 10_000)}?tab=tasks")

    expect(grid(page)).to_have_attribute("aria-rowcount", "10001")
    rows(page).first.focus()
    page.keyboard.press("End")

    expect(rows(page).last).to_contain_text("10000")


#: Scrolls far in each frame until lines are brief; returns how many are.
_SCROLL_FAST = """async (grid) => {
  // A busy machine may let the list rest between two frames.
  for (let n = 0; n < 100; n++) {
    grid.scrollTop = n % 2 ? 0 : 6000
    await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))
    const brief = grid.querySelectorAll('[role=row][data-index]:not(:has(input))').length
    if (brief) return brief
  }
  return 0
}"""


def test_lines_are_brief_only_while_the_list_is_scrolled_fast(at: At, farm: BrowsedFarm) -> None:
    page = at(f"/jobs/{paused(farm, 300)}?tab=tasks")
    expect(grid(page)).to_have_attribute("aria-rowcount", "301")

    assert grid(page).evaluate(_SCROLL_FAST) > 0

    expect(grid(page).locator("[role=row][data-index]:not(:has(input))")).to_have_count(0)
    expect(rows(page).last.get_by_role("gridcell").last).to_have_text("⋮")
