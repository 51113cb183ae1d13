"""Every screen of the dashboard, for what has to hold for all of them."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Page, Route, WebSocketRoute, expect
from playwright.sync_api import TimeoutError as NotInTime

from tests.browser.chromium import Problems
from tests.browser.conftest import log_in, open_view
from tests.browser.farm import BrowsedFarm
from tests.browser.job_list import row
from tests.browser.log_files import WrittenLog

#: Who opens a view: no user, an administrator, or a person with an account.
Caller = Literal["nobody", "admin", "person"]
_QUIET_WITHIN_MS = 10_000
_PERSON = {"name": "dora", "password": "a long enough one"}


def _nothing(page: Page) -> None: ...


@dataclass(frozen=True)
class View:
    """A screen: its address, and the steps on the page that lead to it."""

    address: Callable[[BrowsedFarm], str]
    act: Callable[[Page], None] = _nothing
    before: Callable[[Page], None] = _nothing
    """Called before the page is opened."""
    allowed: tuple[str, ...] = ()
    """The problems that `act` causes: regular expressions."""
    caller: Caller = "admin"


def _at(address: str, act: Callable[[Page], None] = _nothing) -> View:
    return View(lambda _: address, act)


def _of_job(rest: str, status: str = "completed", act: Callable[[Page], None] = _nothing) -> View:
    return View(lambda farm: f"/jobs/{farm.standing[status]}{rest}", act)


def _compared(mode: str) -> View:
    def address(farm: BrowsedFarm) -> str:
        job = farm.standing["completed"]
        return f"/compare?left={job}:1&right={job}:12&mode={mode}"

    return View(address)


def _task_of(farm: BrowsedFarm, status: str) -> str:
    job = farm.standing[status]
    wanted = "failed" if status == "failed" else "completed"
    task = next(task for task in farm.tasks(job) if task["status"] == wanted)
    return f"/jobs/{job}/tasks/{task['id']}"


def _log_with_tries(farm: BrowsedFarm) -> str:
    log = WrittenLog(farm, farm.standing["paused"])
    samples = "".join(f"Fra:1 Mem:312.40M | Sample {n}/128\n" for n in range(0, 128, 2))
    log.write(1, f"Read blend: /farm/sh020.blend\n{samples}Error: out of GPU memory\n")
    log.write(2, f"Read blend: /farm/sh020.blend\n{samples}Saved: '/farm/sh020/0001.png'\n")
    return log.address


def _press(name: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.get_by_role("button", name=name, exact=True).first.click()

    return act


def _show_keys(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def _open_columns(page: Page) -> None:
    page.get_by_label("Columns", exact=True).click()
    expect(page.get_by_role("button", name="Default columns")).to_be_visible()


def _open_row_menu(page: Page) -> None:
    row(page, "sh010_0020 layout").get_by_role("button", name=re.compile("^Actions")).click()
    expect(page.get_by_role("menu", name="Actions")).to_be_visible()


def _select_all(page: Page) -> None:
    page.get_by_role("checkbox", name="Select all that are shown").click()
    expect(page.get_by_role("toolbar", name=re.compile("selected"))).to_be_visible()


def _scroll_to(section: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.get_by_role("region", name=section).evaluate("it => it.scrollIntoView()")

    return act


def _without_connection(page: Page) -> None:
    """The page can call `loseConnection`; no other connection is made after that."""
    lines: list[WebSocketRoute] = []

    def connect(line: WebSocketRoute) -> None:
        lines.append(line)
        if len(lines) == 1:
            line.connect_to_server()
        else:
            line.close()

    page.route_web_socket(re.compile("/events"), connect)
    page.expose_function("loseConnection", lambda: lines[0].close())


def _lose_connection(page: Page) -> None:
    page.evaluate("() => loseConnection()")
    expect(page.get_by_role("alert", name="Connection")).to_be_visible()


def _as_nobody(page: Page) -> None:
    def answer(route: Route) -> None:
        me = route.fetch().json()
        route.fulfill(json={**me, "kind": "nobody", "permissions": []})

    page.route("**/api/tablao/v1/me", answer)


_LOST = ("WebSocket", "ERR_")

VIEWS: Mapping[str, View] = {
    "login": View(lambda _: "/login", before=_as_nobody, caller="nobody"),
    "jobs": _at("/jobs"),
    "jobs-columns": _at("/jobs", _open_columns),
    "jobs-menu": _at("/jobs?project=Pilot", _open_row_menu),
    "jobs-selected": _at("/jobs?project=Trailer", _select_all),
    "jobs-none": _at("/jobs?q=no+such+job"),
    "jobs-lost": View(
        lambda _: "/jobs", _lose_connection, before=_without_connection, allowed=_LOST
    ),
    "keys": _at("/jobs", _show_keys),
    "job": _of_job(""),
    "failed-job": _of_job("", "failed"),
    "queued-job": _of_job("", "queued"),
    "paused-job": _of_job("", "paused"),
    "requeue": _of_job("", "failed", _press("Requeue…")),
    "job-frames": _of_job("?tab=frames"),
    "job-sheet": _of_job("?tab=frames&show=sheet"),
    "job-times": _of_job("?tab=frames&show=times"),
    "compare": _compared("side"),
    "compare-wipe": _compared("wipe"),
    "compare-difference": _compared("difference"),
    "job-tasks": _of_job("?tab=tasks"),
    "job-settings": _of_job("?tab=settings"),
    "job-statistics": _of_job("?tab=statistics"),
    "job-comments": _of_job("?tab=comments"),
    "job-history": _of_job("?tab=history"),
    "task": View(lambda farm: _task_of(farm, "failed")),
    "task-log": View(lambda farm: f"{_task_of(farm, 'failed')}/log?find=rig"),
    "task-log-tries": View(lambda farm: f"{_log_with_tries(farm)}?try=1"),
    "wall": _at("/wall"),
    "wall-light": _at("/wall?theme=light"),
    "workers": _at("/workers"),
    "workers-selected": _at("/workers", _select_all),
    "worker": View(lambda farm: f"/workers/{farm.worker('anita')['id']}"),
    "last-rendered": _at("/last-rendered"),
    "history": _at("/history?range=7d"),
    "history-causes": _at("/history?by=cause"),
    "submit": _at("/submit"),
    "settings": _at("/settings"),
    "settings-storage": _at("/settings/storage"),
    "settings-variables": _at("/settings/variables"),
    "settings-job-types": _at("/settings/job-types"),
    "settings-job-type": _at("/settings/job-types?name=simple-blender-render"),
    "settings-provisions": _at("/settings/provisions"),
    "settings-notifications": _at("/settings/notifications"),
    "new-webhook": _at("/settings/notifications", _press("New webhook…")),
    "settings-users": _at("/settings/users"),
    "settings-audit": _at("/settings/audit"),
    "settings-versions": _at("/settings/versions"),
    "settings-doctor": _at("/settings/doctor"),
    "settings-about": _at("/settings/about"),
    "account": View(lambda _: "/account", caller="person"),
    "account-notifications": View(
        lambda _: "/account", _scroll_to("Notifications by e-mail"), caller="person"
    ),
    "give-access": View(lambda _: "/give-access?host=studio-12", caller="person"),
    "not-found": _at("/no-such-page"),
}


def show(page: Page, farm: BrowsedFarm, name: str, problems: Problems) -> None:
    """Open a view, and wait until all of it is there."""
    view = VIEWS[name]
    problems.allow(*view.allowed)
    # Without it, Playwright does not notice the end of a log that is read as it comes, and
    # `settled` waits in vain for the network to be idle.
    page.on("requestfinished", lambda _: None)
    view.before(page)
    if view.caller == "nobody":
        page.goto(f"{farm.url}/app{view.address(farm)}")
        expect(page.get_by_label("Password")).to_be_visible()
    else:
        if not page.context.cookies():
            log_in_as(view.caller, page, farm)
        open_view(page, farm.url, view.address(farm))
    settled(page)
    view.act(page)
    settled(page)


def log_in_as(caller: Caller, page: Page, farm: BrowsedFarm) -> None:
    if caller == "admin":
        log_in(page, farm)
        return
    api = f"{farm.url}/api/tablao/v1"
    # It may be there already.
    farm.http.post(f"{api}/accounts", json={**_PERSON, "role": "wrangler"})
    answer = page.context.request.post(f"{api}/login", data=_PERSON)
    assert answer.ok, answer.text()


def settled(page: Page) -> None:
    """What the view fetches is there and drawn; the live connection alone goes on.

    While a farm is at work a view may ask again and again, so this is waited for a while only.
    """
    with suppress(NotInTime):
        page.wait_for_load_state("networkidle", timeout=_QUIET_WITHIN_MS)
    page.evaluate("() => document.fonts.ready")
    page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))")
