"""Every view of the dashboard, for what has to hold for all of them."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page

from tests.browser.farm import BrowsedFarm


def _task_of(farm: BrowsedFarm, status: str) -> str:
    job = farm.standing[status]
    wanted = "failed" if status == "failed" else "completed"
    task = next(task for task in farm.tasks(job) if task["status"] == wanted)
    return f"/jobs/{job}/tasks/{task['id']}"


VIEWS: Mapping[str, Callable[[BrowsedFarm], str]] = {
    "jobs": lambda _: "/jobs",
    "job": lambda farm: f"/jobs/{farm.standing['completed']}",
    "failed-job": lambda farm: f"/jobs/{farm.standing['failed']}",
    "job-frames": lambda farm: f"/jobs/{farm.standing['completed']}?tab=frames",
    "job-sheet": lambda farm: f"/jobs/{farm.standing['completed']}?tab=frames&show=sheet",
    "job-times": lambda farm: f"/jobs/{farm.standing['completed']}?tab=frames&show=times",
    "compare": lambda farm: f"/compare?left={farm.standing['completed']}:1&mode=wipe",
    "job-tasks": lambda farm: f"/jobs/{farm.standing['completed']}?tab=tasks",
    "job-settings": lambda farm: f"/jobs/{farm.standing['completed']}?tab=settings",
    "job-statistics": lambda farm: f"/jobs/{farm.standing['completed']}?tab=statistics",
    "job-comments": lambda farm: f"/jobs/{farm.standing['completed']}?tab=comments",
    "job-history": lambda farm: f"/jobs/{farm.standing['completed']}?tab=history",
    "task": lambda farm: _task_of(farm, "failed"),
    "task-log": lambda farm: f"{_task_of(farm, 'failed')}/log?find=rig",
    "wall": lambda _: "/wall",
    "workers": lambda _: "/workers",
    "worker": lambda farm: f"/workers/{farm.worker('anita')['id']}",
    "last-rendered": lambda _: "/last-rendered",
    "history": lambda _: "/history?by=worker",
    "submit": lambda _: "/submit",
    "settings": lambda _: "/settings",
    "settings-storage": lambda _: "/settings/storage",
    "settings-variables": lambda _: "/settings/variables",
    "settings-job-types": lambda _: "/settings/job-types",
    "settings-job-type": lambda _: "/settings/job-types?name=simple-blender-render",
    "settings-provisions": lambda _: "/settings/provisions",
    "settings-notifications": lambda _: "/settings/notifications",
    "settings-users": lambda _: "/settings/users",
    "settings-audit": lambda _: "/settings/audit",
    "settings-versions": lambda _: "/settings/versions",
    "account": lambda _: "/account",
    "settings-about": lambda _: "/settings/about",
    "not-found": lambda _: "/no-such-page",
}


def address_of(view: str, farm: BrowsedFarm) -> str:
    return VIEWS[view](farm)


def settled(page: Page) -> None:
    """What the view fetches is there and drawn; the live connection alone goes on."""
    page.wait_for_load_state("networkidle")
    page.evaluate("() => document.fonts.ready")
    page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))")
