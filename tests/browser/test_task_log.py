"""A task's log on a page of its own: tries, addresses of lines, search, errors, a long log."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.browser.chromium import Problems
from tests.browser.conftest import At, Submit
from tests.browser.farm import BrowsedFarm
from tests.browser.log_files import WrittenLog

LINES = 200_000


@pytest.fixture
def written(farm: BrowsedFarm, submit: Submit) -> WrittenLog:
    return WrittenLog(farm, submit("a log that is read"))


def lines_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Log", exact=True)


def search_in(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Search the log")


def test_each_try_has_a_tab_the_newest_first(at: At, written: WrittenLog) -> None:
    written.write(1, "Fra:1 of the first try\n")
    written.write(2, "Fra:1 of the second try\n")

    page = at(written.address)
    expect(page.get_by_role("tab")).to_have_text(["Try 2", "Try 1"])
    expect(lines_of(page)).to_contain_text("of the second try")
    page.get_by_role("tab", name="Try 1").click()

    expect(lines_of(page)).to_contain_text("of the first try")
    expect(page).to_have_url(re.compile(r"try=1"))
    page.reload()
    expect(page.get_by_role("tab", name="Try 1", selected=True)).to_be_visible()
    page.get_by_role("tab", name="Try 1").press("ArrowLeft")
    expect(lines_of(page)).to_contain_text("of the second try")


def test_a_line_has_an_address(at: At, written: WrittenLog) -> None:
    written.write(1, "".join(f"line number {n}\n" for n in range(1, 2_001)))
    page = at(f"{written.address}?line=1200")
    marked = lines_of(page).locator(".marked")
    expect(marked).to_have_text("1200line number 1200")
    expect(marked).to_be_in_viewport()

    lines_of(page).get_by_role("link", name="1195", exact=True).click()
    lines_of(page).get_by_role("link", name="1198", exact=True).click(modifiers=["Shift"])

    expect(marked).to_have_count(4)
    expect(page).to_have_url(re.compile("line=1195-1198"))
    page.reload()
    expect(lines_of(page).locator(".marked")).to_have_count(4)
    expect(marked.first).to_be_in_viewport()


def test_lines_and_their_address_are_copied(at: At, page: Page, written: WrittenLog) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    written.write(1, "one\ntwo\nthree\n")
    at(f"{written.address}?line=2-3")

    def copied(entry: str) -> str:
        page.get_by_label("Copy", exact=True).click()
        page.get_by_role("button", name=entry, exact=True).click()
        expect(page.get_by_text("Copied")).to_be_visible()
        page.get_by_role("button", name="Dismiss").click()
        text: str = page.evaluate("() => navigator.clipboard.readText()")
        return text

    assert copied("lines 2 to 3") == "two\nthree"
    assert copied("the log") == "one\ntwo\nthree\n"
    assert copied("a link to lines 2 to 3").endswith(f"{written.address}?try=1&line=2-3")


def test_a_regular_expression_is_searched_for(at: At, written: WrittenLog) -> None:
    written.write(1, "Fra:1 a\nFra:20 b\nFra:3 c\nFrame\n")
    page = at(written.address)
    search_in(page).fill(r"fra:\d [ac]")
    page.get_by_role("button", name="Regular expression").click()

    count = page.get_by_role("search").get_by_role("status")
    expect(count).to_have_text("1 of 2")
    search_in(page).press("Enter")
    expect(count).to_have_text("2 of 2")
    expect(lines_of(page).locator(".marked mark")).to_have_text("Fra:3 c")
    search_in(page).press("Shift+Enter")
    expect(count).to_have_text("1 of 2")
    expect(page).to_have_url(re.compile("pattern=1"))
    page.reload()
    expect(count).to_have_text("1 of 2")


def test_an_expression_that_is_wrong_is_said(at: At, written: WrittenLog) -> None:
    written.write(1, "Fra:1 (a\n")
    page = at(f"{written.address}?pattern=1")

    search_in(page).fill("(a")

    expect(page.get_by_role("alert")).to_contain_text("This is no regular expression: Untermin")
    page.get_by_role("button", name="Regular expression").click()
    expect(page.get_by_role("search").get_by_role("status")).to_have_text("1 of 1")


def test_an_expression_that_takes_for_ever_is_ended(at: At, written: WrittenLog) -> None:
    written.write(1, "a" * 60 + "!\nsaved\n")
    page = at(f"{written.address}?pattern=1")

    search_in(page).fill("(a+)+$")

    expect(page.get_by_role("alert")).to_have_text("This expression takes too long for this log.")
    search_in(page).fill("save.")
    expect(page.get_by_role("search").get_by_role("status")).to_have_text("1 of 1")


def test_a_log_of_200_000_lines_is_searched_and_jumped_in(at: At, written: WrittenLog) -> None:
    lines = [f"Fra:{n} Mem:1.00M | Sample {n % 128}/128" for n in range(1, LINES)]
    lines[149_999] = "Error: the rig is missing"
    lines[180_000] = "Error: the light is missing"
    written.write(1, "\n".join(lines) + "\n")
    page = at(written.address)
    # It opens at its end.
    expect(lines_of(page)).to_contain_text(f"Fra:{LINES - 1} ")

    page.get_by_role("button", name="First error").click()
    marked = lines_of(page).locator(".marked")
    expect(marked).to_have_text("150000Error: the rig is missing")
    expect(page.get_by_role("button", name="Next error (2)")).to_be_visible()
    page.get_by_role("button", name="Next error (2)").click()
    expect(marked).to_have_text("180001Error: the light is missing")
    search_in(page).fill("fra:77777 ")

    expect(marked).to_contain_text("Fra:77777 ")
    expect(page.get_by_role("search").get_by_role("status")).to_have_text("1 of 1")
    # Only lines in sight are elements.
    assert lines_of(page).locator(".line").count() < 200


def test_the_page_follows_until_it_is_scrolled_up(at: At, page: Page, written: WrittenLog) -> None:
    channels: list[WebSocketRoute] = []
    page.route_web_socket(re.compile("/events"), lambda line: channels.append(connected(line)))
    written.write(1, "".join(f"line {n}\n" for n in range(1, 501)))
    at(written.address)
    expect(lines_of(page)).to_contain_text("line 500")

    told(channels, written, 1, "line 501\nthe newest line\n")
    expect(lines_of(page).get_by_text("the newest line")).to_be_in_viewport()
    told(channels, written, 7, "text of another try\n")
    lines_of(page).hover()
    page.mouse.wheel(0, -2_000)
    expect(page.get_by_role("checkbox", name="Follow")).not_to_be_checked()
    told(channels, written, 1, "a line further down\n")
    page.get_by_role("searchbox", name="Search the log").fill("a line further down")

    expect(page.get_by_role("search").get_by_role("status")).to_have_text("1 of 1")
    expect(lines_of(page)).not_to_contain_text("text of another try")


def connected(line: WebSocketRoute) -> WebSocketRoute:
    line.connect_to_server()
    return line


def told(channels: list[WebSocketRoute], log: WrittenLog, attempt: int, text: str) -> None:
    payload = {"task_id": log.task_id, "log": text, "attempt": attempt}
    topic = f"/tasklog/{log.task_id}"
    channels[-1].send(json.dumps({"id": None, "topic": topic, "payload": payload}))


def test_a_log_that_is_not_there_says_so(at: At, page: Page, written: WrittenLog) -> None:
    at(written.address)
    expect(page.get_by_text("Nothing has been logged yet.")).to_be_visible()

    written.write(2, "only this try is kept\n")
    page.goto(f"{page.url}?try=1&line=9")

    expect(
        page.get_by_text("The log of try 1 is not kept. This is the newest one.")
    ).to_be_visible()
    expect(lines_of(page)).to_contain_text("only this try is kept")


def test_a_task_that_is_not_there_says_so(at: At, problems: Problems, farm: BrowsedFarm) -> None:
    problems.allow("404")
    missing = "11111111-2222-4333-8444-555555555555"

    page = at(f"/jobs/{missing}/tasks/{missing}/log")

    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("no such task")


def test_the_details_lead_to_the_page_and_back(at: At, farm: BrowsedFarm) -> None:
    job_id = farm.standing["failed"]
    task = next(task for task in farm.tasks(job_id) if "failed" in task["status"])
    page = at(f"/jobs/{job_id}/tasks/{task['id']}")

    page.get_by_role("link", name="Full page").click()

    expect(page).to_have_url(re.compile(f"/tasks/{task['id']}/log$"))
    expect(lines_of(page)).to_contain_text("rig is missing")
    page.get_by_role("heading").get_by_role("link", name=task["name"]).click()
    expect(page.get_by_role("region", name="Details of the task")).to_be_visible()
