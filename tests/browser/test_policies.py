"""Pages that a browser shows under the manager's content security policy."""

from playwright.sync_api import Page, expect

from tests.browser.chromium import Problems
from tests.browser.farm import BrowsedFarm


def test_the_explorer_of_the_interface_works(page: Page, farm: BrowsedFarm) -> None:
    page.goto(f"{farm.url}/api/v3/swagger-ui/")

    operation = page.locator("#operations-meta-getVersion")
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()

    expect(operation.locator(".live-responses-table")).to_contain_text("Tablao")


def test_a_script_that_was_put_into_the_page_does_not_run(
    page: Page, farm: BrowsedFarm, problems: Problems
) -> None:
    problems.allow("Content Security Policy")
    page.goto(f"{farm.url}/app/")

    page.evaluate(
        """() => {
            const script = document.createElement('script')
            script.textContent = 'window.taken = true'
            document.body.append(script)
        }"""
    )

    assert page.evaluate("window.taken") is None


def test_no_page_shows_ours_in_a_frame(page: Page, farm: BrowsedFarm, problems: Problems) -> None:
    problems.allow("frame-ancestors", "ERR_BLOCKED_BY_RESPONSE")

    with page.expect_event("requestfailed") as failed:
        page.set_content(f'<iframe src="{farm.url}/app/" title="ours"></iframe>')

    assert failed.value.url == f"{farm.url}/app/"
    assert "BLOCKED_BY_RESPONSE" in (failed.value.failure or "")
