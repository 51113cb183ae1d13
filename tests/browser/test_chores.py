"""A wrangler's ten daily chores, each begun at the list of jobs, and the steps that they take.

A step is a click, a key, or a text that is typed.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import At
from tests.browser.farm import BROKEN, BrowsedFarm, described
from tests.browser.frame_files import paused_job, render, storage
from tests.browser.job_list import row
from tests.farm.processes import wait_until

RIG = "this scene's rig is missing its library"


class Hand:
    """Does what a user does, and counts it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.steps = 0

    def click(self, what: Locator, **how: Any) -> None:
        what.click(**how)
        self.steps += 1

    def type(self, what: Locator, text: str) -> None:
        what.fill(text)
        self.steps += 1

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.steps += 1


Chore = Callable[[Hand, BrowsedFarm], None]


def of_menu(page: Page, verb: str) -> Locator:
    return page.get_by_role("menuitem", name=verb)


def why_did_it_fail(hand: Hand, farm: BrowsedFarm) -> None:
    hand.click(row(hand.page, "rig is broken"))
    expect(hand.page.get_by_text(RIG).first).to_be_visible()


def requeue_what_is_missing(hand: Hand, farm: BrowsedFarm) -> None:
    about = described("once more in vain", "Chores", 2)
    job = farm.submit_frames("1-20", blend_file=farm.directory / BROKEN, **about)
    farm.until_job_is(job, "failed", timeout_s=180)
    page = hand.page

    hand.click(row(page, "once more in vain"))
    hand.click(page.get_by_role("button", name="Requeue…").first)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Everything that is not finished")
    hand.click(dialog.get_by_role("button", name="Requeue").last)

    wait_until(lambda: farm.job(job)["status"] != "failed", 60)


def pause_a_project(hand: Hand, farm: BrowsedFarm) -> None:
    nobody = {"worker_tag": farm.tags["nobody"]}
    about = [described(f"paused {number}", "To be paused", 0) for number in (1, 2)]
    jobs = [farm.submit_frames("1-4", **each, **nobody) for each in about]
    page = hand.page

    hand.click(row(page, "paused 1"), button="right")
    hand.click(of_menu(page, "Pause all of To be paused (2 jobs)"))

    for job in jobs:
        farm.until_job_is(job, "paused")


def raise_a_job(hand: Hand, farm: BrowsedFarm) -> None:
    about = described("raised", "Chores", 0)
    job = farm.submit_frames("1-4", **about, worker_tag=farm.tags["nobody"], priority=30)

    cell = row(hand.page, "raised").get_by_role("spinbutton")
    hand.click(cell)
    hand.type(cell, "70")
    hand.press("Enter")

    wait_until(lambda: farm.job(job)["priority"] == 70, 60)


def a_nights_sleep_for_a_worker(hand: Hand, farm: BrowsedFarm) -> None:
    page = hand.page
    hand.click(page.get_by_role("link", name="Workers"))
    workers = page.get_by_role("grid", name="Workers").get_by_role("row")
    hand.click(workers.filter(has_text="carmen"))
    schedule = page.get_by_role("region", name="Sleep schedule")
    hand.click(schedule.get_by_role("button", name="Nights"))
    hand.click(schedule.get_by_role("button", name="Save"))
    expect(page.get_by_text("the sleep schedule was saved")).to_be_visible()
    asleep_without_a_schedule(farm, "carmen")


def asleep_without_a_schedule(farm: BrowsedFarm, name: str) -> None:
    """The worker as it was: taking its schedule away has woken it."""
    none = {"is_active": False, "days_of_week": "", "start_time": "", "end_time": ""}
    worker_id = farm.worker(name)["id"]
    answer = farm.http.post(f"/api/v3/worker-mgt/workers/{worker_id}/sleep-schedule", json=none)
    assert answer.status_code == 204, answer.text
    farm.change_worker(name, "asleep")
    wait_until(lambda: is_settled(farm.worker(name), "asleep"), 60)


def is_settled(worker: Mapping[str, Any], status: str) -> bool:
    return worker["status"] == status and "status_change" not in worker


def slow_frames(hand: Hand, farm: BrowsedFarm) -> None:
    hand.click(row(hand.page, "sh010_0020 layout"))
    hand.click(hand.page.get_by_role("tab", name="Statistics"))
    expect(hand.page.get_by_text("Slowest").first).to_be_visible()


def compare(hand: Hand, farm: BrowsedFarm) -> None:
    folder = storage(farm) / "render/beside-each-other"
    render(folder, 1, 2)
    paused_job(farm, folder, "1-2")
    page = hand.page

    hand.click(row(page, "beside-each-other"))
    hand.click(page.get_by_role("tab", name="Frames"))
    hand.click(page.get_by_role("link", name="Compare frames"))
    for side in ("Left", "Right"):
        expect(page.get_by_role("img", name=f"{side} picture")).to_be_visible()


def read_a_log(hand: Hand, farm: BrowsedFarm) -> None:
    hand.click(row(hand.page, "rig is broken"))
    hand.click(hand.page.get_by_title("Open its log").first)
    expect(hand.page.get_by_text(f"Error: {RIG}").first).to_be_visible()


def share_a_view(hand: Hand, farm: BrowsedFarm) -> None:
    hand.click(hand.page.get_by_role("button", name="failed").first)
    expect(row(hand.page, "sh010_0020 layout")).to_have_count(0)
    address = hand.page.url

    colleague = hand.page.context.new_page()
    colleague.goto(address)

    expect(row(colleague, "rig is broken")).to_be_visible()
    expect(row(colleague, "sh010_0020 layout")).to_have_count(0)


def who_is_idle_and_why(hand: Hand, farm: BrowsedFarm) -> None:
    hand.click(hand.page.get_by_role("link", name="Workers"))
    workers = hand.page.get_by_role("grid", name="Workers").get_by_role("row")
    expect(workers.filter(has_text="anita")).to_contain_text("task", timeout=60_000)
    expect(workers.filter(has_text="anita")).to_contain_text("wait")


class Known(NamedTuple):
    chore: Chore
    steps: int


CHORES: Mapping[str, Known] = {
    "why did it fail": Known(why_did_it_fail, 1),
    "requeue what is missing": Known(requeue_what_is_missing, 3),
    "pause a project": Known(pause_a_project, 2),
    "raise a job": Known(raise_a_job, 3),
    "a night's sleep for a worker": Known(a_nights_sleep_for_a_worker, 4),
    "slow frames": Known(slow_frames, 2),
    "compare two frames": Known(compare, 3),
    "read a log": Known(read_a_log, 2),
    "share a view": Known(share_a_view, 1),
    "who is idle, and why": Known(who_is_idle_and_why, 1),
}


@pytest.mark.parametrize("name", CHORES)
def test_a_chore_takes_so_many_steps(name: str, at: At, farm: BrowsedFarm) -> None:
    chore, steps = CHORES[name]
    hand = Hand(at("/jobs"))

    chore(hand, farm)

    assert hand.steps == steps
