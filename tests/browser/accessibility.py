"""What axe finds in a page: breaches of WCAG 2, levels A and AA, that a program can see."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "dashboard/node_modules/axe-core/axe.min.js"
_LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Page) -> list[str]:
    """One line per element that breaks a rule.

    Axe stays in the page, whose engine has then compiled what is used.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_AXE.read_text())
    options: dict[str, Any] = {
        "runOnly": {"type": "tag", "values": _LEVELS},
        "resultTypes": ["violations"],
    }
    # What it has to say of the rest is not read, and long.
    run = "async options => (await axe.run(document, options)).violations"
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']} {node['html'][:200]}"
        for rule in page.evaluate(run, options)
        for node in rule["nodes"]
    ]
