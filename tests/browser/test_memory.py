"""How much memory rendering took, in a job's statistics and its tasks' details."""

import re
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm, described
from tests.farm.processes import wait_until

PILOT: Mapping[str, Any] = described("memory of a job", "Pilot", 0)
MEMORY = re.compile(r"^\d+ MB$")


def test_statistics_and_tasks_tell_the_memory_peak(at: At, farm: BrowsedFarm) -> None:
    job_id = farm.submit_frames("1-2", **PILOT)
    farm.until_job_is(job_id, "completed")
    times = f"/api/tablao/v1/jobs/{job_id}/statistics"
    wait_until(lambda: all(t.get("memory_peak") for t in farm.http.get(times).json()["tasks"]))
    page = at(f"/jobs/{job_id}?tab=statistics")

    statistics = page.get_by_role("tabpanel", name="Statistics")
    slowest = statistics.get_by_role("region", name="Slowest tasks")

    peak = statistics.locator("dl div", has_text="Memory peak").locator("dd")
    expect(peak).to_have_text(MEMORY)
    expect(slowest.get_by_role("cell", name=MEMORY).first).to_be_visible()
    slowest.get_by_role("button").first.click()
    task = page.get_by_role("region", name="Details of the task")
    expect(task.locator("dl div", has_text="Memory peak").locator("dd")).to_have_text(MEMORY)


def test_where_no_worker_told_there_is_a_dash(at: At, farm: BrowsedFarm) -> None:
    job_id = farm.submit_frames("1-2", **PILOT)
    farm.until_job_is(job_id, "completed")
    page = at(f"/jobs/{job_id}")
    # What a worker that speaks HTTP leaves behind.
    page.route("**/statistics", lambda route: route.fulfill(json=without_memory(route)))

    page.get_by_role("tab", name="Statistics").click()

    slowest = page.get_by_role("region", name="Slowest tasks")
    expect(slowest.get_by_role("cell", name="\N{EN DASH}").first).to_be_visible()


def without_memory(route: Any) -> dict[str, Any]:
    times: dict[str, Any] = route.fetch().json()
    for task in times["tasks"]:
        task.pop("memory_peak", None)
    return times
