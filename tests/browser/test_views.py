"""Each screen has room for what it draws, at each width, and breaks no rule of accessibility.

A view is opened on a phone, and then made wider and darker, which its page follows. Axe finds the
same elements in it as in a page that was opened so. The other way round it does not: a page that is
made narrower has scrolled to nothing, and has closed its menus.
"""

import pytest
from playwright.sync_api import Page

from tests.browser.accessibility import violations
from tests.browser.chromium import Problems
from tests.browser.farm import BrowsedFarm
from tests.browser.room import faults
from tests.browser.views import VIEWS, settled, show

WIDTHS = (390, 1024, 1440)
#: Where the page is arranged in another way.
AXE_WIDTHS = (390, 1440)
#: The last one is the one in which room is looked at.
THEMES = ("dark", "light")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_room_and_is_accessible(
    page: Page, farm: BrowsedFarm, problems: Problems, view: str
) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})

    show(page, farm, view, problems)

    found: dict[str, list[str]] = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        settled(page)
        found[f"room at {width}"] = faults(page)
        for theme in THEMES if width in AXE_WIDTHS else ():
            found[f"{theme} at {width}"] = _violations_in(page, theme)
    assert found == {check: [] for check in _CHECKS}


_CHECKS = (
    *(f"room at {width}" for width in WIDTHS),
    *(f"{theme} at {width}" for width in AXE_WIDTHS for theme in THEMES),
)


def _violations_in(page: Page, theme: str) -> list[str]:
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    return violations(page)
