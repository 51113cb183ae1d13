"""The workers' page: looking at them, asking things of them, their tags and schedules."""

import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from tests.browser.chromium import Problems
from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm
from tests.browser.views import settled
from tests.farm.processes import wait_until

OURS = "/api/tablao/v1/workers"


def of_ours(farm: BrowsedFarm, name: str) -> dict[str, Any]:
    workers = farm.http.get(OURS).json()["workers"]
    return next(dict(worker) for worker in workers if worker["name"] == name)


def row(page: Page, name: str) -> Locator:
    named = page.get_by_role("gridcell", name=name)
    return page.get_by_role("grid", name="Workers").get_by_role("row").filter(has=named)


def opened(at: At, farm: BrowsedFarm, name: str) -> Locator:
    page = at(f"/workers/{of_ours(farm, name)['id']}")
    details = page.get_by_role("region", name=name, exact=True)
    expect(details).to_be_visible()
    return details


def part(details: Locator, name: str) -> Locator:
    return details.get_by_role("region", name=name, exact=True)


@pytest.fixture
def registered(farm: BrowsedFarm) -> Any:
    """A worker that never came, and is gone after the test."""
    name = f"stray {uuid4().hex[:6]}"
    registration = {
        "name": name,
        "secret": "s3cret",
        "platform": "linux",
        "supported_task_types": ["misc"],
    }
    worker_id = farm.http.post("/api/v3/worker/register-worker", json=registration).json()["uuid"]
    yield name
    farm.http.delete(f"/api/v3/worker-mgt/workers/{worker_id}")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_list_says_why_workers_are_set_aside(
    page: Page, at: At, farm: BrowsedFarm, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    reason = "The shared storage is not there: mount it. (/render has no marker)"
    since = "2026-01-02T03:04:05Z"
    aside = {"cause": "storage-missing", "reason": reason, "task_types": [], "since": since}
    workers = farm.http.get(OURS).json()["workers"]
    told = {"workers": [each | {"set_aside": [aside]} for each in workers]}
    page.route(f"**{OURS}", lambda route: route.fulfill(json=told))

    at("/workers")
    notice = page.get_by_role("region", name="Why workers are set aside")

    # All of it is in sight, also where nothing can point at it.
    expect(notice).to_contain_text(reason)
    assert notice.evaluate("it => it.scrollWidth <= it.clientWidth")
    expect(row(page, "anita").get_by_text("set aside: storage missing")).to_be_visible()
    notice.get_by_role("button", name="anita").click()
    expect(page.get_by_role("region", name="anita", exact=True)).to_be_visible()


def test_workers_are_listed_with_status_task_and_tags(at: At) -> None:
    page = at("/workers")

    expect(row(page, "bruno")).to_contain_text("working")
    expect(row(page, "bruno").get_by_role("link", name="Lighting tests")).to_be_visible()
    expect(row(page, "bruno")).to_contain_text("slow")
    expect(row(page, "carmen")).to_contain_text("asleep")
    expect(row(page, "carmen")).to_contain_text("connected")


def test_an_idle_worker_says_why(at: At, farm: BrowsedFarm) -> None:
    reason = 'The tasks that wait want the tag "nobody" or "slow".'
    wait_until(lambda: of_ours(farm, "anita")["idle_reason"] == reason, 60)

    page = opened(at, farm, "anita").page

    expect(row(page, "anita").get_by_text(reason)).to_be_visible()
    expect(page.get_by_role("region", name="anita", exact=True)).to_contain_text(f"idle: {reason}")
    expect(row(page, "carmen")).not_to_contain_text("The tasks that wait")


def test_the_current_task_leads_to_its_job(at: At, farm: BrowsedFarm) -> None:
    page = at("/workers")

    row(page, "bruno").get_by_role("link", name="Lighting tests").click()

    page.wait_for_url(f"**/app/jobs/{farm.standing['active']}/tasks/*")


def test_counts_search_and_tag_filter_and_stand_in_the_address(at: At) -> None:
    page = at("/workers")
    page.get_by_role("group", name="By status").get_by_role("button", name="asleep").click()
    expect(row(page, "carmen")).to_be_visible()
    expect(row(page, "bruno")).to_have_count(0)
    expect(page).to_have_url(re.compile("status=asleep"))

    page = at("/workers?tag=slow")
    expect(row(page, "bruno")).to_be_visible()
    expect(row(page, "carmen")).to_have_count(0)

    page.get_by_role("searchbox", name="Search workers").fill("nobody like that")
    expect(page.get_by_text("No worker matches")).to_be_visible()


def test_sorting_stands_in_the_address_too(at: At) -> None:
    page = at("/workers")

    page.get_by_role("columnheader", name="Name").get_by_role("button").click()

    expect(page).to_have_url(re.compile("sort=-name"))
    names = page.get_by_role("grid", name="Workers").get_by_role("row")
    expect(names.nth(1)).to_contain_text("carmen")


def test_cards_show_how_busy_machines_are(at: At) -> None:
    page = at("/workers")

    page.get_by_role("button", name="Cards").click()

    card = page.get_by_role("article").filter(has_text="anita")
    expect(card.get_by_text("CPU")).to_be_visible()
    expect(card.get_by_text(re.compile(r"\d+ %")).first).to_be_visible()
    expect(page).to_have_url(re.compile("view=grid"))


def test_details_show_the_machine_live_and_its_last_hour(
    at: At, farm: BrowsedFarm, page: Page
) -> None:
    told: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda text: told.append(str(text)))

    page.on("websocket", listen)
    # The list's meters would ask for other workers, too.
    page.add_init_script("localStorage.setItem('tablao-columns-workers', 'name,state')")
    worker = of_ours(farm, "anita")

    machine = part(opened(at, farm, "anita"), "Machine")

    expect(machine.get_by_text("Memory", exact=True).first).to_be_visible()
    expect(machine.get_by_role("img", name=re.compile("over the last hour"))).to_be_visible()
    topic = f"/workers/{worker['id']}/statistics"
    # Asking the page something lets it tell what it has heard.
    wait_until(lambda: bool(page.title()) and any(topic in text for text in told), 60)
    assert not [text for text in told if "/statistics" in text and topic not in text]


