"""The dashboard's frame: navigation, colours, the farm's status, the connection."""

from playwright.sync_api import expect

from tests.browser.conftest import At

VIEWS = {
    "Jobs": "/app/jobs",
    "Workers": "/app/workers",
    "Last rendered": "/app/last-rendered",
    "Submit": "/app/submit",
    "Settings": "/app/settings",
}


def test_every_view_is_one_click_away(at: At) -> None:
    page = at("/jobs")

    for label, address in VIEWS.items():
        page.get_by_role("navigation", name="Views").get_by_role("link", name=label).click()

        page.wait_for_url(f"**{address}*")
        expect(page.get_by_role("link", name=label, exact=True)).to_have_class(
            "router-link-active router-link-exact-active"
        )
