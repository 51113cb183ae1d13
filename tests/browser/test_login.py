"""Logging in and out, accounts, and workers that are let in: on a farm that wants a login."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import Page, expect

from addon.core.handover import Handover
from addon.core.manager import Manager
from tests.browser.accessibility import violations
from tests.browser.chromium import Problems
from tests.browser.conftest import log_in
from tests.browser.farm import BrowsedFarm
from tests.browser.views import settled

PASSWORD = "a long enough one"
#: What a page meets when its login ends.
LOGIN_ENDED = (r" 401$", r"status of 401", r"WebSocket connection to")
API = "/api/tablao/v1"
EVENTS = f"{API}/events"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowsedFarm]:
    """A farm without hosts, whose callers without credentials are nobody, also on this machine."""
    directory = tmp_path_factory.mktemp("closed") / "farm"
    with BrowsedFarm(directory, TABLAO_LOOPBACK="token") as farm:
        for name, role in (("vera", "viewer"), ("arno", "artist"), ("wanda", "wrangler")):
            _make_account(farm, name, role)
        farm.submit_frames("1-3", name="a job to look at")
        yield farm


@pytest.fixture
def waiting(closed: BrowsedFarm) -> Iterator[str]:
    """The name of a worker that waits to be let in."""
    name = "stranger"
    asked = {
        "name": name,
        "secret": "a secret of its own",
        "platform": "linux",
        "supported_task_types": ["blender"],
    }
    answer = httpx.post(f"{closed.url}/api/v3/worker/register-worker", json=asked)
    assert answer.status_code == 200, answer.text
    yield name
    closed.http.delete(f"/api/v3/worker-mgt/workers/{answer.json()['uuid']}")


def _make_account(farm: BrowsedFarm, name: str, role: str) -> str:
    answer = farm.http.post(
        f"{API}/accounts", json={"name": name, "role": role, "password": PASSWORD}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _type_login(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def _is_live(page: Page) -> None:
    expect(page.get_by_role("banner").get_by_role("status")).to_contain_text("farm")


def test_nobody_is_led_to_the_login_and_back(page: Page, closed: BrowsedFarm) -> None:
    page.goto(f"{closed.url}/app/workers?sort=-name")

    page.wait_for_url(re.compile(r"/app/login\?to="))
    expect(page.get_by_role("banner")).not_to_be_attached()
    _type_login(page, "wanda")

    page.wait_for_url("**/app/workers?sort=-name")
    _is_live(page)
    expect(page.get_by_role("banner").get_by_label("wanda wrangler")).to_be_visible()


def test_a_link_logs_in_by_itself_and_leaves_no_trace(page: Page, closed: BrowsedFarm) -> None:
    code = closed.link_code()

    page.goto(f"{closed.url}/app/login#link={code}")

    page.wait_for_url("**/app/jobs")
    _is_live(page)
    expect(page.get_by_role("banner").get_by_label(re.compile("own user admin"))).to_be_visible()
    page.go_back()
    assert code not in page.url


def test_a_used_link_says_so(page: Page, closed: BrowsedFarm, problems: Problems) -> None:
    problems.allow(*LOGIN_ENDED)
    code = closed.link_code()
    httpx.post(f"{closed.url}{API}/login/link", json={"code": code}).raise_for_status()

    page.goto(f"{closed.url}/app/login#link={code}")

    expect(page.get_by_role("alert")).to_contain_text("this link was used already")
    expect(page.get_by_label("Password")).to_be_visible()
    assert code not in page.url


def test_a_wrong_password_is_told_in_the_managers_words(
    page: Page, closed: BrowsedFarm, problems: Problems
) -> None:
    problems.allow(*LOGIN_ENDED)
    page.goto(f"{closed.url}/app/login")

    _type_login(page, "wanda", "not her password")

    expect(page.get_by_role("alert")).to_have_text("the name or the password is wrong")
    expect(page.get_by_label("Password")).to_have_value("")
    _type_login(page, "wanda")
    page.wait_for_url("**/app/jobs")


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_the_login_page_is_accessible(
    page: Page, closed: BrowsedFarm, theme: str, width: int
) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{closed.url}/app/login")
    expect(page.get_by_label("Password")).to_be_visible()
    settled(page)

    assert violations(page) == []


def test_an_artist_is_offered_actions_on_own_jobs_only(page: Page, closed: BrowsedFarm) -> None:
    page.goto(f"{closed.url}/app/login")
    _type_login(page, "arno")
    _is_live(page)
    asked = {
        "name": "a job of my own",
        "type": "echo-sleep-test",
        "submitter_platform": "linux",
        "settings": {"message": "olé", "sleep_duration_seconds": 1, "sleep_repeats": 1},
    }
    origin = {"origin": closed.url}
    assert page.context.request.post(f"{closed.url}/api/v3/jobs", data=asked, headers=origin).ok
    of_job = page.get_by_role("toolbar", name="Actions for the job")

    page.get_by_text("a job to look at").click()
    expect(of_job.get_by_role("button", name="Export")).to_be_visible()
    assert of_job.get_by_role("button").all_inner_texts() == ["Export"]
    expect(page.get_by_label("Priority of a job to look at")).not_to_be_attached()

    page.get_by_text("a job of my own").click()
    expect(of_job.get_by_role("button")).to_have_text(["Pause", "Cancel", "Delete", "Export"])
    expect(page.get_by_label("Priority of a job of my own")).to_be_visible()


def test_a_viewer_is_offered_no_actions(page: Page, closed: BrowsedFarm) -> None:
    page.goto(f"{closed.url}/app/login")
    _type_login(page, "vera")
    _is_live(page)

    page.get_by_text("a job to look at").click()

    header = page.get_by_role("toolbar", name="Actions for the job")
    expect(header.get_by_role("button", name="Export")).to_be_visible()
    assert header.get_by_role("button").all_inner_texts() == ["Export"]
    expect(page.get_by_label("Priority of a job to look at")).not_to_be_attached()
    views = page.get_by_role("navigation", name="Views")
    expect(views.get_by_role("link", name="Submit")).not_to_be_attached()
    views.get_by_role("link", name="Settings").click()
    pages = page.get_by_role("navigation", name="Settings").get_by_role("link")
    expect(pages.filter(has_text="About")).to_be_visible()
    assert pages.all_inner_texts() == ["Job types", "Provisioned settings", "Versions", "About"]
    note = page.get_by_role("note")
    expect(note).to_contain_text("Only an administrator changes this. You are logged in as vera")


def test_a_revoked_session_is_led_to_the_login(
    page: Page, closed: BrowsedFarm, problems: Problems
) -> None:
    problems.allow(*LOGIN_ENDED)
    account = _make_account(closed, "rosa", "artist")
    page.goto(f"{closed.url}/app/login?to=/last-rendered")
    _type_login(page, "rosa")
    page.wait_for_url("**/app/last-rendered")
    _is_live(page)

    closed.http.delete(f"{API}/accounts/{account}/sessions").raise_for_status()

    # The end of the live events is enough: the user does nothing.
    page.wait_for_url("**/app/login?to=/last-rendered")
    with page.expect_websocket(lambda socket: EVENTS in socket.url):
        _type_login(page, "rosa")
    page.wait_for_url("**/app/last-rendered")
    _is_live(page)


def test_a_form_outlives_the_session_in_which_it_was_filled_in(
    page: Page, closed: BrowsedFarm, problems: Problems
) -> None:
    problems.allow(*LOGIN_ENDED)
    account = _make_account(closed, "paca", "artist")
    page.goto(f"{closed.url}/app/login?to=/submit")
    _type_login(page, "paca")
    page.wait_for_url("**/app/submit")
    name = page.get_by_label("Name *")
    name.fill("typed for an hour")

    closed.http.delete(f"{API}/accounts/{account}/sessions").raise_for_status()

    again = page.get_by_role("dialog", name="Log in again")
    expect(again).to_contain_text("The login of paca has ended")
    expect(name).to_be_hidden()
    page.keyboard.press("Escape")
    again.get_by_label("Password").fill("wrong but long enough")
    again.get_by_role("button", name="Log in").click()
    expect(again.get_by_role("alert")).to_contain_text("the name or the password is wrong")
    with page.expect_websocket(lambda socket: EVENTS in socket.url):
        again.get_by_label("Password").fill(PASSWORD)
        again.get_by_role("button", name="Log in").click()
    expect(again).to_be_hidden()

    expect(name).to_have_value("typed for an hour")
    expect(page).to_have_url(re.compile("/app/submit$"))
    _is_live(page)


def test_logging_out_ends_the_session(page: Page, closed: BrowsedFarm, problems: Problems) -> None:
    problems.allow(*LOGIN_ENDED)
    page.goto(f"{closed.url}/app/login")
    _type_login(page, "arno")
    _is_live(page)
    cookies = page.context.cookies()

    page.get_by_role("banner").get_by_label("arno artist").click()
    page.get_by_role("button", name="Log out").click()

    page.wait_for_url(re.compile(r"/app/login\?to="))
    page.context.add_cookies(cookies)  # type: ignore[arg-type]  # as Playwright gave them
    page.goto(f"{closed.url}/app/jobs")
    page.wait_for_url("**/app/login?to=/jobs")


def test_a_waiting_worker_is_let_in(page: Page, closed: BrowsedFarm, waiting: str) -> None:
    page.goto(f"{closed.url}/app/login?to=/jobs")
    _type_login(page, "wanda")
    link = page.get_by_role("navigation", name="Views").get_by_role("link", name="Workers")
    expect(link).to_have_accessible_name("Workers 1 to be let in")

    link.click()
    region = page.get_by_role("region", name="1 worker waits to be let in")
    expect(region).to_contain_text(waiting)
    expect(region).to_contain_text("127.0.0.1")
    expect(page.get_by_role("grid", name="Workers")).not_to_contain_text(waiting)
    region.get_by_role("button", name=f"Let in {waiting}").click()

    expect(page.get_by_role("grid", name="Workers")).to_contain_text(waiting)
    expect(region).not_to_be_attached()
    expect(link).to_have_accessible_name("Workers")


def test_a_worker_that_registers_meanwhile_shows_up(
    page: Page, closed: BrowsedFarm, request: pytest.FixtureRequest
) -> None:
    page.goto(f"{closed.url}/app/login?to=/workers")
    _type_login(page, "wanda")
    _is_live(page)

    name = request.getfixturevalue("waiting")

    page.get_by_role("button", name=f"Refuse {name}").click()
    expect(page.get_by_text(f"{name} refused.")).to_be_visible()
    expect(page.get_by_role("button", name=f"Refuse {name}")).not_to_be_attached()


def test_a_join_token_is_shown_once_with_its_command(page: Page, closed: BrowsedFarm) -> None:
    page.goto(f"{closed.url}/app/login?to=/workers")
    _type_login(page, "wanda")
    page.get_by_role("button", name="Add workers…").click()
    dialog = page.get_by_role("dialog", name="Add workers")

    dialog.get_by_label("Name").fill("room 2")
    dialog.get_by_label("For how many workers").fill("3")
    dialog.get_by_role("button", name="Create join token").click()

    command = dialog.locator(".once code")
    install = r"uv venv .* && uv pip install .* 'tablao @ .*\.whl#sha256=[0-9a-f]{64}' && "
    join = rf"TABLAO_JOIN_TOKEN=tablao_join_\S+ ~/tablao-worker/bin/tablao-worker .*{closed.url}"
    expect(command).to_have_text(re.compile(f"^{install}{join}$"))
    dialog.get_by_role("checkbox", name="Install Tablao").uncheck()
    expect(command).to_have_text(
        re.compile(rf"^TABLAO_JOIN_TOKEN=tablao_join_\S+ tablao-worker --manager {closed.url}$")
    )
    dialog.get_by_role("button", name="Done").click()
    expect(command).not_to_be_attached()
    expect(dialog.get_by_label("Join tokens")).to_contain_text("3 uses left")
    dialog.get_by_role("button", name="Remove the join token room 2").click()
    expect(dialog.get_by_label("Join tokens")).not_to_be_attached()


def test_a_token_of_my_own_works_until_it_is_removed(page: Page, closed: BrowsedFarm) -> None:
    page.goto(f"{closed.url}/app/login?to=/account")
    _type_login(page, "arno")
    page.get_by_role("button", name="New token…").click()
    page.get_by_label("Name", exact=True).fill("my script")
    expect(page.get_by_text("Change settings, job types")).not_to_be_attached()
    page.get_by_label("Look at jobs").check()
    page.get_by_role("button", name="Create token").click()
    secret = page.locator(".once code").inner_text()
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{closed.url}/api/v3/jobs", headers=headers).status_code == 200

    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Remove the token my script").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()

    expect(page.get_by_text("The token my script was removed.")).to_be_visible()
    assert httpx.get(f"{closed.url}/api/v3/jobs", headers=headers).status_code == 401


def test_users_are_made_and_the_last_administrator_stays(
    page: Page, closed: BrowsedFarm, problems: Problems
) -> None:
    problems.allow(r"accounts/\S+ 409$", r"status of 409")
    log_in(page, closed)
    page.goto(f"{closed.url}/app/settings/users")

    page.get_by_role("button", name="New user…").click()
    form = page.get_by_role("form", name="New account")
    form.get_by_label("Name").fill("Ada")
    form.get_by_label("Role").select_option("admin")
    form.get_by_label("Password", exact=True).fill(PASSWORD)
    form.get_by_role("button", name="Create").click()
    role = page.get_by_label("Role of ada")
    expect(role).to_have_value("admin")
    role.select_option("viewer")

    expect(page.get_by_role("alert")).to_contain_text("admin")
    expect(role).to_have_value("admin")


def test_the_audit_says_what_was_changed_by_which_user(page: Page, closed: BrowsedFarm) -> None:
    account = _make_account(closed, "maria", "viewer")
    closed.http.patch(f"{API}/accounts/{account}", json={"role": "artist"}).raise_for_status()
    log_in(page, closed)

    page.goto(f"{closed.url}/app/settings/audit")
    page.get_by_label("Only this action").fill("changeAccount")
    page.get_by_label("Only this action").press("Enter")

    of_account = page.get_by_title(account)
    entry = page.get_by_role("list", name="Entries").get_by_role("listitem").filter(has=of_account)
    expect(entry.first).to_contain_text("change account")
    expect(entry.first.get_by_title(account)).to_have_text("maria")
    expect(entry.first).to_contain_text("role: viewer → artist")


def test_access_for_blender_is_given_to_the_add_on_that_waits(
    page: Page, closed: BrowsedFarm
) -> None:
    handover = Handover(Manager(closed.url))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(handover.wait, patience_s=180)
        page.goto(handover.page)
        _type_login(page, "arno")
        expect(page.get_by_text("Blender on ")).to_be_visible()
        assert not waiting.done()

        page.get_by_role("button", name="Give access").click()

        expect(page.get_by_text("Blender has access. You can close this page.")).to_be_visible()
        assert "tablao_user_" not in page.url
        token = waiting.result()
    assert Manager(closed.url, token).get("/api/tablao/v1/me")["permissions"] == [
        "read",
        "submit",
        "jobs:own",
    ]


def test_a_token_for_blender_is_shown_where_no_add_on_waits(
    page: Page, closed: BrowsedFarm
) -> None:
    page.goto(f"{closed.url}/app/login?to=/give-access")
    _type_login(page, "arno")

    page.get_by_role("button", name="Give access").click()

    expect(page.locator(".once code")).to_have_text(re.compile("^tablao_user_"))