def test_recent_tasks_and_facts_are_told(at: At, farm: BrowsedFarm) -> None:
    details = opened(at, farm, "bruno")

    recent = part(details, "Recent tasks").get_by_role("link", name="Lighting tests")
    expect(recent.first).to_be_visible()
    expect(part(details, "About")).to_contain_text("connected")
    expect(part(details, "Blocklisted")).to_contain_text("In no job.")
    expect(part(details, "Provisioned settings")).to_contain_text("Change provisioned settings")


def test_a_worker_is_put_to_sleep_and_woken_by_undo(at: At, farm: BrowsedFarm) -> None:
    details = opened(at, farm, "anita")

    details.get_by_role("button", name="Sleep", exact=True).click()
    wait_until(lambda: farm.worker("anita")["status"] == "asleep")
    expect(row(details.page, "anita")).to_contain_text("asleep")

    details.page.get_by_role("button", name="Undo").click()
    expect(row(details.page, "anita")).to_contain_text("idle")
    assert of_ours(farm, "anita")["status_change"] is None


def test_what_a_busy_worker_is_asked_waits_for_its_task(at: At, farm: BrowsedFarm) -> None:
    details = opened(at, farm, "bruno")

    details.get_by_role("button", name="Sleep", exact=True).click()
    expect(row(details.page, "bruno")).to_contain_text("working → asleep, after its task")

    details.page.get_by_role("button", name="Undo").click()
    expect(row(details.page, "bruno")).not_to_contain_text("→")


def test_stopping_a_task_is_asked_about_first(at: At, farm: BrowsedFarm) -> None:
    details = opened(at, farm, "bruno")
    details.get_by_role("checkbox", name="after the current task").uncheck()

    details.get_by_role("button", name="Sleep", exact=True).click()

    expect(
        details.page.get_by_text("One task is stopped and goes back to the queue")
    ).to_be_visible()
    details.page.get_by_role("button", name="Leave it").click()
    assert of_ours(farm, "bruno")["status_change"] is None


def test_several_are_paused_and_resumed_together(at: At, farm: BrowsedFarm) -> None:
    page = at("/workers")
    row(page, "anita").get_by_role("gridcell").first.click()
    row(page, "carmen").get_by_role("gridcell").first.click(modifiers=["Control"])
    bar = page.get_by_role("toolbar", name="Actions for the selected workers")
    expect(bar).to_contain_text("2 workers selected")

    bar.get_by_role("button", name="Pause").click()
    wait_until(lambda: all(of_ours(farm, name)["is_paused"] for name in ("anita", "carmen")))
    expect(row(page, "anita")).to_contain_text("paused")

    bar.get_by_role("button", name="Resume").click()
    expect(row(page, "anita")).to_contain_text("idle")


def test_several_get_a_tag_and_lose_it_together(at: At, farm: BrowsedFarm, registered: str) -> None:
    def tags_of(name: str) -> list[str]:
        return [tag["name"] for tag in of_ours(farm, name)["tags"]]

    page = at("/workers")
    row(page, registered).get_by_role("gridcell").first.click()
    row(page, "bruno").get_by_role("gridcell").first.click(modifiers=["Control"])
    bar = page.get_by_role("toolbar", name="Actions for the selected workers")
    bar.get_by_label("Tags of the selected workers").click()
    slow = bar.get_by_role("checkbox", name="slow")
    expect(slow).to_be_checked(indeterminate=True)

    slow.click()
    expect(page.get_by_text(f"{registered} got the tag slow.")).to_be_visible()
    expect(row(page, registered)).to_contain_text("slow")
    assert tags_of(registered) == tags_of("bruno") == ["slow"]

    page.get_by_role("button", name="Undo").click()
    wait_until(lambda: tags_of(registered) == [])
    assert tags_of("bruno") == ["slow"]


