"""No view breaks a rule of WCAG 2, levels A and AA, that a program can check."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import Problems
from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm
from tests.browser.views import VIEWS, settled, show

AXE = Path(__file__).parents[2] / "dashboard/node_modules/axe-core/axe.min.js"
THEMES = ("light", "dark")
_LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

#: What opens a dialog, by the view that it is in.
_DIALOGS: Mapping[str, str] = {
    "job": "Requeue…",
    "failed-job": "Delete",
    "job-settings": "Browse Render Output Root",
    "workers": "Tags…",
    "worker": "Delete…",
    "submit": "Browse for Render Output Root",
}


def violations(page: Page) -> list[str]:
    """One line per element that breaks a rule."""
    page.evaluate(AXE.read_text())
    options: dict[str, Any] = {
        "runOnly": {"type": "tag", "values": _LEVELS},
        "resultTypes": ["violations"],
    }
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']} {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_accessible(
    page: Page, farm: BrowsedFarm, problems: Problems, view: str, width: int
) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})

    show(page, farm, view, problems)

    assert {theme: _violations_in(page, theme) for theme in THEMES} == {each: [] for each in THEMES}


def _violations_in(page: Page, theme: str) -> list[str]:
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    return violations(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", _DIALOGS)
def test_a_dialog_is_accessible(
    at: At, page: Page, farm: BrowsedFarm, view: str, theme: str
) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    at(VIEWS[view].address(farm))

    page.get_by_role("button", name=_DIALOGS[view], exact=True).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    settled(page)

    assert violations(page) == []
