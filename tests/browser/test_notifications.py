"""Webhooks in the settings, what a person chooses, and notifications of the browser, once each."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import TIMEOUT_MS
from tests.browser.conftest import At, log_in, open_view
from tests.browser.farm import BrowsedFarm
from tests.farm.processes import SCALED, FarmProcesses, wait_until
from tests.manager.notifications.receivers import WebhookReceiver

#: Notes what a page would show, in place of the system's notifications.
_NOTING = """
window.Notification = class {
  static permission = 'granted'
  static requestPermission = async () => 'granted'
  constructor(title, { body }) { noteNotification(title + '|' + body) }
  close() {}
}
"""


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


def test_a_webhook_is_made_tested_and_deleted(at: At, receiver: WebhookReceiver) -> None:
    page = at("/settings/notifications")

    page.get_by_role("button", name="New webhook…").click()
    form = page.get_by_role("form", name="New webhook")
    form.get_by_label("Name").fill("Render chat")
    form.get_by_label("Address").fill(receiver.url)
    form.get_by_label("Shape").select_option("slack")
    form.get_by_label("A worker is lost").check()
    form.get_by_role("button", name="Create").click()

    card = page.get_by_role("listitem", name="Render chat")
    expect(card.locator("code", has_text="whsec_")).to_be_visible()
    expect(card).to_contain_text(f"http://127.0.0.1:{receiver.port}/…")
    card.get_by_role("button", name="Done").click()
    expect(page.get_by_text("whsec_")).to_have_count(0)

    card.get_by_role("button", name="What was sent").click()
    card.get_by_role("button", name="Send a test").click()
    sent = card.get_by_role("list", name="What Render chat was sent")
    expect(sent).to_contain_text("taken with 204")
    sent.get_by_role("button", name="again").click()
    wait_until(lambda: list(receiver.by_id().values()) == [2])
    assert "A test of Render chat" in receiver.received[0].body["text"]

    card.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(card).to_have_count(0)


def test_a_webhook_in_trouble_says_so(at: At, receiver: WebhookReceiver) -> None:
    receiver.status, receiver.answer = 403, b"invalid_token"
    page = at("/settings/notifications")
    page.get_by_role("button", name="New webhook…").click()
    form = page.get_by_role("form", name="New webhook")
    form.get_by_label("Name").fill("Broken chat")
    form.get_by_label("Address").fill(receiver.url)
    form.get_by_role("button", name="Create").click()
    card = page.get_by_role("listitem", name="Broken chat")
    card.get_by_role("button", name="Done").click()
    card.get_by_role("button", name="Send a test").click()
    card.get_by_role("button", name="What was sent").click()

    expect(card).to_contain_text("refuses the message with HTTP 403 (Forbidden)")
    expect(card).to_contain_text("invalid_token")

    card.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(card).to_have_count(0)


@pytest.fixture
def shown() -> list[str]:
    """The notifications that the pages of `tabs` have shown: title, and text."""
    return []


@pytest.fixture
def tabs(browser: Browser, shown: list[str]) -> Iterator[BrowserContext]:
    """A browser whose notifications are noted."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(TIMEOUT_MS)
    context.expose_function("noteNotification", lambda text: shown.append(text))
    context.add_init_script(_NOTING)
    yield context
    context.close()


def opted_in(tabs: BrowserContext, farm: FarmProcesses) -> Page:
    page = tabs.new_page()
    open_view(page, farm.url, "/account")
    section = page.get_by_role("region", name="Notifications in this browser")
    section.get_by_label("About").select_option("all")
    section.get_by_role("button", name="Turn on").click()
    expect(page.get_by_text("This browser shows notifications while")).to_be_visible()
    return page


def done(farm: FarmProcesses, name: str) -> str:
    """A job that a worker finishes at once; returns its id."""
    naps: dict[str, Any] = {"message": "olé", "sleep_duration_seconds": 0, "sleep_repeats": 1}
    job_id = farm.submit("echo-sleep-test", naps, name=name, priority=99)
    farm.until_job_is(job_id, "completed")
    return job_id


def told_of(page: Page, shown: list[str], name: str) -> Callable[[], bool]:
    def is_told() -> bool:
        page.wait_for_timeout(50)  # Playwright takes calls of pages only while it waits.
        return any(name in each for each in shown)

    return is_told


def test_three_tabs_show_each_notification_once_and_the_next_one_takes_over(
    tabs: BrowserContext, farm: BrowsedFarm, shown: list[str]
) -> None:
    page = tabs.new_page()
    log_in(page, farm)
    page.close()
    first = opted_in(tabs, farm)
    others = [tabs.new_page() for _ in range(2)]
    for each in others:
        open_view(each, farm.url, "/jobs")

    done(farm, "told by the first tab")
    wait_until(told_of(others[1], shown, "told by the first tab"))
    first.close()
    done(farm, "told by another tab")
    wait_until(told_of(others[1], shown, "told by another tab"))

    assert [each.partition("|")[0] for each in shown] == [
        "told by the first tab is completed",
        "told by another tab is completed",
    ]


def test_a_manager_that_was_killed_is_heard_once(
    tabs: BrowserContext, shown: list[str], tmp_path: Path
) -> None:
    settings = {**SCALED, "TABLAO_NOTIFICATIONS__GATHER": "2s"}
    with FarmProcesses(tmp_path / "farm", settings=settings) as farm:
        farm.start_hosts(1)
        page = opted_in(tabs, farm)
        open_view(tabs.new_page(), farm.url, "/jobs")
        done(farm, "told before")
        wait_until(told_of(page, shown, "told before"))

        # It has not told of this one when it is killed.
        done(farm, "told later")
        farm.kill_manager()
        farm.start_manager()
        wait_until(told_of(page, shown, "told later"), 120)
        wait_until(lambda: farm.awake(), 120)
        done(farm, "told after")
        wait_until(told_of(page, shown, "told after"), 120)

    told = [each.partition(" is ")[0] for each in shown]
    assert told == ["told before", "told later", "told after"]
