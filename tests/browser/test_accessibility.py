"""No dialog breaks a rule of accessibility; views are in `test_views.py`."""

from collections.abc import Mapping
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm
from tests.browser.views import VIEWS, settled

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

#: What opens a dialog, by the view that it is in.
_DIALOGS: Mapping[str, str] = {
    "job": "Requeue…",
    "failed-job": "Delete",
    "job-settings": "Browse Render Output Root",
    "workers": "Tags…",
    "worker": "Delete…",
    "submit": "Browse for Render Output Root",
}


@pytest.mark.parametrize("view", _DIALOGS)
def test_a_dialog_is_accessible(at: At, page: Page, farm: BrowsedFarm, view: str) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    at(VIEWS[view].address(farm))

    page.get_by_role("button", name=_DIALOGS[view], exact=True).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    settled(page)

    assert {each: _violations_in(page, each) for each in THEMES} == {each: [] for each in THEMES}


def _violations_in(page: Page, theme: Literal["light", "dark"]) -> list[str]:
    page.emulate_media(color_scheme=theme)
    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    return violations(page)