def test_deleting_is_confirmed(at: At, farm: BrowsedFarm, registered: str) -> None:
    details = opened(at, farm, registered)
    settled(details.page)  # comments of a worker that is gone are not found
    details.get_by_role("button", name="Delete…").click()
    dialog = details.page.get_by_role("dialog", name=f"Delete {registered}?")

    dialog.get_by_role("button", name="Delete").click()

    expect(row(details.page, registered)).to_have_count(0)
    expect(details).to_have_count(0)


def test_only_what_is_possible_is_offered(at: At, farm: BrowsedFarm, registered: str) -> None:
    details = opened(at, farm, registered)

    expect(details.get_by_role("button", name="Delete…")).to_be_visible()
    for name in ("Wake", "Sleep", "Restart", "Shut down"):
        expect(details.get_by_role("button", name=name, exact=True)).to_have_count(0)


def test_a_sleep_schedule_is_edited_and_overnight_is_plain(
    at: At, farm: BrowsedFarm, registered: str
) -> None:
    schedule = part(opened(at, farm, registered), "Sleep schedule")
    schedule.get_by_role("checkbox", name="Sleep by a schedule").check()
    for day in ("Monday", "Friday"):
        schedule.get_by_role("button", name=day).click()
    schedule.get_by_label("From", exact=True).fill("22:00")
    schedule.get_by_label("to", exact=True).fill("06:00")
    words = "in the nights that begin on Mondays and Fridays, from 22:00 to 06:00 the next morning"
    expect(schedule.get_by_text(words)).to_be_visible()

    schedule.get_by_role("button", name="Save").click()

    expect(schedule.get_by_role("button", name="Save")).to_have_count(0)
    assert of_ours(farm, registered)["sleep_schedule"] == {
        "is_active": True,
        "days_of_week": "mo fr",
        "start_time": "22:00",
        "end_time": "06:00",
    }


def test_a_usual_sleep_schedule_takes_one_click(at: At, farm: BrowsedFarm, registered: str) -> None:
    schedule = part(opened(at, farm, registered), "Sleep schedule")

    schedule.get_by_role("button", name="Nights").click()
    words = "Sleeps every night, from 22:00 to 06:00 the next morning."
    expect(schedule.get_by_text(words)).to_be_visible()
    schedule.get_by_role("button", name="Save").click()

    expect(schedule.get_by_role("button", name="Save")).to_have_count(0)
    assert of_ours(farm, registered)["sleep_schedule"] == {
        "is_active": True,
        "days_of_week": "",
        "start_time": "22:00",
        "end_time": "06:00",
    }


def test_tags_are_switched(at: At, farm: BrowsedFarm, registered: str) -> None:
    tags = part(opened(at, farm, registered), "Tags")

    tags.get_by_role("checkbox", name="slow").click()

    expect(row(tags.page, registered)).to_contain_text("slow")
    wait_until(lambda: [tag["name"] for tag in of_ours(farm, registered)["tags"]] == ["slow"])


def test_tags_are_made_renamed_and_deleted(at: At, farm: BrowsedFarm) -> None:
    page = at("/workers")
    page.get_by_role("button", name="Tags…").click()
    dialog = page.get_by_role("dialog", name="Worker tags")
    dialog.get_by_label("Name of the new tag").fill("fast")
    dialog.get_by_role("button", name="Create").click()

    dialog.get_by_label("Name of fast").fill("very fast")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_role("button", name="Delete very fast").click()

    expect(dialog.get_by_label("Name of very fast")).to_have_count(0)


def test_a_tag_in_use_stays_and_the_reason_is_shown(at: At, problems: Problems) -> None:
    problems.allow("409")
    page = at("/workers")
    page.get_by_role("button", name="Tags…").click()
    dialog = page.get_by_role("dialog", name="Worker tags")

    dialog.get_by_role("button", name="Delete nobody").click()

    expect(dialog.get_by_role("alert")).to_contain_text("unfinished")
    expect(dialog.get_by_label("Name of nobody")).to_be_visible()


def test_a_view_is_saved(at: At) -> None:
    page = at("/workers?status=asleep")
    page.get_by_label("Saved views").click()
    page.get_by_placeholder("Name", exact=True).fill("Sleepers")
    page.get_by_role("button", name="Save", exact=True).click()

    page = at("/workers")
    page.get_by_label("Saved views").click()
    page.get_by_role("button", name="Sleepers", exact=True).click()

    expect(page).to_have_url(re.compile("status=asleep"))


def test_a_telephone_can_pause_a_worker(at: At, farm: BrowsedFarm, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    details = opened(at, farm, "anita")

    details.get_by_role("button", name="Pause").click()
    expect(details.get_by_role("img", name="paused")).to_be_visible()
    details.get_by_role("button", name="Resume").click()
    expect(details.get_by_role("img", name="idle")).to_be_visible()
    # The details are in the list's place.
    expect(page.get_by_role("grid", name="Workers")).to_be_hidden()

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
