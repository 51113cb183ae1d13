"""The farm's history: what ended is there, by groups and over time, and in the address."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm
from tests.farm.processes import wait_until


def chosen(page: Page, group: str) -> str | None:
    return page.get_by_role("group", name=group).locator("[aria-pressed=true]").text_content()


def test_what_the_farm_did_is_shown_by_project_worker_and_cause(at: At, farm: BrowsedFarm) -> None:
    page = at("/history")
    table = page.get_by_role("region", name="Projects")
    pilot = table.get_by_role("row").filter(has=page.get_by_role("link", name="Pilot", exact=True))

    expect(pilot).to_be_visible()
    expect(page.get_by_role("slider", name="Utilisation over time")).to_be_visible()
    page.get_by_role("button", name="Workers", exact=True).click()
    expect(
        page.get_by_role("region", name="Workers").get_by_role("link", name="anita")
    ).to_be_visible()
    page.get_by_role("button", name="Failures by cause").click()
    expect(
        page.get_by_role("region", name="Failures by cause").get_by_role("row")
    ).not_to_have_count(0)

    expect(page).to_have_url(re.compile("by=cause"))


def test_the_keeper_has_noted_how_busy_the_farm_is(at: At, farm: BrowsedFarm) -> None:
    def is_sampled() -> bool:
        rows = farm.http.get("/api/tablao/v1/history").json()["rows"]
        return "available_s" in rows[-1] or "available_s" in rows[-2]

    wait_until(is_sampled, 120)


def test_the_address_keeps_what_is_shown(at: At) -> None:
    page = at("/history")

    page.get_by_role("button", name="30 days").click()
    page.get_by_role("button", name="Users", exact=True).click()
    expect(page).to_have_url(re.compile(r"range=30d&by=user"))
    page.reload()

    expect(page.get_by_role("region", name="Users")).to_be_visible()
    assert chosen(page, "Range") == "30 days"
    assert chosen(page, "Grouped by") == "Users"


def test_a_bar_is_read_with_the_arrow_keys(at: At) -> None:
    page = at("/history")
    chart = page.get_by_role("slider", name="Frames over time")

    chart.press("ArrowLeft")
    last = chart.get_attribute("aria-valuetext")
    chart.press("ArrowLeft")

    expect(chart).not_to_have_attribute("aria-valuetext", last or "")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"frames$"))


def test_dates_are_chosen_and_the_table_is_downloaded(at: At) -> None:
    page = at("/history?by=worker")
    expect(page.get_by_role("region", name="Workers")).to_be_visible()

    page.get_by_role("button", name="Custom").click()
    page.get_by_label("From").fill("2026-01-05")
    page.get_by_label("From").press("Tab")
    expect(page).to_have_url(re.compile("from=2026-01-05"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()

    text = download.value.path().read_text()
    assert text.startswith('"worker","completed","failed"')
    assert "anita" in text


def test_a_time_without_tasks_says_so(at: At) -> None:
    page = at("/history?range=custom&from=2025-01-01&to=2025-01-02")

    expect(page.get_by_text("No task ran in this time.")).to_be_visible()
    expect(page.get_by_text("History is kept from")).to_be_visible()


def test_dates_in_the_wrong_order_are_asked_for_again(at: At) -> None:
    page = at("/history?range=custom&from=2026-01-02&to=2026-01-01")

    expect(page.get_by_text("Choose two dates, the earlier one first.")).to_be_visible()
    expect(page.get_by_role("link", name="Download CSV")).to_have_count(0)
    page.get_by_label("to", exact=True).fill("2026-01-03")
    page.get_by_label("to", exact=True).press("Tab")

    expect(page.get_by_text("No task ran in this time.")).to_be_visible()
