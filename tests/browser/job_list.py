"""Where things are in the list of jobs."""

from playwright.sync_api import Locator, Page


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("grid", name="Jobs").get_by_role("row").filter(has_text=name)


def selected(page: Page) -> Locator:
    return page.get_by_role("toolbar", name="Actions for the selected jobs")


def of_open_job(page: Page) -> Locator:
    return page.get_by_role("toolbar", name="Actions for the job")


def pick(page: Page, *names: str) -> None:
    for name in names:
        row(page, name).click(modifiers=["ControlOrMeta"])


def confirm(page: Page, label: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=label).click()
